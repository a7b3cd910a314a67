# SPDX-License-Identifier: Apache-2.0
"""policies/key-lifecycle.yml, day by day: nothing too early, nothing overdue, all can be undone.

`LIFECYCLE_DAYS=365 LIFECYCLE_USERS=140 pytest tests/change/test_lifecycle.py` is the whole year
of some 200 keys.
"""

from __future__ import annotations

import os

import pytest

from tests.change.lifecycle import Lifecycle
from tests.support.custodian import Custodian

pytestmark = pytest.mark.e2e

DAYS = int(os.environ.get("LIFECYCLE_DAYS", "60"))
USERS = int(os.environ.get("LIFECYCLE_USERS", "12"))
SEED = int(os.environ.get("LIFECYCLE_SEED", "1"))


@pytest.fixture(scope="module", name="life")
def _life(sandbox_server, tmp_path_factory) -> Lifecycle:
    sandbox_server.reset()
    custodian = Custodian(sandbox_server, tmp_path_factory.mktemp("runs"))
    life = Lifecycle(sandbox_server, custodian, USERS, SEED)
    for _ in range(DAYS):
        life.live()
    return life


def test_no_key_is_deactivated_or_deleted_too_early_and_none_is_overdue(life):
    assert life.wrong == []


def test_the_lives_are_eventful_enough(life):
    assert life.seen["deactivated"] >= DAYS / 10
    assert life.seen["deleted"] >= DAYS / 20
    assert life.seen["woken"] >= DAYS / 60
    assert life.seen["taken back"] >= 1
