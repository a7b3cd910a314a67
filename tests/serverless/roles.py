# SPDX-License-Identifier: Apache-2.0
"""The roles of the CloudFormation templates in deploy/, as sets of allowed actions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from tests.support.paths import ROOT


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref X` as {"Ref": X}."""


def _short_form(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _short_form)


@cache
def template(name: str) -> dict[str, Any]:
    """A template of deploy/ as data."""
    data: dict[str, Any] = yaml.load((ROOT / "deploy" / name).read_text(), Loader)
    return data


def roles(name: str, false: frozenset[str] = frozenset()) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role of a template, by its name; all other conditions are true."""
    resources = template(name)["Resources"]
    return {
        role["Properties"].get("RoleName", logical): list(
            _statements(resources, role["Properties"], false)
        )
        for logical, role in resources.items()
        if role["Type"] == "AWS::IAM::Role"
    }


def _statements(
    resources: dict[str, Any], role: dict[str, Any], false: frozenset[str]
) -> Iterator[dict[str, Any]]:
    for policy in role.get("Policies", ()):
        yield from _there(policy, false)["PolicyDocument"]["Statement"]
    for policy in role.get("ManagedPolicyArns", ()):
        reference = _there(policy, false).get("Ref")
        if reference:
            yield from resources[reference]["Properties"]["PolicyDocument"]["Statement"]


def _there(value: Any, false: frozenset[str]) -> Any:
    if "If" not in value:
        return value
    condition, then, otherwise = value["If"]
    return otherwise if condition in false else then


def allowed(statements: list[dict[str, Any]]) -> set[str]:
    """The actions that are allowed."""
    return {
        action
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }


def as_list(value: Any) -> list[Any]:
    """IAM's lists of one may be written without brackets."""
    return value if isinstance(value, list) else [value]
