# SPDX-License-Identifier: Apache-2.0
"""The rules of the plugin as pure functions over values: no clock, no I/O, no AWS, no Custodian."""
