# SPDX-License-Identifier: Apache-2.0
"""policies/key-lifecycle.yml, day by day: nothing too early, nothing overdue, all can be undone.

A small account for six weeks, looked at every third day; on some days calls are denied. With
`--whole`, or by LIFECYCLE_DAYS, LIFECYCLE_USERS and LIFECYCLE_SEED, a year of some 200 keys, or
another, day by day.
"""

from __future__ import annotations

import os

import pytest

from tests.change.lifecycle import Lifecycle
from tests.support.custodian import Custodian

pytestmark = pytest.mark.e2e

SEED = int(os.environ.get("LIFECYCLE_SEED", "1"))


@pytest.fixture(scope="module", name="life")
def _life(sandbox_server, whole, tmp_path_factory) -> Lifecycle:
    sandbox_server.reset()
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    whole = whole or "LIFECYCLE_DAYS" in os.environ
    days = int(os.environ.get("LIFECYCLE_DAYS", 365 if whole else 45))
    users = int(os.environ.get("LIFECYCLE_USERS", 140 if whole else 12))
    life = Lifecycle(sandbox_server, custodian, users, SEED, stride=1 if whole else 3, denials=0.2)
    while life.day < days:
        life.live()
    return life


def test_no_key_is_deactivated_or_deleted_too_early_and_none_is_overdue(life):
    assert life.wrong == []


def test_the_lives_are_eventful_enough(life):
    assert life.seen["deactivated"] >= life.day / 10
    assert life.seen["deleted"] >= life.day / 20
    assert life.seen["woken"] >= life.day / 60
    assert life.seen["taken back"] >= 1
    assert life.seen["days denied"] >= life.day / 30
