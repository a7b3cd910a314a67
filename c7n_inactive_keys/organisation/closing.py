# SPDX-License-Identifier: Apache-2.0
"""The last task: one report of all batches, and what to tell people."""

from __future__ import annotations

import json
from pathlib import Path

from c7n_inactive_keys.core.json_types import JsonMapping, JsonObject
from c7n_inactive_keys.organisation.bucket import Bucket
from c7n_inactive_keys.organisation.commands import Reported, report
from c7n_inactive_keys.organisation.gathering import gathered
from c7n_inactive_keys.report.command import ACTION_FAILED
from c7n_inactive_keys.report.words import counted

SUBJECT = 100  # what SNS takes, in characters
# Athena reads all objects of a folder, so each kind of them has its own.
FORMATS = {"html": "reports", "json": "reports", "jsonl": "keys"}


def close(bucket: Bucket, event: JsonMapping, home: Path) -> JsonObject:
    """Write the report in all formats; its exit status, and the message."""
    prefix = event["prefix"]
    day, run = prefix.split("/")[1:3]
    sources = gathered(bucket, prefix, home)
    places = {}
    for format_, folder in FORMATS.items():
        path = home / f"report.{format_}"
        done = report(*sources, "--format", format_, "-o", path)
        places[format_] = f"{folder}/date={day}/{run}.{format_}"
        bucket.upload(places[format_], path)
    document = json.loads((home / "report.json").read_bytes())
    status = done.status or (ACTION_FAILED if event["stopped"] else 0)
    urls = [f"s3://{bucket.name}/{key}" for key in (*places.values(), f"{prefix}/plan.csv")]
    return {"status": status} | message(document, event, done, urls)


def message(
    document: JsonMapping, event: JsonMapping, done: Reported, urls: list[str]
) -> dict[str, str]:
    """Subject and text for people."""
    totals, coverage = document["totals"], document["coverage"]
    left_out = coverage["failed"] + coverage["missing"]
    summary = (
        f"Inactive access keys: {totals['remaining']:,} left, {totals['deleted']:,} deleted, "
        f"{counted(left_out, 'account')} not covered"
    )
    planned = f"{counted(event['planned'], 'key')} in the plan"
    lines = filter(None, (summary, event["stopped"], planned, done.said))
    return {"subject": summary[:SUBJECT], "message": "\n".join((*lines, "", *urls))}
