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
from rich.console import Console

from c7n_inactive_keys.report.formats import (
    asff,
    csv_format,
    html_format,
    json_format,
    markdown_format,
    text_format,
)

from .output_tree import DELETE, DENIED, entry, key, user
from .sample import HOSTILE, sample_report

ACCOUNT = "111111111111"

GOLD = Path(__file__).parent / "gold"
FORMATS = {
    "text_format": "text-pipe.txt",
    "csv_format": "report.csv",
    "json_format": "report.json",
    "jsonl_format": "report.jsonl",
    "markdown_format": "report.md",
    "html_format": "report.html",
    "asff": "asff.json",
    "ocsf": "ocsf.json",
}
WIDTHS = (80, 120, 200)
# The page's style and script, which have files of their own, and their digests.
EMBEDDED = re.compile(r"(?<=<style>).*?(?=</style>)|(?<=<script>).*?(?=</script>)", re.DOTALL)
DIGEST = re.compile(r"sha256-[\w+/=]+")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The report over the sample organisation."""
    return sample_report(tmp_path_factory.mktemp("sample"))


def rendered(format_, result):
    """What the format makes of a report."""
    module = importlib.import_module(f"c7n_inactive_keys.report.formats.{format_}")
    return "".join(module.render(result))


def on_terminal(result, width, **options):
    """The lines of the report on a terminal so wide; without its colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    text_format.show(result, console, **options)
    return stream.getvalue().splitlines()


def keys_table(lines):
    """The lines of the keys, with their head and those of their groups."""
    return lines[2 : lines.index("", 2)]


def compare(name, actual, tmp_path):
    """With a golden file; UPDATE_GOLD=1 writes it anew."""
    gold = GOLD / name
    if os.environ.get("UPDATE_GOLD"):
        gold.write_bytes(actual.encode())
    beside = tmp_path / name
    beside.write_bytes(actual.encode())
    assert actual == gold.read_bytes().decode(), f"the actual output is in {beside}"


@pytest.mark.parametrize(("format_", "name"), FORMATS.items(), ids=FORMATS)
def test_the_format_equals_its_golden_file(sample, format_, name, tmp_path, monkeypatch):
    """Read the difference before committing it."""
    if format_ == "ocsf":
        pytest.importorskip("py_ocsf_models", reason="extra ocsf is not installed")
    if format_ in ("html_format", "ocsf"):
        monkeypatch.setattr(f"c7n_inactive_keys.report.formats.{format_}.__version__", "1.0")
    actual = rendered(format_, sample)
    if format_ == "html_format":
        actual = DIGEST.sub("", EMBEDDED.sub("", actual))
    compare(name, actual, tmp_path)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_shows_one_line_a_key_at_any_width(sample, width, tmp_path):
    """Nothing is folded: sentences are wrapped, and only commands may be longer."""
    lines = on_terminal(sample, width)
    compare(f"text-{width}.txt", "\n".join(lines) + "\n", tmp_path)
    table = keys_table(lines)
    groups = {row.group for row in sample.rows}
    assert len(table) == 1 + len(groups) + len(sample.rows)
    assert max(map(len, table)) <= width
    assert [line for line in lines if len(line) > width and not line.startswith("   ")] == []


@pytest.mark.parametrize("width", [*range(80, 130, 7), 250])
def test_no_key_id_is_shortened(sample, width):
    """It is what people copy."""
    lines = keys_table(on_terminal(sample, width))
    for row in sample.rows:
        assert row.user.is_root or sum(row.key.id in line for line in lines) == 1


def test_in_a_pipe_a_key_is_a_line_with_all_that_is_known(sample):
    """For grep and awk: no colours, no width, nothing left out."""
    lines = rendered("text_format", sample).splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    lines = keys_table(lines)
    for row in sample.rows:
        (line,) = (line for line in lines if row.key.id in line)
        assert line.startswith(row.group)
        assert row.user.account_id in line


def test_evidence_comes_in_lines_of_its_own_and_in_a_pipe_behind_the_key(sample):
    """With --evidence."""
    words = "cloudtrail: deactivated 2026-11-17T04:00:00Z by arn:aws:iam::111111111111:user/admin"
    assert not [line for line in on_terminal(sample, 80) if words[:40] in line]
    assert [line for line in on_terminal(sample, 80, evidence=True) if words[:40] in line]
    (line,) = (line for line in text_format.render(sample, evidence=True) if words in line)
    assert "AKIA0000000000000005" in line


