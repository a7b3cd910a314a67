# SPDX-License-Identifier: Apache-2.0
"""The option events-from through stock Custodian: forms and places of an export, its silence."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from c7n_inactive_keys.core.times import format_time
from tests.support.accounts import ACCOUNT, days_ago, report_of_today, since
from tests.support.custodian import custodian
from tests.support.outcome import Outcome
from tests.support.policies import ours, policy

pytestmark = pytest.mark.e2e

BUCKET = "siem-exports"
COVERED = "2024-01-01"
CREATED, OFF, LONG_OFF = days_ago(2500), days_ago(400), days_ago(1500)
# How policies name the same export; each must know the moment to the second.
FORMS = {
    "csv": {"url": "file:///{dir}/events.csv", "format": "csv2dict"},
    "csv-by-its-ending": {"url": "file:///{dir}/events.csv"},
    "csv-gzip": {"url": "file:///{dir}/events.csv.gz", "format": "csv2dict"},
    "json": {"url": "file:///{dir}/events.json"},
    "trail-log": {"url": "file:///{dir}/trail.json.gz", "format": "json"},
    "relative": {"url": "file://events.csv"},
    "relative-in-a-folder": {"url": "file://logs/trail.json.gz", "format": "json"},
    "expr": {"url": "file:///{dir}/nested.json", "expr": "answer.rows[?Kind=='status']"},
    "expr-of-a-trail-log": {
        "url": "file:///{dir}/trail.json.gz",
        "format": "json",
        "expr": "Records[?eventName=='UpdateAccessKey']",
    },
    "s3": {"url": f"s3://{BUCKET}/exports/events.csv", "format": "csv2dict"},
    "s3-gzip": {"url": f"s3://{BUCKET}/AWSLogs/trail.json.gz", "format": "json"},
    "http": {"url": "http://{host}/events.csv", "format": "csv2dict"},
    "http-gzip": {"url": "http://{host}/trail.json.gz", "format": "json"},
}
HEADER = "AccessKeyId,Time,Status,Actor"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each on standard error."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory):
    """The directory of the exports, which is the runs' working directory too."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module", name="host")
