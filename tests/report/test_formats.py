# SPDX-License-Identifier: Apache-2.0
"""Every format says the same, in its own form, whatever names it is given."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from c7n_inactive_keys.report.formats import (
    asff,
    csv_format,
    html_format,
    json_format,
    text_format,
)

from .sample import HOSTILE, sample_report

GOLD = Path(__file__).parent / "gold"
FORMATS = {
    "text_format": "text.txt",
    "csv_format": "report.csv",
    "json_format": "report.json",
    "html_format": "report.html",
    "asff": "asff.json",
    "ocsf": "ocsf.json",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The report over the sample organisation."""
    return sample_report(tmp_path_factory.mktemp("sample"))


def rendered(format_, result):
    module = importlib.import_module(f"c7n_inactive_keys.report.formats.{format_}")
    return "".join(module.render(result))


@pytest.mark.parametrize(("format_", "name"), FORMATS.items(), ids=FORMATS)
def test_the_format_equals_its_golden_file(sample, format_, name, tmp_path, monkeypatch):
    """UPDATE_GOLD=1 writes the files anew; read the difference before committing it."""
    if format_ == "ocsf":
        pytest.importorskip("py_ocsf_models", reason="extra ocsf is not installed")
    if format_ in ("html_format", "ocsf"):
        monkeypatch.setattr(f"c7n_inactive_keys.report.formats.{format_}.__version__", "1.0")
    actual = rendered(format_, sample)
    gold = GOLD / name
    if os.environ.get("UPDATE_GOLD"):
        gold.parent.mkdir(exist_ok=True)
        gold.write_bytes(actual.encode())
    beside = tmp_path / name
    beside.write_bytes(actual.encode())
    assert actual == gold.read_bytes().decode(), f"the actual output is in {beside}"


def test_all_formats_agree_on_keys_and_totals(sample):
    ids = [row.key.id for row in sample.keys]
    document = json.loads(rendered("json_format", sample))
    assert [item["access_key_id"] for item in document["keys"]] == ids
    assert document["totals"]["keys"] == len(ids) == sample.totals.keys
    assert sum(account["keys"] for account in document["accounts"]) == len(ids)
    rows = list(csv.DictReader(io.StringIO(rendered("csv_format", sample))))
    assert [row["access_key_id"] for row in rows] == ids
    assert [
        f["Resources"][0]["Details"]["AwsIamAccessKey"]["AccessKeyId"]
        for f in json.loads(rendered("asff", sample))
    ] == ids
    assert [key[3] for key in page_data(rendered("html_format", sample))["keys"]] == ids
    plain = rendered("text_format", sample)
    assert all(key_id in plain for key_id in ids)
    assert f"{len(ids)} keys of {sample.totals.users} users" in plain


def test_the_json_holds_every_field_of_the_contract(sample):
    document = json.loads(rendered("json_format", sample))
    assert document["format_version"] == 1
    assert document["generated"] == "2026-11-20T08:30:00Z"
    assert {
        "keys",
        "users",
        "accounts",
        "never_used",
        "deleted",
        "skipped",
        "failed",
        "slot_blocked",
    } <= document["totals"].keys()
    for account in document["accounts"]:
        assert {"account_id", "name", "status", "reason", "keys"} <= account.keys()
    for item in document["keys"]:
        assert {
            "account_id",
            "account_name",
            "user_name",
            "path",
            "access_key_id",
            "created",
            "last_used",
            "not_before",
            "not_after",
            "at_least_days",
            "at_most_days",
            "evidence",
            "outcome",
            "reason",
        } <= item.keys()
        assert all(isinstance(words, str) for words in item["evidence"])


def test_no_cell_of_the_csv_is_a_formula(sample):
    cells = [
        cell for row in csv.reader(io.StringIO(rendered("csv_format", sample))) for cell in row
    ]
    assert any(cell.startswith("'=cmd()") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(csv_format.FORMULA)]


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_calculate_is_made_text(cell):
    assert csv_format.harmless(cell) == f"'{cell}"


def test_numbers_in_csv_stay_numbers():
    assert csv_format.harmless(-1.5) == -1.5


def test_no_format_lets_control_characters_through(sample):
    for format_ in ("text_format", "csv_format", "json_format", "html_format", "asff"):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202e]", rendered(format_, sample))


class Elements(HTMLParser):
    """The tags of a page, and the content of its scripts."""

    def __init__(self):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and self.scripts:
            self.scripts[-1] += data


def page_data(page):
    parser = Elements()
    parser.feed(page)
    return json.loads(parser.scripts[0])