def test_a_terminal_shows_the_keys_that_need_somebody_and_says_how_many_more_there_are(
    report, tree
):
    """The deleted ones are last, and so are the first to be left out."""
    keys = [key(number, off=(100 + number, 400)) for number in range(70)]
    gone = [entry(ACCOUNT, "ci", item, "deleted") for item in keys[:30]]
    gone.append(entry(ACCOUNT, "ci", keys[30], "failed", error=DENIED))
    tree.run(ACCOUNT, [user(ACCOUNT, "ci", *keys)], policy=DELETE, journal=gone)
    result = report(tree)
    lines = on_terminal(result, 100)
    shown = [line for line in lines if "AKIA" in line and "%" not in line]
    assert keys[30]["AccessKeyId"] in shown[0]
    assert len(shown) == text_format.SHOWN
    assert sum("deleted" in line for line in shown) == 50 - 40
    everything = rendered("text_format", result)
    assert all(item["AccessKeyId"] in everything for item in keys)


def test_all_formats_agree_on_keys_and_totals(sample):
    """Each key is in each once; findings are of inactive keys and of those that woke."""
    ids = [row.key.id for row in sample.rows]
    document = json.loads(rendered("json_format", sample))
    others = [item["access_key_id"] for item in document["active_keys"]]
    assert [item["access_key_id"] for item in document["keys"]] + others == ids
    assert document["totals"]["keys"] == len(document["keys"]) == len(sample.keys)
    assert sum(account["keys"] for account in document["accounts"]) == len(sample.keys)
    for format_, separator in (("csv_format", ","), ("jsonl_format", '"')):
        text = rendered(format_, sample)
        assert [
            key_id for key_id in ids if text.count(f"{separator}{key_id}{separator}") != 1
        ] == []
    findings = [
        f["Resources"][0]["Details"]["AwsIamAccessKey"]["AccessKeyId"]
        for f in json.loads(rendered("asff", sample))
    ]
    woken = [row.key.id for row in sample.active_keys if row.key.woken]
    assert findings == [row.key.id for row in sample.keys] + woken
    assert sorted(page_keys(rendered("html_format", sample), "id")) == sorted(ids)
    plain = rendered("text_format", sample)
    assert [key_id for key_id in ids if key_id not in plain] == []
    assert f"{len(sample.keys)} inactive access keys of {sample.totals.users} users" in plain
    markdown = rendered("markdown_format", sample)
    left = [row.key.id for row in sample.rows if row.group != "gone"]
    assert [key_id for key_id in left if key_id not in markdown] == []


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
    for format_ in FORMATS.keys() - {"ocsf"}:
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


def page_keys(page, column):
    """What the page knows of each key."""
    data = page_data(page)
    return [key[data["columns"].index(column)] for key in data["keys"]]


def test_hostile_names_make_no_elements_in_the_page(sample):
    page = rendered("html_format", sample)
    parser = Elements()
    parser.feed(page)
    tags = [tag for tag, _ in parser.tags]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not [name for _, attrs in parser.tags for name in attrs if name.startswith("on")]
    names = page_keys(page, "user")
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
    assert [link for link in links if not link.startswith("#")] == ["data:,"]


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
    assert len(events) == len(sample.keys) + sample.totals.woken
    for event in events:
        DetectionFinding.model_validate(event)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    uids = [event["finding_info"]["uid"] for event in events]
    assert len(set(uids)) == len(uids)


def test_on_a_terminal_groups_have_colours(sample):
    """By what there is to do."""
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=True, color_system="standard")
    text_format.show(sample, console)
    assert "\x1b[1;31mNeeds somebody (3)" in stream.getvalue()


def test_where_nothing_is_found_a_sentence_says_so(report, tree):
    """No empty table, and no histogram of nothing."""
    tree.run(ACCOUNT, [])
    for text in (rendered("text_format", report(tree)), "\n".join(on_terminal(report(tree), 80))):
        assert "No inactive access key was found" in text
        assert "access key  " not in text
        assert "days inactive" not in text


def test_markdown_mentions_nobody_and_holds_no_html(sample):
    """Names are code: `@team`, links and elements in them stay text."""
    lines = rendered("markdown_format", sample).splitlines()
    table = [line for line in lines if line.startswith("| `")]
    cells = [cell.strip() for line in table for cell in re.split(r"(?<!\\)\|", line)]
    assert f"`{HOSTILE[0]}`" in cells
    assert [cell for cell in cells if cell and not (cell[0] == cell[-1] == "`")] == []
    assert not [
        line for line in lines if re.search(r"(?<![`\\\w])<(?!/?sub>)", line) and "`" not in line
    ]


def test_renderers_work_on_an_empty_report(report, tree):
    tree.run("111111111111", [])
    result = report(tree)
    for module in (text_format, csv_format, json_format, html_format, markdown_format, asff):
        assert "".join(module.render(result))
