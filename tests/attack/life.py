# SPDX-License-Identifier: Apache-2.0
"""Pure simulation: one key over many days, daily policies, late events, reports, a Lambda function."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from c7n_inactive_keys.core.credential_report import MAKING
from c7n_inactive_keys.core.evidence import (
    FAR_END,
    HISTORY,
    SETTLING,
    UNCLEAR,
    CompleteRecord,
    Facts,
    LedgerEntry,
    StatusChange,
)
from c7n_inactive_keys.core.found_key import FoundKey
from c7n_inactive_keys.core.hindrance import Reading, Rules, hindrance
from c7n_inactive_keys.core.keys import ACTIVE, INACTIVE, AccessKey, LastUse, Unavailable
from c7n_inactive_keys.core.ledger import parse_value, render_value, tag_key
from c7n_inactive_keys.core.ledger_upkeep import carry_on, carry_on_after_event, needs_writing
from c7n_inactive_keys.core.timeline import assess

START = datetime(2023, 1, 1, 9, 30, 17, tzinfo=timezone.utc)
H, D = 3600, 86400
S2 = int(SETTLING.total_seconds())
W = int(HISTORY.total_seconds())
MG = int(FAR_END.total_seconds())
MK = int(MAKING.total_seconds())
ID = "AKIAEXAMPLEOFHISTORY"


def at(s):
    return START + timedelta(seconds=s)


@dataclass
class Ev:
    t: int
    status: str  # what was asked
    real: bool  # changed the status
    delay: int
    unclear: bool = False  # server error
    hidden: bool = False  # hides its key
    seq: int = 0


@dataclass
class Opt:
    redundant: bool = False
    unclear: bool = False
    late_use: bool = False
    lam: bool = True
    cache: bool = True
    tags_lost: bool = True
    replay: bool = True
    skew: int = 0
    exports: bool = True


class Sim:
    def __init__(self, seed, opt=Opt()):
        self.r = r = random.Random(seed)
        self.opt = opt
        self.stats = Counter()
        self.bad = []
        self.horizon = r.choice((3, 10, 40, 130, 220)) * D
        self._life()
        self.tag = None
        self.tags_seen = []
        self.report = None  # (G, row time)
        self.exports = []
        for _ in range(self.r.choice((0, 0, 1, 1, 2)) if opt.exports else 0):
            made = self.r.randint(0, self.horizon)
            since = self.r.choice((-D, 0, made - 10 * D, made - 90 * D, made - 100 * D))
            self.exports.append((since, made, self.r.random() < 0.8, self.r.choice((0, 0, D))))
        self.proven = None  # (NA, changes count) from an earlier record

    # -- truth
    def _life(self):
        r, o = self.r, self.opt
        self.events, self.uses = [], []
        t, status = 0, ACTIVE
        mode = r.random()
        while t < self.horizon:
            gap = r.choice(
                (
                    0,
                    1,
                    30,
                    60,
                    61,
                    5 * 60,
                    H,
                    S2 - 1,
                    S2,
                    S2 + 1,
                    3 * H,
                    4 * H,
                    5 * H,
                    20 * H,
                    D,
                    3 * D,
                    30 * D,
                    89 * D,
                    90 * D,
                    91 * D,
                    120 * D,
                )
            )
            if r.random() < 0.5:
                gap = int(gap * r.uniform(0.5, 1.5))
            if gap > 3 * D and r.random() < 0.3:
                gap = gap // 10
            t += gap
            if t >= self.horizon:
                break
            k = r.random()
            if k < 0.62:
                status = INACTIVE if status == ACTIVE else ACTIVE
                self.events.append(
                    Ev(
                        t,
                        status,
                        True,
                        self._delay(),
                        o.unclear and r.random() < 0.12,
                        o.unclear and r.random() < 0.3,
                    )
                )
            elif k < 0.72 and o.redundant:
                self.events.append(Ev(t, status, False, self._delay()))
            elif k < 0.78 and o.unclear:
                self.events.append(
                    Ev(
                        t,
                        INACTIVE if status == ACTIVE else ACTIVE,
                        False,
                        self._delay(),
                        True,
                        r.random() < 0.3,
                    )
                )
            elif status == ACTIVE:
                self.uses.append(t)
            elif o.late_use and self.events and r.random() < 0.5:
                off = [e for e in self.events if e.real][-1].t
                if off + 60 <= t:
                    self.uses.append(off + r.randint(0, 60))
        for i, e in enumerate(self.events):
            e.seq = i
        self.uses.sort()
        self.lam = []
        if o.lam and r.random() < 0.5:
            rel = r.choice((1, 0.7, 0.3))
            for e in self.events:
                if r.random() > rel:
                    continue
                for _ in range(r.choice((1, 1, 1, 2, 3))):
                    self.lam.append(
                        (e.t + r.choice((0, 1, 5, 60, 300, 50 * 60, S2, 3 * H, D, 3 * D)), e)
                    )
            self.lam.sort(key=lambda x: x[0])

    def _delay(self):
        r = self.r
        return r.choice((0, 60, 300, H, S2 - 1, S2, r.randint(0, S2), r.randint(0, S2)))

    def status(self, s):
        st = [e.status for e in self.events if e.real and e.t <= s]
        return st[-1] if st else ACTIVE

    def last_two(self, s):
        real = [e for e in self.events if e.real and e.t <= s]
        return (real[-2] if len(real) > 1 else None), real[-1]

    def truth(self, s):
        return self.last_two(s)[1].t

    # -- sources
    def history(self, s, read):
        """Event history as read at `read`."""
        out = []
        for e in self.events:
            if read - W <= e.t <= read and e.t + e.delay <= read:
                out.append(self.change(e))
        return out, CompleteRecord("cloudtrail", at(read - W + MG), at(read - S2))

    def change(self, e):
        return StatusChange(at(e.t), UNCLEAR if e.unclear else e.status, "cloudtrail")

    def get_report(self, s):
        if self.report is None or s - self.report[0] >= 4 * H:
            self.report = (s, s - self.r.choice((0, 0, 60, 600, MK)))
        return self.report

    def run(self):
        r = self.r
        t = r.choice((0, H, D))
        todo = []
        every = r.choice((D, D, D, D, 6 * H, 2 * H, 20 * H, 3 * D, 30 * D))
        denial = r.choice((0, 0, 0.3, 0.8))
        src = r.choice(("report", "list", "mixed"))
        moments = []
        while t < self.horizon:
            moments.append(t)
            t += (
                int(every * r.uniform(0.9, 1.1))
                if r.random() < 0.9
                else r.choice((60, H, S2, S2 + 60, 3 * H))
            )
        # runs shortly after changes
        for e in self.events:
            if r.random() < 0.4:
                moments.append(e.t + r.choice((0, 1, 10, 60, 600, H, S2 - 60, S2, S2 + 60, 3 * H)))
        moments.sort()
        lam = list(self.lam)
        for m in moments:
            while lam and lam[0][0] <= m:
                self.lambda_event(*lam.pop(0))
            self.tamper(m)
            if m <= getattr(self, "end", -1):
                continue
            self.one_run(
                m, r.random() < denial, src if src != "mixed" else r.choice(("report", "list"))
            )
        return self

    def tamper(self, m):
        r, o = self.r, self.opt
        if o.tags_lost and r.random() < 0.02:
            self.tag = None
            self.proven = None
        if o.replay and self.tags_seen and r.random() < 0.04:
            self.tag = r.choice(self.tags_seen)
            self.proven = None

    def entry(self, tag):
        e = parse_value(tag) if tag else None
        return e if isinstance(e, LedgerEntry) else None

    def set_tag(self, entry):
        self.tag = render_value(entry)
        self.tags_seen.append(self.tag)

    def lambda_event(self, s, e):
        if e.unclear:
            return
        if self.status(s) != INACTIVE:
            self.tag = None
            self.proven = None
            return
        key = AccessKey(ID, "bob", INACTIVE, at(0))
        old = self.entry(self.tag)
        new = carry_on_after_event(old, key, self.change(e), at(s))
        if needs_writing(old, new):
            self.set_tag(new)
            self.proven = None

    def one_run(self, m, denied, source):
        r = self.r
        steps = r.choice(
            (
                ["f", "r", "d"],
                ["r", "d"],
                ["d", "r"],
                ["f", "d"],
                ["r"],
                ["d", "f", "r", "d"],
                ["r", "f", "d"],
                ["f", "f"],
            )
        )
        cached = self.opt.cache and r.random() < 0.3
        read = None
        hist = None
        snap = None
        s = m
        for st in steps:
            if not denied and hist is not None and s - read >= 15 * 60:
                hist = None
            if snap is None or not cached:
                rep = self.get_report(s) if source == "report" else None
                snap = (self.tag, rep)
            if self.status(s) == INACTIVE:
                if hist is None and not denied:
                    read = s
                    hist = self.history(s, s)
                self.step(st, s, read if not denied else None, hist if not denied else None, snap)
            elif st == "r":
                self.tag = None
                self.proven = None
            self.end = s
            s += r.choice((0, 1, 5, 60, 5 * 60, 10 * 60))

    def facts(self, s, hist, snap, tag):
        r = self.r
        changes, records = (list(hist[0]), [hist[1]]) if hist else ([], [])
        for since, made, told, again in self.exports:
            if again:
                made = made + (s - made) // again * again  # exported daily
            if made > s or r.random() < 0.1:
                continue
            changes += [
                replace(self.change(e), source="events-from")
                for e in self.events
                if e.t + e.delay <= made and e.t >= since
            ]
            if told:
                records.append(CompleteRecord("events-from", at(since), at(made - S2)))
        uses = [u for u in self.uses if u <= s]
        kw = {}
        if snap[1]:
            G, row = snap[1]
            if row >= 0:
                if self.status(row) == INACTIVE:
                    kw["seen_inactive"] = at(G)
                    uses = [u for u in uses if u <= row]
                    use = at(uses[-1]).replace(second=0) if uses else None
                else:
                    kw["seen_active"] = at(G) - MAKING
                    use = at(uses[-1]) if uses else None
            else:
                use = at(uses[-1]) if uses else None
        else:
            k = r.random()
            if k < 0.2:
                uses = uses[:-1]
            use = at(uses[-1]) if uses else None
        lu = LastUse(use)
        if r.random() < 0.03:
            lu = Unavailable("last-used", "x")
        return Facts(
            AccessKey(ID, "bob", INACTIVE, at(0)),
            lu,
            tuple(changes),
            tuple(records),
            self.entry(tag),
            **kw,
        )

    def blind(self, s, read, facts):
        on, off = self.last_two(s)
        if on is None:
            return False
        lo = (read if read is not None else s) - S2
        if on.t < lo:
            return False
        known = {(c.time, c.status) for c in facts.changes}
        return (at(on.t), ACTIVE) not in known and (at(off.t), INACTIVE) not in known

    def step(self, st, s, read, hist, snap):
        r = self.r
        skew = r.randint(-self.opt.skew, self.opt.skew) if self.opt.skew else 0
        now = at(s + skew)
        tag = self.tag if st == "r" else snap[0]
        facts = self.facts(s, hist, snap, tag)
        if st == "f" and r.random() < 0.2:
            facts = replace(facts, ledger=None)
        a = assess(facts, now)
        self.stats["assessed"] += 1
        truth = at(self.truth(s))
        blind = self.blind(s, read, facts)
        ok = a.not_before <= truth <= a.not_after
        lo_ok = truth <= a.not_after
        if blind:
            self.stats["blind"] += 1
        if not (lo_ok if (self.opt.redundant or self.opt.late_use) else ok):
            self.stats["blind wrong" if blind else "WRONG"] += 1
            if not blind:
                self.bad.append(("interval", st, s, truth, a, facts))
        if not (self.opt.redundant or self.opt.late_use) and a.at_least_days > 0:
            self.stats["claims"] += 1
        if hist and a.at_least_days >= 0.1:
            self.stats["claims>0.1"] += 1
        # later never less
        n = tuple(e.seq for e in self.events if e.t <= s), (len(hist[0]) if hist else 0)
        if (
            self.proven
            and self.proven[1] == n
            and hist
            and not isinstance(facts.last_use, Unavailable)
            and tag == self.tag
            and (facts.ledger or not tag)
        ):
            self.stats["law"] += 1
            if a.not_after > self.proven[0] and s - self.proven[2] < 87 * D:
                self.bad.append(("less", st, s, self.proven, a, facts))
                self.stats["LESS"] += 1
        if (
            a.unsettled
            and not self.exports
            and not isinstance(facts.last_use, Unavailable)
            and hist
        ):
            self.promise(s, read, facts, a, n, snap)
        if st == "r":
            old = self.entry(self.tag)
            new = carry_on(old, a)
            if needs_writing(old, new):
                self.set_tag(new)
            if hist and not self.exports and not isinstance(facts.last_use, Unavailable):
                self.proven = (
                    (a.not_after, n, s)
                    if not (self.proven and self.proven[1] == n and self.proven[0] <= a.not_after)
                    else (self.proven[0], n, s)
                )
        if st == "d":
            days = r.choice((0.1, 0.5, 1, 7, 30, 90, 100))
            if a.at_least_days >= days:
                key = AccessKey(ID, "bob", INACTIVE, at(0))
                found = FoundKey.from_annotation(
                    FoundKey.of(key, facts.last_use, a).to_annotation()
                )
                s2 = s + r.choice((0, 1, 60, 900))
                if self.status(s2) != INACTIVE:
                    return
                tags = ({"Key": tag_key(ID), "Value": self.tag},) if self.tag else ()
                if hindrance(found, Reading(at(s2), tags, (key,)), Rules("1")) is None:
                    self.stats["deleted"] += 1
                    true_days = (at(s) - truth) / timedelta(days=1)
                    if true_days < days - 0.0501 and not blind and self.truth(s2) == self.truth(s):
                        self.stats["WRONG DELETION"] += 1
                        self.bad.append(("deletion", days, s, truth, a, facts))

    def promise(self, s, read, facts, a, n, snap):
        """Recorded now and found again at Until."""
        until = int((a.unsettled.until - START).total_seconds())
        if tuple(e.seq for e in self.events if e.t <= until) != n[0]:
            return
        # nothing else may turn up: no event still on its way
        if any(read < e.t + e.delay <= until for e in self.events):
            return
        old = facts.ledger
        new = carry_on(old, a)
        tag = new if needs_writing(old, new) else old
        hist = self.history(until, until)
        uses = facts.last_use
        kw = {}
        if snap[1] and until - snap[1][0] < 4 * H:
            kw = dict(seen_inactive=facts.seen_inactive, seen_active=facts.seen_active)
        later = Facts(
            facts.key, uses, tuple(hist[0]), (hist[1],), self.entry(render_value(tag)), **kw
        )
        b = assess(later, at(until))
        self.stats["promise"] += 1
        if b.at_least_days < (a.unsettled_days or 0):
            self.stats["BROKEN PROMISE"] += 1
            self.bad.append(("promise", s, until, a, b, facts, later))


def rel(m):
    return (
        None
        if m is None
        else f"{(m - START).total_seconds() / H:.4f}h"
        if isinstance(m, datetime)
        else m
    )


def show(x):
    if isinstance(x, Facts):
        return dict(
            used=rel(getattr(x.last_use, "time", None)),
            ch=[(rel(c.time), c.status[:3]) for c in sorted(x.changes, key=lambda c: c.time)][-8:],
            rec=[(rel(q.since), rel(q.until)) for q in x.records],
            led=x.ledger and [rel(x.ledger.after), rel(x.ledger.since), rel(x.ledger.verified)],
            act=rel(x.seen_active),
            inact=rel(x.seen_inactive),
        )
    if hasattr(x, "at_least_days"):
        return dict(
            now=rel(x.now),
            nb=rel(x.not_before),
            na=rel(x.not_after),
            fault=x.ledger_fault,
            uns=x.unsettled and (rel(x.unsettled.not_after), rel(x.unsettled.until)),
        )
    if isinstance(x, datetime):
        return rel(x)
    if isinstance(x, int):
        return f"{x / H:.4f}h"
    return x


if __name__ == "__main__":
    import sys

    n0, n = int(sys.argv[1]), int(sys.argv[2])
    kinds = {
        "plain": Opt(),
        "redundant": Opt(redundant=True),
        "unclear": Opt(unclear=True),
        "late": Opt(late_use=True),
        "all": Opt(True, True, True),
    }
    name = sys.argv[3]
    tot = Counter()
    shown = Counter()
    for seed in range(n0, n0 + n):
        sim = Sim(seed, kinds[name]).run()
        tot += sim.stats
        for b in sim.bad:
            if shown[b[0]] < 2:
                shown[b[0]] += 1
                print(seed, b[0])
                for x in b[1:]:
                    print("    ", show(x))
    print(name, dict(tot))
