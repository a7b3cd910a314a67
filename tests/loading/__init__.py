# SPDX-License-Identifier: Apache-2.0
"""How Custodian gets to know the plugin: start-up files, our own command, programs, layers."""
