# SPDX-License-Identifier: Apache-2.0
"""Where the core meets Custodian: source, filter and actions of `aws.iam-user`."""