def _host(place):
    """A web server over that directory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=place))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", name="key_ids")
def _key_ids(aws):
    """Ids of a key whose switch-off is in the exports, and of one that they are silent on.

    Event history has forgotten both.
    """
    account = aws.account(ACCOUNT)
    told = account.user("told").key(created=CREATED, toggles=[OFF])
    silent = account.user("silent").key(created=CREATED, toggles=[days_ago(2000)])
    report_of_today(aws, ACCOUNT)
    return told.id, silent.id


def trail_record(key_id, moment, status, **more):
    """A record as CloudTrail writes it to its log files."""
    return {
        "eventVersion": "1.08",
        "eventSource": "iam.amazonaws.com",
        "eventName": "UpdateAccessKey",
        "eventTime": format_time(moment),
        "eventID": "6b1f0a3e-0000-4000-8000-000000000001",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/admin"},
        "requestParameters": {"accessKeyId": key_id, "status": status, "userName": "told"},
        "responseElements": None,
        **more,
    }


@pytest.fixture(scope="module", name="exports")
def _exports(aws, place, key_ids):
    """The same history in each form: switched off, on, and off for good; of the first key."""
    told, _ = key_ids
    moments = [(LONG_OFF, "Inactive"), (OFF - timedelta(days=1), "Active"), (OFF, "Inactive")]
    lines = [HEADER, *(f"{told},{format_time(at)},{status},jo" for at, status in moments)]
    text = "\n".join(lines) + "\n"
    rows = [{"AccessKeyId": told, "Time": format_time(at), "Status": s} for at, s in moments]
    denied = trail_record(told, OFF + timedelta(days=5), "Inactive")
    denied.update(errorCode="AccessDenied", requestParameters=None)
    records = [
        *(trail_record(told, at, status) for at, status in moments),
        denied,
        trail_record(told, OFF, "x", eventName="ListUsers", requestParameters=None),
    ]
    trail = gzip.compress(json.dumps({"Records": records}).encode())
    nested = [{**row, "Kind": "status"} for row in rows] + [{"Kind": "other"}]
    (place / "logs").mkdir()
    (place / "events.csv").write_text(text)
    (place / "events.csv.gz").write_bytes(gzip.compress(text.encode()))
    (place / "events.json").write_text(json.dumps(rows))
    (place / "nested.json").write_text(json.dumps({"answer": {"rows": nested}}))
    for path in (place / "trail.json.gz", place / "logs" / "trail.json.gz"):
        path.write_bytes(trail)
    s3 = aws.client("s3", ACCOUNT)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="exports/events.csv", Body=text.encode())
    s3.put_object(Bucket=BUCKET, Key="AWSLogs/trail.json.gz", Body=trail)


def run(aws, home, text, *options) -> Outcome:
    """A run of policies as YAML text in the directory of the exports."""
    path = home / "policies.yml"
    path.write_text(text)
    return custodian(aws, home, *options, policies=path)


@pytest.fixture(scope="module", name="good")
def _good(aws, place, host, exports) -> Outcome:
    """A run of a policy for each form, and each with and without covers-since."""
    policies = []
    for name, form in FORMS.items():
        form = {**form, "url": form["url"].format(dir=str(place).lstrip("/"), host=host)}
        policies.append(policy(name, ours(events_from={**form, "covers-since": "SINCE"})))
        policies.append(policy(f"{name}-open", ours(events_from=form)))
    # Without quotation marks, so that YAML reads a date.
    text = yaml.safe_dump({"policies": policies}).replace("SINCE", COVERED)
    assert f"covers-since: {COVERED}\n" in text
    outcome = run(aws, place, text)
    assert outcome.status == 0, outcome.log
    return outcome


@pytest.mark.parametrize("form", FORMS)
def test_an_event_in_a_complete_export_is_the_moment(good, key_ids, form):
    """Switched off 400 days ago, to the second, in each form and from each place."""
    entry = good.keys(form)[key_ids[0]]
    assert since(entry) == (OFF, OFF)
    assert entry["InactiveDays"] == {"AtLeast": 400.0, "AtMost": 400.0}
    assert "events-from" in {item["Source"] for item in entry["Evidence"]}


@pytest.mark.parametrize("form", FORMS)
def test_silence_counts_from_covers_since(good, key_ids, form):
    """A key that a complete export does not mention was off from its beginning on."""
    entry = good.keys(form)[key_ids[1]]
    assert entry["InactiveSince"] == {
        "NotBefore": format_time(CREATED),
        "NotAfter": f"{COVERED}T00:00:00Z",
    }


@pytest.mark.parametrize("form", FORMS)
def test_silence_of_an_export_that_covers_nothing_proves_nothing(good, key_ids, form):
    """Without covers-since a key is proven inactive for as long as event history is silent."""
    for key_id in key_ids:
        assert good.keys(f"{form}-open")[key_id]["InactiveDays"]["AtLeast"] == 90.0


@pytest.mark.parametrize("form", FORMS)
def test_an_event_in_an_incomplete_export_still_tells_when_the_key_was_active(good, key_ids, form):
    """NotBefore comes from its latest record, for it was switched off then or later."""
    not_before, not_after = since(good.keys(f"{form}-open")[key_ids[0]])
    assert not_before == OFF <= not_after


def test_the_run_s_metadata_names_the_date(good):
    """A date without quotation marks does not keep Custodian from writing its metadata."""
    metadata = json.loads((good.out / "csv" / "metadata.json").read_text())
    (found,) = metadata["policy"]["filters"]
    assert found["events-from"]["covers-since"] == COVERED


# -- exports that cannot be read -------------------------------------------------------------------

BROKEN = {
    "no-file": ("nothing.csv", None),
    "no-access-key-id": ("a.csv", "Time,Status\n2024-05-05T00:00:00Z,Inactive\n"),
    "no-time": ("b.csv", "AccessKeyId,Status\n{key},Inactive\n"),
    "not-a-time": ("c.csv", f"{HEADER}\n{{key}},yesterday,Inactive,jo\n"),
    "not-a-status": ("d.csv", f"{HEADER}\n{{key}},2024-05-05T00:00:00Z,Off,jo\n"),
    "short-line": ("e.csv", f"{HEADER}\n{{key}},2024-05-05T00:00:00Z\n"),
    "long-line": ("f.csv", f"{HEADER}\n{{key}},2024-05-05T00:00:00Z,Inactive,jo,more\n"),
    "one-bad-of-two": (
        "g.csv",
        f"{HEADER}\n{{key}},2024-05-05T00:00:00Z,Inactive,jo\n{{key}},,Active,jo\n",
    ),
    "empty": ("empty.csv", ""),
    "foreign": ("foreign.csv", "foo,bar\n"),
    "semicolons": ("semicolons.csv", "AccessKeyId;Time;Status\n"),
    "date-alone": ("date.csv", f"{HEADER}\n{{key}},2024-05-05,Inactive,jo\n"),
    "other-columns": (
        "flat.csv",
        "eventName,requestParameters.accessKeyId\nUpdateAccessKey,{key}\n",
    ),
    "not-json": ("h.json", '[{"AccessKeyId": '),
    "no-list": ("i.json", '{"rows": 3}'),
    "list-of-texts": ("j.json", '["AKIA"]'),
    "trail-without-time": (
        "k.json",
        json.dumps({"Records": [{**trail_record("AKIA", OFF, "Inactive"), "eventTime": None}]}),
    ),
    "torn-gzip": ("l.json.gz", None),
    "no-object": (f"s3://{BUCKET}/nothing.csv", None),
    "no-page": ("http://{host}/nothing.csv", None),
}


@pytest.fixture(scope="module", name="bad")
def _bad(aws, place, host, exports, key_ids) -> Outcome:
    """A run of a deletion for each export that cannot be read."""
    policies = []
    for name, (file, content) in BROKEN.items():
        if content is not None:
            (place / file).write_text(content.replace("{key}", key_ids[0]))
        url = file.format(host=host) if "://" in file else f"file://{file}"
        export = {"url": url, "covers-since": COVERED}
        if name == "torn-gzip":
            (place / file).write_bytes(gzip.compress(b'{"Records": []}' * 100)[:40])
            export["format"] = "json"
        policies.append(
            policy(name, ours(days=90, events_from=export), actions=("delete-inactive-keys",))
        )
    return run(aws, place, yaml.safe_dump({"policies": policies}), "-v")


def test_an_export_that_cannot_be_read_fails_the_policy(bad):
    """Exit 2; the other policies of the run are tried as well."""
    assert bad.status == 2


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_export_is_named(bad, name):
    """By a sentence with the policy and the file."""
    file = BROKEN[name][0].rpartition("/")[2]
    errors = [line for line in bad.log.splitlines() if f"policy:{name} events-from: " in line]
    assert errors
    assert all(file in line for line in errors)


@pytest.mark.parametrize("name", BROKEN)
def test_no_key_is_found_by_half_an_export(bad, name):
    """The policy ends before it has resources, so no journal either."""
    assert not (bad.out / name / "resources.json").exists()
    assert not (bad.out / name / "inactive-keys.jsonl").exists()


def test_nothing_is_deleted_on_a_broken_export(bad, aws, key_ids):
    """Both keys are there, though event history alone would prove 90 days."""
    assert aws.calls.count("DeleteAccessKey") == 0
    assert {row["access_key_id"] for row in aws.truth()} == set(key_ids)
