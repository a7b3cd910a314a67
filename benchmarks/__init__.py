# SPDX-License-Identifier: Apache-2.0
"""Measurements against what a user would take instead; `python -m benchmarks` runs them."""
