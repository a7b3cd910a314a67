# SPDX-License-Identifier: Apache-2.0
"""Finding inactive keys: the source, the filter and the evidence they gather."""
