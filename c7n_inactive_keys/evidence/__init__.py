# SPDX-License-Identifier: Apache-2.0
"""Where knowledge of a key's past comes from, one source a module."""
