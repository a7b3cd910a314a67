# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys lint`: what policies would do to access keys, found without AWS."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from c7n_inactive_keys.lint.fix import Fixed, fix, mechanical
from c7n_inactive_keys.lint.formats import json_format, sarif_format, text_format
from c7n_inactive_keys.lint.linter import Linter
from c7n_inactive_keys.lint.policy_file import FileError, PolicyFile, discover, load
from c7n_inactive_keys.lint.result import Result
from c7n_inactive_keys.report.words import clean
from c7n_inactive_keys.report.writing import write_file, write_stdout

FORMATS = {"text": text_format, "json": json_format, "sarif": sarif_format}
FOUND = 1


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="POLICY..."
)
@click.option("--fix", "write", is_flag=True, help="Write what can be put right mechanically.")
@click.option("--diff", "show", is_flag=True, help="Print these changes as a patch, and only it.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True
)
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...], write: bool, show: bool, form: str) -> None:
    """What do policies do to access keys that nobody meant?

    Reads files of Custodian policies, and directories of them, without AWS and credentials, and
    names what is dangerous or can never match, with the lines that do it right. The policies need
    not use this plugin. Accounts files of c7n-org among them are read as well. A comment in a
    policy, `# inactive-keys: ignore RULE reason`, silences one rule there.

    Exit status: 0 nothing found, 1 findings, 2 wrong usage.
    """
    if write and show:
        raise click.UsageError("--fix writes the changes and --diff shows them: choose one")
    try:
        files = list(_relevant(paths))
    except FileError as error:
        raise click.UsageError(clean(str(error))) from error
    linter = Linter(files)
    if write:
        linter = Linter([_written(fix(linter, file)) for file in files])
    found = [f for file in linter.files for f in mechanical(file, linter.findings(file))]
    result = Result(linter.files, found)
    if show:
        write_stdout(_patches(linter), machine_readable=True)
    else:
        write_stdout(FORMATS[form].render(result), machine_readable=form != "text")
    if result.findings:
        ctx.exit(FOUND)


def _relevant(paths: Sequence[Path]) -> Iterator[PolicyFile]:
    """Files of policies or accounts; an unreadable one if it was named or looks like one."""
    for path, named in discover(paths):
        file = load(path, named)
        unread = file.problem is not None and (named or file.may_hold_policies)
        if file.policies or file.accounts or unread:
            yield file


def _written(fixed: Fixed) -> PolicyFile:
    if fixed.changed:
        write_file([fixed.after.text], fixed.after.path)
    return fixed.after


def _patches(linter: Linter) -> Iterator[str]:
    for file in linter.files:
        fixed = fix(linter, file)
        name = file.path.as_posix().lstrip("/")
        yield from _patch(fixed, f"a/{name}", f"b/{name}")


def _patch(fixed: Fixed, before: str, after: str) -> Iterator[str]:
    old, new = (file.text.splitlines(keepends=True) for file in (fixed.before, fixed.after))
    for line in difflib.unified_diff(old, new, before, after):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
