# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys report`: from output trees to a report, a plan and an exit status."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

import click

from c7n_inactive_keys.core.errors import InactiveKeysError
from c7n_inactive_keys.core.times import parse_time
from c7n_inactive_keys.report import plan_file
from c7n_inactive_keys.report.model import Collection, Failure, Report
from c7n_inactive_keys.report.progress import progress
from c7n_inactive_keys.report.read.accounts_file import read_accounts
from c7n_inactive_keys.report.read.collect import collect
from c7n_inactive_keys.report.read.org_log import org_failures
from c7n_inactive_keys.report.summary import summarise, uncovered
from c7n_inactive_keys.report.words import clean, counted, is_or_are
from c7n_inactive_keys.report.writing import FORM, STDOUT, write_file, write_stdout
from c7n_inactive_keys.stdout import printing

NOT_COVERED = 3
ACTION_FAILED = 4
FORMATS = {
    "text": "text_format",
    "csv": "csv_format",
    "json": "json_format",
    "jsonl": "jsonl_format",
    "markdown": "markdown_format",
    "html": "html_format",
    "asff": "asff",
    "ocsf": "ocsf",
}
# The format that the ending of a file's name means, where none is given; the longest counts.
ENDINGS = {
    ".asff.json": "asff",
    ".ocsf.json": "ocsf",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}
NAMED = 5
ONLY_LATEST = (
    "read the latest run of each policy in each account; to read earlier runs in S3 as well: "
    "--since TIME"
)


Given = TypeVar("Given")


def _named(_ctx: click.Context, parameter: click.Parameter, given: Given) -> Given:
    """Refuse an empty name: an unset variable must not mean the current directory."""
    for name in given if isinstance(given, tuple) else (given,):
        if name in ("", Path()):
            raise click.BadParameter("it is empty; is a variable unset?", param=parameter)
    return given


def _moment(_ctx: click.Context, parameter: click.Parameter, given: str | None) -> datetime | None:
    try:
        return parse_time(given) if given else None
    except ValueError as error:
        raise click.BadParameter(
            f"{given!r} is no time such as 2026-11-24 or 2026-11-24T20:00:00Z", param=parameter
        ) from error


@click.command()
@click.option(
    "-s",
    "--output-dir",
    "sources",
    multiple=True,
    required=True,
    callback=_named,
    metavar="OUT",
    help="Output of custodian or c7n-org, a directory or s3://bucket/prefix, or a json report; "
    "repeat for several.",
)
@click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="ACCOUNTS",
    help="c7n-org accounts file: the accounts that should have been read.",
)
@click.option("-p", "--policy", "policies", multiple=True, help="Only this policy; repeatable.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    help="Default: what the ending of the output file means, else text.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, readable=False, writable=True),
    callback=_named,
    help="Write the report to this file instead of stdout (which is -).",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path, dir_okay=False, readable=False, writable=True),
    callback=_named,
    help="Also write the keys that a real run would delete, or else deactivate, for approval "
    "(- is stdout).",
)
@click.option(
    "--since",
    callback=_moment,
    metavar="TIME",
    help="Only runs that began at this time or later: 2026-11-24 or 2026-11-24T20:00:00Z.",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="All evidence on each key, as the other formats have it (text).",
)
@click.option(
    "--log",
    "org_log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What c7n-org printed (its stderr): it alone says why an account left no output.",
)
@click.pass_context
def report(
    ctx: click.Context,
    sources: tuple[str, ...],
    config: Path | None,
    policies: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    plan: Path | None,
    since: datetime | None,
    evidence: bool,
    org_log: Path | None,
) -> None:
    """Report keys, outcomes and coverage of past runs.

    Exit status: 0 every account was read and nothing failed, 3 some account was
    not covered, 4 all were but an action failed, 2 wrong usage.
    """
    output = output or STDOUT
    format_ = format_ or _format_of(output.name)
    if plan and plan.absolute() == output.absolute():
        raise click.UsageError(f"the report and the plan cannot both go to {_place(plan)}")
    try:
        listed = read_accounts(config) if config else None
        told = org_failures(_read_log(org_log)) if org_log else {}
        collection = collect(_existing(sources) if org_log else sources, progress, since)
        if collection.has_earlier:
            click.echo(ONLY_LATEST, err=True)
        _demand_policies(collection, policies, sources, has_config=listed is not None)
        result = summarise(
            collection,
            datetime.now(timezone.utc),
            listed=listed,
            policies=policies,
            org_failures=told,
        )
        del collection  # a large organisation's fills the memory that the format needs
        result = replace(result, sources=sources, config=str(config) if config else None)
        if plan:
            _write_plan(result, plan)
        _write_report(result, format_, output, evidence)
    except InactiveKeysError as error:
        raise click.UsageError(clean(str(error))) from error
    if not result.complete:
        click.echo(_not_covered(result), err=True)
    if result.failures:
        click.echo(_failed(result), err=True)
    ctx.exit(_status(result))


