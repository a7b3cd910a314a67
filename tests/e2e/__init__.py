# SPDX-License-Identifier: Apache-2.0
"""Composition of filters and scenarios of the field, end to end through the stock commands."""
