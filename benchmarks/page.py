# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md from measured figures."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ratios import Comparison
from benchmarks.results import Results
from benchmarks.targets import verdicts

INTRODUCTION = """\
# Performance

Written by `make bench`; do not edit. Our shipped policies (`inactive-keys-report` finds,
`inactive-keys-delete` finds and deletes, here with a larger `max-keys`) against Custodian's own
`access-key` filter (Status Inactive) with `remove-keys: {{matched: true}}`, by stock `custodian`,
interleaved, on the same embedded AWS in a process of its own. Every user has an active key; the
given share has an inactive one besides. The credential report has to be made in each run, and the
first look at it comes after one second, which is in our time. Each call takes the given
milliseconds longer.

**The ratios count**: medians of the ratios of runs that followed one another. Absolute times
depend on the machine and on what else it does; these are from a machine with
{machine}.
"""

THROTTLED = """\
Throttled means 15 requests a second for GetUser, ListAccessKeys and GetAccessKeyLastUsed, 5 for
DeleteAccessKey, ListUsers and GetAccountAuthorizationDetails, a second's worth at once (IAM's true
limits are unpublished).
"""

ORGANISATIONS = """\
## Organisations

`c7n-org` with our report policy, over accounts of 20 users each, one account in ten with an
inactive key, 20 ms a call; against `c7n-org` with a policy on `aws.iam-user` that finds nothing, in
accounts without users (one call). "Report there": AWS made one less than four hours ago. "To be
made": the second of waiting is spent per account, but c7n-org visits other accounts meanwhile.

| Organisation | calls | empty, calls | s | empty, s | time | CPU time | MiB | empty, MiB |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
"""

STARTING = """\
## Starting

The same virtual environment with and without the plugin's hook, interleaved; medians.

| Command | with, ms | without, ms | CPU with, ms | CPU without, ms | CPU time |
|---|--:|--:|--:|--:|--:|
"""


def render(results: Results, remarks: str, machine: str) -> str:
    """The page; `remarks` are our own words on what is not met."""
    measured = {
        comparison.name: comparison
        for comparisons in results.values()
        for comparison in comparisons
    }
    parts = [INTRODUCTION.format(machine=machine), *_targets(measured), remarks]
    if results.get("accounts"):
        parts += _accounts(results["accounts"])
    if results.get("organisations"):
        parts += [ORGANISATIONS + "\n".join(_organisation(c) for c in results["organisations"])]
    if results.get("starting"):
        parts += [STARTING + "\n".join(_start(c) for c in results["starting"])]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _targets(measured: dict[str, Comparison]) -> Iterator[str]:
    yield "## Targets"
    rows = [
        f"| {verdict.target} | {verdict.measured} | {'met' if verdict.met else '**not met**'} |"
        for verdict in verdicts(measured)
    ]
    yield "\n".join(["| Target | Measured | |", "|---|---|---|", *rows])


def _accounts(comparisons: list[Comparison]) -> Iterator[str]:
    yield "## One account"
    yield "![How many times faster](performance.svg)"
    yield THROTTLED
    head = (
        "| What | fewer calls | faster | less CPU time | ours, s | built-in, s | ours, CPU s | "
        "built-in, CPU s | ours, MiB | built-in, MiB | rounds |\n|---|" + "--:|" * 10
    )
    yield "\n".join([head, *(_account(comparison) for comparison in comparisons)])
    yield "### Calls by action\n\nOf the first round; calls that were throttled are counted too."
    rows = [
        f"| {comparison.name} | {_calls(comparison, 'ours')} | {_calls(comparison, 'other')} |"
        for comparison in comparisons
    ]
    yield "\n".join(["| What | ours | built-in |", "|---|---|---|", *rows])


def _account(found: Comparison) -> str:
    figures = [
        f"{found.ratio('requests'):.2f}",
        f"**{found.ratio('wall'):.2f}**",
        f"{found.ratio('cpu'):.2f}",
        f"{found.our('wall'):.1f}",
        f"{found.its('wall'):.1f}",
        f"{found.our('cpu'):.1f}",
        f"{found.its('cpu'):.1f}",
        f"{found.our('memory'):.0f}",
        f"{found.its('memory'):.0f}",
        str(len(found.ours)),
    ]
    return f"| {found.name} | {' | '.join(figures)} |"


def _calls(found: Comparison, side: str) -> str:
    sample = getattr(found, side)[0]
    calls = ", ".join(f"{name} {count:,}" for name, count in sorted(sample.calls.items()))
    throttled = f"; {sample.throttled:,} throttled" if sample.throttled else ""
    failed = "; **failed**" if sample.status else ""
    return f"{sample.requests:,}: {calls}{throttled}{failed}"


def _organisation(found: Comparison) -> str:
    return (
        f"| {found.name} | {found.our('requests'):,.0f} | {found.its('requests'):,.0f} "
        f"| {found.our('wall'):.1f} | {found.its('wall'):.1f} | {1 / found.ratio('wall') - 1:+.0%} "
        f"| {1 / found.ratio('cpu') - 1:+.0%} | {found.our('memory'):.0f} "
        f"| {found.its('memory'):.0f} |"
    )


def _start(found: Comparison) -> str:
    return (
        f"| {found.name} | {found.our('wall') * 1e3:.1f} | {found.its('wall') * 1e3:.1f} "
        f"| {found.our('cpu') * 1e3:.1f} | {found.its('cpu') * 1e3:.1f} "
        f"| {1 / found.ratio('cpu') - 1:+.1%} |"
    )
