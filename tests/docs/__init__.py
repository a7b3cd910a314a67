# SPDX-License-Identifier: Apache-2.0
"""That the documentation is true."""
