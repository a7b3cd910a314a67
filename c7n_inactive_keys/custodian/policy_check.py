# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a policy around our elements, which Custodian or c7n-org would pass over.

c7n-org checks no schema, so an option that stands one level too far out is ignored in silence
there: `days: 90` beside `filters:` asks for no days. YAML takes the last of two equal keys.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from c7n_inactive_keys.custodian.c7n_types import Manager

if TYPE_CHECKING:
    import yaml

log = logging.getLogger("custodian.inactive-keys")

# The properties of a policy in Custodian's schema; test_policy_check.py compares them.
POLICY_KEYS = frozenset(
    (
        *("name", "resource", "source", "query", "filters", "actions", "mode", "conditions"),
        *("description", "comment", "comments", "tags", "metadata", "region", "tz", "start", "end"),
        *("max-resources", "max-resources-percent"),
    )
)


_warned: set[str] = set()  # Custodian makes several managers of one policy


def warn_of_mistakes(manager: Manager) -> None:
    """Say once what `lint` finds in the policy's use of our elements: valid, and hardly meant.

    Not in a Lambda function, where nobody reads it in time: its policy was checked when deployed.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return
    # Here, not at the top: every command of Custodian loads this module, few get here.
    from c7n_inactive_keys.lint.policy import Policy
    from c7n_inactive_keys.lint.rules.ours import check

    for fault in check(Policy(manager.ctx.policy.data)):
        warning = f"policy:{manager.ctx.policy.name} {fault.rule}: {fault.message}"
        if warning not in _warned:
            _warned.add(warning)
            log.warning("%s", warning)


def policy_problem(manager: Manager) -> str | None:
    """The first thing that is wrong with the policy of an element as a whole, in words."""
    unknown = [str(name) for name in manager.ctx.policy.data if name not in POLICY_KEYS]
    if unknown:
        return (
            f"the policy has the unknown key {unknown[0]!r}; if it is an option of a filter or "
            "action, move it there, since at the policy's level it is ignored"
        )
    for path in manager.ctx.options.get("configs") or _file_of_organisation():
        repeated = repeated_key(str(path))
        if repeated:
            return (
                f"{path} has the key {repeated[0]!r} twice in one mapping, the second time in "
                f"line {repeated[1]}; the first one is ignored, so remove one of them"
            )
    return None


def _file_of_organisation() -> Iterator[str]:
    """The policy file of c7n-org, which does not tell the policies of it."""
    if "c7n_org.cli" not in sys.modules:
        return
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-u", "--use")
    used = parser.parse_known_args(sys.argv[1:])[0].use
    if used:
        yield used


@lru_cache(maxsize=64)
def repeated_key(path: str) -> tuple[str, int] | None:
    """The first key of a YAML file that stands twice in one mapping, and the line of the second.

    None as well for what cannot be read here, such as a url: Custodian has read it.
    """
    import yaml  # Lambda functions have none, and no policy files

    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return next(_repeated(root), None)


def _repeated(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                    yield key.value, key.start_mark.line + 1
                seen.add(key.value)
            yield from _repeated(value)
