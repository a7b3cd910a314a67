# SPDX-License-Identifier: Apache-2.0
"""Remove the ledger's tags from all users of the account whose credentials are there."""

import boto3

iam = boto3.client("iam")
for page in iam.get_paginator("list_users").paginate():
    for user in page["Users"]:
        name = user["UserName"]
        tags = iam.get_user(UserName=name)["User"].get("Tags", [])
        ours = [tag["Key"] for tag in tags if tag["Key"].startswith("c7n-inactive-key:")]
        if ours:
            iam.untag_user(UserName=name, TagKeys=ours)
            print(name, *ours)
