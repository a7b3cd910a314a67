# SPDX-License-Identifier: Apache-2.0
"""Cloud Custodian plugin: find, prove, report and safely delete inactive IAM access keys."""

# Imported at every interpreter start (through the start-up files), so nothing else belongs here.
__version__ = "0.1.0"
OPT_OUT = (
    "C7N_INACTIVE_KEYS_AUTOLOAD"  # an environment variable: with 0 the start-up files do nothing
)
