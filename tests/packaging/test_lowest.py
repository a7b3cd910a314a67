# SPDX-License-Identifier: Apache-2.0
"""The oldest Custodian and libraries that the package allows: they exist, and they do the job."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.accounts import report_of_today
from tests.support.commands import must
from tests.support.fresh import UV, Environment

pytestmark = [pytest.mark.packaging, pytest.mark.e2e]

ACCOUNT = "100000000001"
GONE, STAYS = ("off-for-a-year", "off-for-91-days"), ("off-for-89-days", "exempt", "active")


@pytest.fixture(name="lowest", scope="module")
def _lowest(checkout, distributions, tmp_path_factory) -> Environment:
    """The wheel in an environment where each direct requirement is the lowest one allowed."""
    place = tmp_path_factory.mktemp("lowest")
    environment = Environment(place / "environment")
    environment.create()
    must(
        UV, "pip", "compile", "-q", "setup.py", "--resolution", "lowest-direct",
        "--python", environment.python, "-o", place / "lowest.txt", cwd=checkout,
    )  # fmt: skip
    environment.install(distributions["wheel"], "-c", place / "lowest.txt")
    return environment


@pytest.fixture(name="account")
def _account(sandbox):
    """An account with keys that have to go and keys that have to stay."""
    now = datetime.now(timezone.utc)
    account = sandbox.account(ACCOUNT)

    def key(name: str, *off: float, **options):
        born = now - timedelta(days=900, seconds=len(account.users))  # no twins
        user = account.user(name, created=born, **options)
        user.key(
            created=now - timedelta(days=900), toggles=[now - timedelta(days=days) for days in off]
        )

    key("active")
    key("exempt", 365, tags={"keep-keys": ""})
    key("off-for-89-days", 89)
    key("off-for-91-days", 91)
    key("off-for-a-year", 365)
    report_of_today(sandbox, ACCOUNT)
    return account


def test_the_lower_bounds_are_versions_that_can_be_had(lowest, tmp_path):
    """Each bound names what is installed: a bound that Custodian's own pins exceed says nothing."""
    listed = must(UV, "pip", "list", "--python", lowest.python,
                  "--format", "json")  # fmt: skip
    installed = {item["name"]: Version(item["version"]) for item in json.loads(listed)}
    bounds = {}
    code = "import importlib.metadata as m; print(*m.requires('c7n-inactive-keys'), sep='\\n')"
    for text in must(lowest.python, "-c", code, cwd=tmp_path).splitlines():
        requirement = Requirement(text)
        if requirement.marker is None:
            (bound,) = requirement.specifier
            assert bound.operator == ">="
            bounds[requirement.name] = Version(bound.version)
    assert len(bounds) >= 6
    assert {name: installed[name] for name in bounds} == bounds


def test_the_whole_job_is_done_with_them(lowest, account, sandbox, tmp_path):
    """From the shipped policies by stock `custodian` to the report: found, proven, deleted."""
    environ = sandbox.environ(ACCOUNT)
    ours = lowest.command("c7n-inactive-keys")
    must(ours, "policies", cwd=tmp_path)
    must(
        lowest.command("custodian"), "run", "--cache-period", "0", "-r", "us-east-1", "-s", "out",
        "policies/inactive-keys.yml", cwd=tmp_path, **environ,
    )  # fmt: skip
    assert {name for name, user in account.users.items() if user.keys} == set(STAYS)
    report = json.loads(must(ours, "report", "-s", "out", "--format", "json", cwd=tmp_path))
    assert {key["user_name"]: key["outcome"] for key in report["keys"]} == {
        **dict.fromkeys(GONE, "deleted"),
        "off-for-89-days": None,
        "exempt": None,
    }
    for format_ in ("text", "html", "csv", "asff"):
        assert "off-for-91-days" in must(ours, "report", "-s", "out", "--format", format_,
                                         cwd=tmp_path)  # fmt: skip
