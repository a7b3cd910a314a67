# SPDX-License-Identifier: Apache-2.0
"""The rules, a group in each file: pure functions of a policy's data."""
