# SPDX-License-Identifier: Apache-2.0
"""What was asked for, and whether the measured figures meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.commands import DELETE, FIND
from benchmarks.ratios import Comparison, Sample


@dataclass(frozen=True)
class Verdict:
    """A target beside what was measured."""

    target: str
    measured: str
    met: bool


Measured = Mapping[str, Comparison]  # by the comparison's name


def verdicts(measured: Measured) -> list[Verdict]:
    """All targets for which there are figures."""
    rules: tuple[Callable[[Measured], Iterator[Verdict]], ...] = (
        _one_percent,
        _all_of_them,
        _throttling,
        _organisations,
        _starting,
        _memory,
    )
    return [verdict for rule in rules for verdict in rule(measured)]


def _one_percent(measured: Measured) -> Iterator[Verdict]:
    found = measured.get(f"{DELETE}, 5,000 users, 1 %, 20 ms")
    if found:
        yield _at_least(
            "5,000 users, 1 %, 20 ms: 25 times fewer calls", found.ratio("requests"), 25
        )
        yield _at_least("5,000 users, 1 %, 20 ms: 20 times less time", found.ratio("wall"), 20)


def _all_of_them(measured: Measured) -> Iterator[Verdict]:
    for what in (FIND, DELETE):
        found = measured.get(f"{what}, 1,000 users, 100 %, 20 ms")
        if found:
            name = f"{what}, 1,000 users, 100 %, 20 ms"
            yield _at_least(f"{name}: never more calls", found.ratio("requests"), 1)
            yield _at_least(f"{name}: half the time", found.ratio("wall"), 2)


def _throttling(measured: Measured) -> Iterator[Verdict]:
    for found in measured.values():
        if not found.name.endswith("throttled"):
            continue
        ours, other = (_error_rate(samples) for samples in (found.ours, found.other))
        failed = sum(sample.status != 0 for sample in found.ours)
        yield Verdict(
            f"{found.name}: no larger share of throttled calls, and nothing fails",
            f"{ours:.1%} of ours, {other:.1%} of the built-in's; "
            f"{failed} of {len(found.ours)} runs failed",
            ours <= other and not failed,
        )


def _error_rate(samples: list[Sample]) -> float:
    return median(sample.throttled / sample.requests for sample in samples)


def _organisations(measured: Measured) -> Iterator[Verdict]:
    for found in measured.values():
        if "accounts, report" in found.name:
            wall, cpu = 1 / found.ratio("wall"), 1 / found.ratio("cpu")
            yield Verdict(
                f"{found.name}: at most 20 % over an empty policy",
                f"{wall - 1:+.0%} time, {cpu - 1:+.0%} CPU time",
                wall <= 1.2,
            )


def _starting(measured: Measured) -> Iterator[Verdict]:
    found = measured.get("interpreter")
    if found:
        more = 1000 * median(
            ours.cpu - other.cpu for ours, other in zip(found.ours, found.other, strict=True)
        )
        yield Verdict("interpreter start: at most 1 ms more", f"{more:+.2f} ms CPU time", more <= 1)
    for name in ("custodian version", "custodian validate"):
        found = measured.get(name)
        if found:
            share = 1 / found.ratio("cpu") - 1
            yield Verdict(f"{name}: at most 3 % more", f"{share:+.1%} CPU time", share <= 0.03)


def _memory(measured: Measured) -> Iterator[Verdict]:
    small = measured.get(f"{FIND}, 100 users, 1 %, 0 ms")
    large = measured.get(f"{FIND}, 5,000 users, 1 %, 0 ms")
    if small and large:
        before, after = small.our("memory"), large.our("memory")
        yield Verdict(
            "memory flat in the number of users (1 % found)",
            f"{before:.0f} MiB for 100 users, {after:.0f} MiB for 5,000",
            after <= before * 1.1,
        )


def _at_least(target: str, ratio: float, least: float) -> Verdict:
    return Verdict(
        target, f"{ratio:.2f} times" if ratio < 10 else f"{ratio:.0f} times", ratio >= least
    )
