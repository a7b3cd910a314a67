# SPDX-License-Identifier: Apache-2.0
"""What Custodian policies that somebody already has do to access keys, found without AWS."""
