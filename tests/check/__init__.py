# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys check`: loading, archives, accounts."""
