# SPDX-License-Identifier: Apache-2.0
"""The ledger: the action `record-inactive-keys`."""
