# SPDX-License-Identifier: Apache-2.0
"""Reading what runs left behind: output trees, journals, logs."""
