"""Fixtures of the hostile tests: stock Custodian, Lambda's handler and c7n-org, forked."""

import pytest

from tests.attack.rig import Rig


@pytest.fixture(scope="module", name="rig_server")
def _rig_server(sandbox_server, tmp_path_factory):
    rig = Rig(sandbox_server, tmp_path_factory.mktemp("attack"))
    yield rig
    rig.close()


@pytest.fixture(name="custodian")
def _custodian(sandbox, rig_server):
    return rig_server


@pytest.fixture(name="account")
def _account(sandbox):
    return sandbox.account("111111111111")
