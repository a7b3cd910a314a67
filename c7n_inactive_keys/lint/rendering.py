# SPDX-License-Identifier: Apache-2.0
"""Values as lines of YAML, in the style in which policies are written."""

from __future__ import annotations

import json

import yaml


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, and nothing is abbreviated by anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def block(value: object) -> str:
    """A value in YAML's block style."""
    return _dumped(value, in_brackets=False)


def flow(value: object, as_json: bool = False) -> str:
    """A value on one line, as it may stand between brackets."""
    return (
        json.dumps(value, ensure_ascii=False)
        if as_json
        else _dumped([value], in_brackets=True)[1:-1]
    )


def _dumped(value: object, in_brackets: bool) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10_000,
        default_flow_style=in_brackets,
    )
    return text.removesuffix("...\n").rstrip("\n")
