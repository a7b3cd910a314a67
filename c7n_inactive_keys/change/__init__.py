# SPDX-License-Identifier: Apache-2.0
"""Changing keys: one engine that deletes, deactivates and reactivates them."""
