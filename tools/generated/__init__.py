# SPDX-License-Identifier: Apache-2.0
"""What the generated parts of the documentation are made from."""
