# SPDX-License-Identifier: Apache-2.0
"""Deleting keys: the action `delete-inactive-keys`."""
