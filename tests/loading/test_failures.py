# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with the plugin, Custodian starts and one line on stderr says why."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import c7n_inactive_keys
from tests.support.commands import run

pytestmark = pytest.mark.packaging

SOURCE = Path(c7n_inactive_keys.__file__).parent
CUSTODIAN = Path(sys.executable).parent / "custodian"
IAM_USER = ("schema", "aws.iam-user.filters")


def broken_copy(tmp_path: Path, module: str, text: str) -> str:
    """A directory for PYTHONPATH with a copy of the package, one module of it spoiled."""
    package = tmp_path / "c7n_inactive_keys"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__", "sandbox"))
    (package / module).write_text(text, encoding="utf-8")
    return str(tmp_path)


def fake_custodian(tmp_path: Path, manager: str) -> str:
    """A directory for PYTHONPATH with a c7n that holds nothing but a manager module."""
    (tmp_path / "c7n").mkdir()
    (tmp_path / "c7n" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "c7n" / "manager.py").write_text(manager, encoding="utf-8")
    return str(tmp_path)


REGISTRY = """
class Registry:
    def __init__(self): self.subscribers = []
    def subscribe(self, function): self.subscribers.append(function)
    def get(self, name): return None
resources = Registry()
"""


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        pytest.param(
            "find/inactive_filter.py",
            "from c7n.query import MovedElsewhere",
            "cannot import name 'MovedElsewhere'",
            id="a class of Custodian's has moved",
        ),
        pytest.param("find/inactive_filter.py", "1 / 0", "division by zero", id="ours raises"),
        pytest.param("change/delete_action.py", "def (:", "SyntaxError", id="ours does not parse"),
        pytest.param("find/source.py", "", "CredentialReportSource", id="ours is incomplete"),
        pytest.param("entry.py", "import nowhere", "nowhere", id="the entry itself is broken"),
    ],
)
def test_a_broken_plugin_is_one_warning_and_custodian_works(tmp_path, module, text, said):
    """Custodian lists its own filters, ours are absent, and the reason is said once."""
    path = broken_copy(tmp_path, module, text)
    done = run(CUSTODIAN, *IAM_USER, PYTHONPATH=path)
    assert done.returncode == 0
    assert "access-key" in done.stdout
    assert "inactive-access-key" not in done.stdout
    lines = [line for line in done.stderr.splitlines() if "c7n-inactive-keys" in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_does_not_disturb_custodian_version(tmp_path):
    """`custodian version` prints the version and succeeds."""
    path = broken_copy(tmp_path, "find/inactive_filter.py", "1 / 0")
    done = run(CUSTODIAN, "version", PYTHONPATH=path)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_a_custodian_without_the_registry_is_named_as_the_reason(tmp_path):
    """A Custodian that is too old or too new gets a warning, and its import succeeds."""
    path = fake_custodian(tmp_path, "nothing = 1")
    done = run(sys.executable, "-c", "import c7n.manager; print('on')", PYTHONPATH=path)
    assert done.stdout == "on\n"
    assert done.stderr.count("\n") == 1
    assert "resources" in done.stderr


def test_a_name_that_is_taken_stays_with_its_owner(tmp_path):
    """A filter of our name in Custodian stays what it is; none of ours comes, and we say so."""
    code = """
from c7n.filters import Filter
from c7n.resources.iam import User
@User.filter_registry.register("inactive-access-key")
class Theirs(Filter):
    pass
from c7n.resources import load_resources
load_resources(("aws.iam-user",))
print(User.filter_registry.get("inactive-access-key") is Theirs)
print("delete-inactive-keys" in User.action_registry)
"""
    done = run(sys.executable, "-c", code)
    assert done.stdout == "True\nFalse\n"
    assert "already belongs to" in done.stderr
    assert done.stderr.count("\n") == 1


def test_looking_for_custodian_without_importing_it_keeps_the_hook(tmp_path):
    """A mere `find_spec` does not use the hook up."""
    path = fake_custodian(tmp_path, REGISTRY)
    code = """
import importlib.util
assert importlib.util.find_spec("c7n.manager") is not None
import c7n.manager
print(len(c7n.manager.resources.subscribers))
"""
    done = run(sys.executable, "-c", code, PYTHONPATH=path)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_an_import_that_failed_may_be_tried_again(tmp_path):
    """When Custodian's first import fails, the second one still gets the plugin."""
    path = fake_custodian(
        tmp_path, "import sys\nif not hasattr(sys, 'again'):\n  1 / 0\n" + REGISTRY
    )
    code = """
import sys
try:
    import c7n.manager
except ZeroDivisionError:
    sys.again = True
import c7n.manager
print(len(c7n.manager.resources.subscribers))
"""
    done = run(sys.executable, "-c", code, PYTHONPATH=path)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_the_hook_leaves_no_trace_in_custodian(tmp_path):
    """Once Custodian is imported, its module has its own loader and the hook is gone."""
    path = fake_custodian(tmp_path, REGISTRY)
    code = """
import sys
import c7n.manager, c7n_inactive_keys.autoload as hook
print(type(c7n.manager.__loader__).__name__, type(c7n.manager.__spec__.loader).__name__)
print(hook.Finder in sys.meta_path)
hook.install()
print(hook.Finder in sys.meta_path, len(c7n.manager.resources.subscribers))
"""
    done = run(sys.executable, "-c", code, PYTHONPATH=path)
    expected = "SourceFileLoader SourceFileLoader\nFalse\nFalse 1\n"
    assert (done.stdout, done.stderr) == (expected, "")
