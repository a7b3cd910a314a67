# SPDX-License-Identifier: Apache-2.0
"""Cloud Custodian plugin: find, prove, report and safely delete inactive IAM access keys."""

# Imported at every interpreter start (through the .pth), so nothing else belongs here.
__version__ = "0.1.0"