def _status(result: Report) -> int:
    if not result.complete:
        return NOT_COVERED
    return ACTION_FAILED if result.failures else 0


def _demand_policies(
    collection: Collection, policies: Iterable[str], sources: Iterable[str], has_config: bool
) -> None:
    """Refuse a report that would be empty because of a mistyped name."""
    known = sorted({run.policy for run in collection.runs})
    finds = any(run.looks for run in collection.runs)
    for policy in policies:
        if policy not in known:
            raise click.UsageError(
                f"there is no output of a policy named {clean(policy)!r}; "
                f"there is of: {clean(', '.join(known)) or 'none'}"
            )
    if not finds and not has_config and not collection.unread:
        raise click.UsageError(
            "there is no output of a policy that looks for access keys, as the filter "
            f"inactive-access-key does, under {clean(', '.join(sources))}"
        )


def _existing(sources: Iterable[str]) -> list[str]:
    """The trees that exist: c7n-org makes none if no account got as far, and its log says why."""
    return [source for source in sources if "://" in source or Path(source).exists()]


def _read_log(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error


def _not_covered(result: Report) -> str:
    missing = uncovered(result)
    return clean(
        f"{counted(len(missing), 'account')} of {len(result.accounts):,} {is_or_are(len(missing))} "
        f"not covered: "
        + _named_few([f"{item.name} ({item.status}: {item.reason})" for item in missing])
    )


def _failed(result: Report) -> str:
    accounts = len({failure.account_name for failure in result.failures})
    return clean(
        f"actions failed in {counted(accounts, 'account')} of {len(result.accounts):,}: "
        + _named_few([_failure(item) for item in result.failures])
    )


def _failure(failure: Failure) -> str:
    keys = f", {counted(failure.keys, 'key')}" if failure.keys else ""
    return f"{failure.account_name} ({failure.policy}{keys}: {failure.reason})"


def _named_few(items: Sequence[str]) -> str:
    more = f" and {len(items) - NAMED:,} more" if len(items) > NAMED else ""
    return ", ".join(items[:NAMED]) + more


def _format_of(name: str) -> str:
    """The format that a file's name asks for."""
    endings = sorted(ENDINGS, key=len, reverse=True)
    return next((ENDINGS[end] for end in endings if name.lower().endswith(end)), "text")


def _write_plan(result: Report, path: Path) -> None:
    rows = plan_file.planned_rows(result)
    text = "".join(plan_file.render(rows))
    _write([text], path)
    digest = hashlib.sha256(text.encode(FORM["encoding"], FORM["errors"])).hexdigest()
    click.echo(f"wrote {_place(path)}: {counted(len(rows), 'key')}, sha256 {digest}", err=True)


def _write_report(result: Report, format_: str, output: Path, evidence: bool) -> None:
    if format_ != "text":
        _write(_renderer(format_)(result), output)
    elif output == STDOUT and sys.stdout.isatty():
        _show(result, evidence)
    else:
        from c7n_inactive_keys.report.formats import text_format

        _write(text_format.render(result, evidence), output, machine_readable=False)


def _show(result: Report, evidence: bool) -> None:
    """Print the report on a terminal, and say how to see what is not shown."""
    from rich.console import Console

    from c7n_inactive_keys.report.formats.text_format import show

    with printing() as stream:
        left_out = show(result, Console(file=stream, highlight=False), evidence)
    if left_out:
        click.echo(
            f"{counted(left_out, 'more key')} not shown: pipe the report into a pager "
            "(| less -S), or write a file (-o report.html)",
            err=True,
        )


def _write(pieces: Iterable[str], path: Path, machine_readable: bool = True) -> None:
    if path == STDOUT:
        # On a terminal a progress line would run into the report itself.
        write_stdout(pieces, machine_readable)
    else:
        write_file(progress(pieces, f"writing {path}"), path)


def _place(path: Path) -> str:
    return "stdout" if path == STDOUT else str(path)


def _renderer(format_: str) -> Callable[[Report], Iterable[str]]:
    """The format's render function, imported now: most formats need something of their own."""
    try:
        module = importlib.import_module(f"c7n_inactive_keys.report.formats.{FORMATS[format_]}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("c7n_inactive_keys"):
            raise
        raise click.UsageError(
            f"the format {format_} needs the module {error.name}: "
            f"pip install 'c7n-inactive-keys[{format_}]'"
        ) from error
    render: Callable[[Report], Iterable[str]] = module.render
    return render
