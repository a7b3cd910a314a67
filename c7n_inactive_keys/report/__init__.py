# SPDX-License-Identifier: Apache-2.0
"""The report over output trees: collect reads, summary computes, one module a format renders."""