def test_hostile_names_make_no_elements_in_the_page(sample):
    page = rendered("html_format", sample)
    parser = Elements()
    parser.feed(page)
    tags = [tag for tag, _ in parser.tags]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not [name for _, attrs in parser.tags for name in attrs if name.startswith("on")]
    names = [key[1] for key in page_data(page)["keys"]]
    assert HOSTILE[0] in names
    assert HOSTILE[1] in names


def test_the_page_asks_the_network_for_nothing(sample):
    page = rendered("html_format", sample)
    parser = Elements()
    parser.feed(page)
    assert "default-src 'none'" in page
    links = [
        value
        for _, attrs in parser.tags
        for name, value in attrs.items()
        if name in ("src", "href", "action", "data")
    ]
    assert links == ["data:,"]


def asff_shape():
    service = botocore.session.get_session().get_service_model("securityhub")
    return service.operation_model("BatchImportFindings").input_shape


def constraint_faults(value, shape, path="Findings"):
    """What botocore's validator leaves to the service: patterns and enums."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from constraint_faults(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from constraint_faults(item, shape.member, path)
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from constraint_faults(name, shape.key, path)
            yield from constraint_faults(item, shape.value, f"{path}.{name}")
    elif shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path} does not match {pattern}"
        if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
            yield f"{path} is none of {shape.metadata['enum']}"


def test_findings_fit_the_service_model_of_security_hub(sample):
    findings = json.loads(rendered("asff", sample))
    shape = asff_shape()
    assert not ParamValidator().validate({"Findings": findings}, shape).has_errors()
    assert not list(constraint_faults({"Findings": findings}, shape))
    for finding in findings:
        assert len(finding["Title"]) <= asff.TITLE_LENGTH
        assert len(finding["Description"]) <= asff.DESCRIPTION_LENGTH
        assert len(finding["ProductFields"]) <= 50
        assert finding["UpdatedAt"] >= finding["CreatedAt"]


def test_a_key_has_the_same_finding_id_in_every_report_and_no_other_key_has_it(sample, tmp_path):
    again = sample_report(tmp_path)
    ids = [finding["Id"] for finding in json.loads(rendered("asff", sample))]
    assert ids == [finding["Id"] for finding in json.loads(rendered("asff", again))]
    assert len(set(ids)) == len(ids)


def test_findings_of_deleted_keys_are_archived(sample):
    states = {
        finding["Id"].rpartition("/")[2]: finding["RecordState"]
        for finding in json.loads(rendered("asff", sample))
    }
    deleted = {row.key.id for row in sample.keys if row.outcome == "deleted"}
    assert deleted
    assert {key_id for key_id, state in states.items() if state == "ARCHIVED"} == deleted


def test_security_hub_of_the_sandbox_imports_the_findings(sample, sandbox):
    findings = json.loads(rendered("asff", sample))
    imported = 0
    for account_id in {finding["AwsAccountId"] for finding in findings}:
        sandbox.account(account_id)
        hub = sandbox.client("securityhub", account_id)
        hub.enable_security_hub()
        own = [finding for finding in findings if finding["AwsAccountId"] == account_id]
        for _ in range(2):
            answer = hub.batch_import_findings(Findings=own)
            assert (answer["SuccessCount"], answer["FailedCount"]) == (len(own), 0)
        imported += len({item["Id"] for item in hub.get_findings()["Findings"]})
    assert imported == len(findings)


def test_ocsf_events_are_valid_detection_findings(sample):
    pytest.importorskip("py_ocsf_models", reason="extra ocsf is not installed")
    from py_ocsf_models.events.findings.detection_finding import DetectionFinding

    events = json.loads(rendered("ocsf", sample))
    assert len(events) == len(sample.keys)
    for event in events:
        DetectionFinding.model_validate(event)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    uids = [event["finding_info"]["uid"] for event in events]
    assert len(set(uids)) == len(uids)


def test_text_on_a_terminal_fits_it_and_is_coloured(sample):
    from rich.console import Console

    stream = io.StringIO()
    text_format.show(
        sample, Console(file=stream, width=120, force_terminal=True, color_system="standard")
    )
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in stream.getvalue().splitlines()]
    assert "\x1b[" in stream.getvalue()
    table = [line for line in lines if "AKIA" in line]
    assert table
    assert max(map(len, table)) <= 120


def test_renderers_work_on_an_empty_report(report, tree):
    tree.run("111111111111", [])
    result = report(tree)
    for module in (text_format, csv_format, json_format, html_format, asff):
        assert "".join(module.render(result))
