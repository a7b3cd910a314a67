# SPDX-License-Identifier: Apache-2.0
"""Where the entries of matched keys are on Custodian's user."""

INACTIVE_KEYS = "c7n:InactiveAccessKeys"
UNUSED_KEYS = "c7n:UnusedAccessKeys"
REACTIVATED_KEYS = "c7n:ReactivatedAccessKeys"
