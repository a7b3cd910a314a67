# SPDX-License-Identifier: Apache-2.0
"""The plugin is there whichever of Custodian's modules comes first, and whenever we register it."""

from __future__ import annotations

import sys
import textwrap

import pytest

from tests.support.commands import run

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


# Imports what Custodian imports from elsewhere, then forks for each trial, which saves it that.
TRIALS = """
import os, sys
import boto3, botocore.session, jsonschema, yaml
assert not [name for name in sys.modules if name.split(".")[0] in ("c7n", "c7n_org")]
for code in sys.argv[1:]:
    if os.fork() == 0:
        try:
            exec(code)
        except BaseException as error:
            print(repr(error))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    print("--", flush=True)
"""


def python(code: str, **environ: str) -> tuple[str, str]:
    """What a fresh interpreter prints on stdout and stderr."""
    done = run(sys.executable, "-c", textwrap.dedent(code), **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def trials(codes: dict[str, str], **environ: str) -> dict[str, str]:
    """What each of the codes prints in a process of its own; none says anything on stderr."""
    done = run(sys.executable, "-c", TRIALS, *codes.values(), **environ)
    assert (done.returncode, done.stderr) == (0, "")
    *said, rest = done.stdout.split("--\n")
    assert rest == ""
    return dict(zip(codes, said, strict=True))


@pytest.fixture(name="imported", scope="module")
def _imported() -> dict[str, str]:
    """What is registered after each first import."""
    return trials({first: f"import {first}\n{REPORT}" for first in ENTRIES})


@pytest.mark.parametrize("first", ENTRIES)
def test_the_plugin_is_there_whatever_is_imported_first(imported, first):
    """Whichever module of Custodian a program imports first, iam-user has all of our parts."""
    assert imported[first] == THERE


def test_the_opt_out_leaves_custodian_alone():
    """With the variable set to 0, nothing of ours is registered, and nothing is said."""
    assert python(REPORT, C7N_INACTIVE_KEYS_AUTOLOAD="0") == (ABSENT, "")


INITIALIZE = "import c7n_inactive_keys.entry; c7n_inactive_keys.entry.initialize()"
LOAD = "from c7n.resources import load_resources; load_resources(('aws.iam-user',))"
AVAILABLE = "from c7n.resources import load_available; load_available(True)"
THREADS = f"""
import threading
start = threading.Barrier(8)
def work(code):
    start.wait()
    exec(code, {{}})
codes = [{INITIALIZE!r}, {LOAD!r}] * 4
threads = [threading.Thread(target=work, args=(code,)) for code in codes]
for thread in threads: thread.start()
for thread in threads: thread.join()
from c7n.manager import resources
import c7n_inactive_keys.entry as entry
assert resources._subscribers.count(entry._on_resource) == 1
"""
EXPLICIT = {
    "before the resources": INITIALIZE,
    "after the resources": f"{LOAD}\n{INITIALIZE}",
    "twice": f"{INITIALIZE}\n{INITIALIZE}",
    "before all that are available": f"{INITIALIZE}\n{AVAILABLE}",
    "after all that are available": f"{AVAILABLE}\n{INITIALIZE}",
    "in threads": THREADS,
}


@pytest.fixture(name="explicit", scope="module")
def _explicit() -> dict[str, str]:
    """What is registered by `initialize()`, without the help of the start-up files."""
    codes = {name: f"{code}\n{REPORT}" for name, code in EXPLICIT.items()}
    return trials(codes, C7N_INACTIVE_KEYS_AUTOLOAD="0")


@pytest.mark.parametrize("when", EXPLICIT)
def test_the_explicit_way_works_in_spite_of_the_opt_out(explicit, when):
    """`initialize()` registers whenever it is called, and as often as one likes."""
    assert explicit[when] == THERE


def test_the_explicit_way_comes_first_as_well():
    """A program whose first import is our entry gets the plugin, with the import hook in place."""
    assert python(INITIALIZE + REPORT) == (THERE, "")


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
