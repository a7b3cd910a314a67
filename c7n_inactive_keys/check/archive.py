# SPDX-License-Identifier: Apache-2.0
"""Check that the Lambda archives that Custodian builds from policies can load the plugin."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from c7n_inactive_keys.check.result import NOTE, OK, PROBLEM, Result
from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.yaml_lists import read_list

HANDLER = "c7n_inactive_keys.lambda_handler.run"
PACKAGE = "c7n_inactive_keys"
# What AWS's Python runtimes have beside the standard library.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
PATIENCE = 120  # seconds
ERROR_LENGTH = 300

# Runs without site-packages and without start-up files, as Lambda does.
PROBE = """
import importlib, sys
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
importlib.import_module(sys.argv[3])
from c7n.manager import resources
from c7n.resources import load_resources
load_resources(("aws.iam-user",))
user = resources.get("iam-user")
names = [*user.filter_registry.keys(), *user.action_registry.keys()]
sys.exit(0 if "inactive-access-key" in names else 3)
"""


def archives(paths: Iterable[Path]) -> Iterator[Result]:
    """A result for each policy in Lambda mode that uses the plugin.

    Raises:
        YamlFileError: a file cannot be read, or is none of Custodian's.
    """
    found = False
    for path in paths:
        for data in read_list(path, "policies"):
            if _needs_lambda(data) and _uses_plugin(data):
                found = True
                yield _archive(path, data)
    if not found:
        yield Result(NOTE, "Lambda archive", "none of the given policies runs in Lambda")


def _needs_lambda(data: JsonObject) -> bool:
    return isinstance(data.get("mode"), dict) and data["mode"].get("type", "pull") != "pull"


def _uses_plugin(data: JsonObject) -> bool:
    text = yaml.safe_dump(data)
    words = ("inactive-access-key", "-inactive-keys", "credential-report")
    return any(word in text for word in words)


def _archive(path: Path, data: JsonObject) -> Result:
    from c7n.exceptions import PolicyValidationError

    subject = f"Lambda archive of {data.get('name')}"
    if wrong := flaw(data):
        return _refused(subject, path, wrong)
    mode = data["mode"]
    if PACKAGE not in (mode.get("packages") or ()):
        if mode.get("layers"):
            return Result(NOTE, subject, "does not contain the plugin; one of its layers must")
        return Result(
            PROBLEM, subject, f"does not contain the plugin: add `packages: [{PACKAGE}]` to `mode`"
        )
    handler = mode.get("handler", "custodian_policy.run")
    try:
        done = _import_as_lambda_does(data, handler.rpartition(".")[0])
    except PolicyValidationError as error:
        return _refused(subject, path, textwrap.shorten(str(error), ERROR_LENGTH))
    except ImportError as error:
        text = f"cannot be built: {error}; what `packages` in {path} names must be installed here"
        return Result(PROBLEM, subject, text)
    except subprocess.TimeoutExpired:
        return Result(PROBLEM, subject, f"does not start in {PATIENCE} seconds")
    if done.returncode == 0:
        return Result(OK, subject, f"contains the plugin, and its handler {handler} loads it")
    if done.returncode == 3:
        text = f"its handler {handler} does not load the plugin: set `handler: {HANDLER}` in `mode`"
    else:
        text = f"does not start: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    return Result(PROBLEM, subject, text)


def _refused(subject: str, path: Path, wrong: str) -> Result:
    text = f"Custodian refuses the policy in {path}: {wrong}; see `custodian validate {path}`"
    return Result(PROBLEM, subject, text)


def flaw(data: JsonObject) -> str | None:
    """Why Custodian would refuse the policy, on one line; None if it would not."""
    from c7n.exceptions import PolicyValidationError
    from c7n.policy import execution
    from c7n.provider import clouds
    from c7n.resources import load_resources
    from c7n.schema import validate
    from c7n.structure import StructureParser

    for name in ("name", "resource"):
        if not isinstance(data.get(name), str):
            return f"it has no `{name}`" if name not in data else f"its `{name}` is not text"
    mode = str(data["mode"]["type"])
    if mode not in execution:
        return f"unknown mode {mode!r}; modes: {', '.join(sorted(execution.keys()))}"
    if _full_name(data).partition(".")[0] not in clouds or load_resources((_full_name(data),)):
        return f"unknown resource {data['resource']}"
    try:
        StructureParser().validate({"policies": [data]})
    except PolicyValidationError as error:
        return textwrap.shorten(str(error), ERROR_LENGTH)
    errors = validate({"policies": [data]}, resource_types=(_full_name(data),))
    return _schema_words(errors[0]) if errors else None


def _full_name(data: JsonObject) -> str:
    """The policy's resource with its provider, which is AWS unless named."""
    resource = str(data["resource"])
    return resource if "." in resource else f"aws.{resource}"


def _schema_words(error: Any) -> str:
    """Where the policy breaks the schema, and how."""
    place = ".".join(map(str, list(error.absolute_path)[2:]))
    # The first line names the policy, which ours do themselves.
    message = textwrap.shorten(error.message.splitlines()[-1], ERROR_LENGTH)
    return f"{place}: {message}" if place else message


def _import_as_lambda_does(data: JsonObject, module: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as directory:
        task, runtime = Path(directory) / "task", make_runtime(Path(directory) / "runtime")
        with zipfile.ZipFile(BytesIO(build(data))) as archive:
            archive.extractall(task)
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROBE, str(task), str(runtime), module],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip


def build(data: JsonObject) -> bytes:
    """The archive that Custodian would upload for the policy."""
    from c7n.config import Config
    from c7n.mu import PolicyLambda
    from c7n.policy import Policy
    from c7n.resources import load_resources

    from c7n_inactive_keys.entry import initialize

    # The question here is the archive; whether this process opted out is custodian()'s.
    initialize()
    load_resources((_full_name(data),))
    archive = PolicyLambda(Policy(data, Config.empty())).get_archive()
    content: bytes = archive.get_bytes()
    return content


def make_runtime(directory: Path) -> Path:
    """A new directory with what AWS's Python runtimes have, as links to this environment's."""
    directory.mkdir()
    for source in filter(None, map(_source_of, RUNTIME)):
        (directory / source.name).symlink_to(source)
    return directory


def _source_of(name: str) -> Path | None:
    """Where a package or a module of one file lives."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin
