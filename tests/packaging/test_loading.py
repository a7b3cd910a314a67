# SPDX-License-Identifier: Apache-2.0
"""The plugin is there whichever of Custodian's modules comes first, and in every kind of worker."""

from __future__ import annotations

import sys
import textwrap

import pytest

from .conftest import run

pytestmark = pytest.mark.packaging

REPORT = """
from c7n.resources import load_resources
load_resources(("aws.iam-user",))
from c7n.manager import resources
from c7n.query import sources
user = resources.get("iam-user")
print(
    "inactive-access-key" in user.filter_registry,
    "delete-inactive-keys" in user.action_registry,
    "record-inactive-keys" in user.action_registry,
    "credential-report" in sources,
    "credential-report" in user.source_mapping,
)
"""
THERE = "True True True True True\n"
ABSENT = "False False False False False\n"

ENTRIES = [
    "c7n.cli", "c7n.policy", "c7n.filters", "c7n.actions", "c7n.resources.iam", "c7n.handler",
    "c7n.query", "c7n.manager", "c7n.resources.aws", "c7n.schema", "c7n.mu",
    "c7n.resources.account", "c7n_org.cli", "c7n_inactive_keys.entry",
    "c7n_inactive_keys.lambda_handler",
]  # fmt: skip


def python(code: str, **environ: str) -> tuple[str, str]:
    """What a fresh interpreter prints on stdout and stderr."""
    done = run(sys.executable, "-c", textwrap.dedent(code), **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("first", ENTRIES)
def test_the_plugin_is_there_whatever_is_imported_first(first):
    """Whichever module of Custodian a program imports first, iam-user has all of our parts."""
    assert python(f"import {first}\n{REPORT}") == (THERE, "")


def test_the_opt_out_leaves_custodian_alone():
    """With the variable set to 0, nothing of ours is registered, and nothing is said."""
    assert python(REPORT, C7N_INACTIVE_KEYS_AUTOLOAD="0") == (ABSENT, "")


def test_the_explicit_way_works_in_spite_of_the_opt_out():
    """`initialize()` registers, before and after the resources are loaded."""
    explicit = "import c7n_inactive_keys.entry as e; e.initialize(); e.initialize()\n"
    assert python(explicit + REPORT, C7N_INACTIVE_KEYS_AUTOLOAD="0") == (THERE, "")
    late = "from c7n.resources import load_resources; load_resources(('aws.iam-user',))\n"
    assert python(late + explicit + REPORT, C7N_INACTIVE_KEYS_AUTOLOAD="0") == (THERE, "")


def test_the_explicit_way_comes_first_as_well():
    """A program whose first import is our entry gets the plugin, with the import hook in place."""
    explicit = "import c7n_inactive_keys.entry as e; e.initialize()\n"
    assert python(explicit + REPORT) == (THERE, "")


def test_loading_resources_again_changes_nothing():
    """Custodian announces its resources with every load; the classes stay the same."""
    code = """
    from c7n.resources import load_resources
    from c7n.manager import resources
    load_resources(("aws.iam-user",))
    first = resources.get("iam-user").filter_registry.get("inactive-access-key")
    load_resources(("aws.*",))
    assert resources.get("iam-user").filter_registry.get("inactive-access-key") is first
    import c7n_inactive_keys.entry as entry
    assert resources._subscribers.count(entry._on_resource) == 1
    """
    assert python(code) == ("", "")


def test_the_schema_knows_the_source():
    """Custodian's schema for iam-user accepts `source: credential-report`, and no other word."""
    code = """
    from c7n.resources import load_resources
    load_resources(("aws.iam-user",))
    from c7n import schema
    for source in ("credential-report", "credential-rapport"):
        policy = {"name": "p", "resource": "aws.iam-user", "source": source}
        print(len(schema.validate({"policies": [policy]})) == 0)
    """
    assert python(code) == ("True\nFalse\n", "")


def test_a_subclass_registered_as_iam_user_gets_our_parts():
    """A plugin that puts its own subclass in the place of iam-user keeps ours, and vice versa."""
    code = """
    from c7n.resources import load_resources
    load_resources(("aws.iam-user",))
    from c7n.manager import resources
    from c7n.resources.iam import User
    @resources.register("iam-user")
    class Mine(User):
        class resource_type(User.resource_type):
            pass
    resources.notify(Mine)
    """
    assert python(code + REPORT.replace("\n", "\n    ")) == (THERE, "")


def test_a_class_of_that_name_that_is_no_resource_is_left_alone():
    """Something else announced as iam-user neither gets anything nor causes a warning."""
    code = """
    from c7n.manager import resources
    class Odd:
        type = "iam-user"
    resources.notify(Odd)
    resources.notify(None)
    print(sorted(name for name in vars(Odd) if not name.startswith("__")))
    """
    assert python(code) == ("['type']\n", "")


WORKER = '''
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import c7n_org.cli

def work():
    """As c7n-org's workers do: the policy reaches them as data and is loaded there."""
    import io
    from contextlib import redirect_stdout
    out = io.StringIO()
    with redirect_stdout(out):
        exec(REPORT)
    return out.getvalue()

REPORT = """<REPORT>"""

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=get_context(sys.argv[1])) as pool:
        print(pool.submit(work).result(), end="")
'''.replace("<REPORT>", REPORT)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_have_the_plugin(method, tmp_path):
    """However Python starts its workers, they know the plugin."""
    script = tmp_path / "main.py"
    script.write_text(WORKER, encoding="utf-8")
    done = run(sys.executable, script, method)
    assert (done.stdout, done.returncode) == (THERE, 0), done.stderr
