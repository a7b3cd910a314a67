# SPDX-License-Identifier: Apache-2.0
"""Writing a report, one output format a module."""
