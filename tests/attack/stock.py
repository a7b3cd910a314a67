# SPDX-License-Identifier: Apache-2.0
"""Simulation through the stock commands: days pass, keys change, policies run, Lambda functions record."""

import json, random, sys, time
from collections import Counter
from datetime import timedelta, datetime, timezone
from pathlib import Path

from c7n_inactive_keys_sandbox import Sandbox, Fault
from c7n_inactive_keys_sandbox.events import RandomDelays
from c7n_inactive_keys.core.times import parse_time, format_time
from tests.attack.rig import EVENT_MODE, rig
from tests.deletion.custodian import days_ago

S2 = timedelta(hours=2)
ACC = "111111111111"
TAG = "keep-keys"


class Stock:
    def __init__(self, aws, cust, seed, verbose=False, inrun=True):
        self.r = random.Random(seed)
        self.aws, self.c, self.seed = aws, cust, seed
        self.inrun = inrun
        self.stats, self.bad = Counter(), []
        aws.reset()
        r = self.r
        aws.clock_offset = timedelta(seconds=r.choice((0, 0, 0, 40, -40, 240, -240, 800, -800)))
        aws.event_delay = RandomDelays(S2, seed)
        self.acc = aws.account(ACC)
        self.tags_seen = []
        for i in range(r.choice((6, 10))):
            u = self.acc.user(f"user-{i}", created=aws.now() - timedelta(days=1000))
            if r.random() < 0.15:
                u.tags[r.choice((TAG, "Keep-Keys", "KEEP-KEYS"))] = "x"
            born = aws.now() - timedelta(days=r.choice((1, 40, 100, 500)))
            for j in range(r.choice((1, 1, 2))):
                k = u.key(created=born if r.random() < 0.6 else born - timedelta(days=1))
                if r.random() < 0.6:
                    off = born + (aws.now() - born) * r.random()
                    k.deactivate(off)
        self.keys = {k.id: k for k in self.acc.keys}

    def now(self):
        return self.aws.now()

    def events(self, since):
        return [
            e
            for e in self.acc.events
            if e.fields["eventName"] == "UpdateAccessKey" and e.time >= since
        ]

    def toggle(self, key):
        (key.activate if key.status == "Inactive" else key.deactivate)(None, self.r.random() < 1.0)

    def step(self):
        r = self.r
        aws, acc = self.aws, self.acc
        aws.age(
            timedelta(
                seconds=int(
                    r.choice(
                        (
                            1,
                            60,
                            600,
                            3600,
                            3600,
                            7200,
                            7260,
                            4 * 3600,
                            86400,
                            86400,
                            86400,
                            86400 * 10,
                            86400 * 45,
                            86400 * 89,
                        )
                    )
                    * r.uniform(0.8, 1.2)
                )
            )
        )
        keys = list(acc.keys)
        k = r.random()
        if k < 0.30 and keys:
            for _ in range(r.choice((1, 1, 3))):
                key = r.choice(keys)
                self.toggle(key)
            if r.random() < 0.2:
                self.lam([acc.events[-1]])
            else:
                self.pending = getattr(self, "pending", []) + [acc.events[-1].id]
        elif k < 0.36 and keys:
            key = r.choice(keys)
            if key.status == "Active":
                key.use()
        elif k < 0.42:
            aws.client("iam", ACC).generate_credential_report()
        elif k < 0.50:
            ids = getattr(self, "pending", [])
            r.shuffle(ids)
            evs = [e for i in ids for e in acc.events if e.id == i]
            evs += [r.choice(evs)] if evs and r.random() < 0.3 else []
            if evs:
                self.lam(evs[:5])
            self.pending = ids[5:] if r.random() < 0.5 else []
        elif k < 0.54 and acc.users:
            u = r.choice(list(acc.users.values()))
            u.rename(f"re-{r.randint(0, 10**6)}")
        elif k < 0.57 and len(acc.users) > 2:
            u = r.choice(list(acc.users.values()))
            name = u.name
            u.delete()
            if r.random() < 0.8:
                n = acc.user(name, created=self.now())
                kk = n.key(created=self.now())
                self.keys[kk.id] = kk
                if r.random() < 0.5:
                    kk.deactivate()
        elif k < 0.61 and acc.users:
            for u in list(acc.users.values()):
                if len(u.keys) < 2 and r.random() < 0.7:
                    kk = u.key(
                        created=max(
                            u.created, self.now() - timedelta(days=r.choice((0, 0, 1, 120, 300)))
                        )
                    )
                    self.keys[kk.id] = kk
                    if r.random() < 0.5 and self.now() - kk.created > timedelta(hours=1):
                        kk.deactivate(kk.created + (self.now() - kk.created) * r.random())
        elif k < 0.63:
            for u in acc.users.values():
                for t in list(u.tags):
                    if t.startswith("c7n-") and r.random() < 0.5:
                        del u.tags[t]
        else:
            self.run()

    def lam(self, evs):
        self.stats["lambda"] += 1
        pol = {
            "name": "rec",
            "resource": "aws.iam-user",
            "source": "credential-report",
            "mode": EVENT_MODE,
            "actions": ["record-inactive-keys"],
        }
        if self.r.random() < 0.5:
            pol.pop("source")
        o = self.c.events(ACC, pol, *evs)
        if o.status:
            self.bad.append(("lambda failed", o.log[-3000:]))

    def run(self):
        r, aws, acc = self.r, self.aws, self.acc
        self.stats["runs"] += 1
        pols, plans = [], {}
        for n in range(r.choice((1, 2, 3, 4))):
            kind = r.choice(("report", "record", "delete", "delete"))
            p = {"name": f"{kind}-{n}", "resource": "aws.iam-user"}
            if r.random() < 0.7:
                p["source"] = "credential-report"
            f = {"type": "inactive-access-key"}
            if r.random() < 0.2:
                f["evidence"] = r.choice((["ledger"], ["cloudtrail"], []))
            if kind == "report":
                p["filters"] = [f]
            elif kind == "record":
                p["actions"] = ["record-inactive-keys"]
            else:
                f["days"] = r.choice((0.1, 1, 7, 30, 90, 90, 90, 91, 200))
                p["filters"] = [f]
                a = {"type": "delete-inactive-keys", "exempt-tag": TAG}
                if r.random() < 0.2:
                    a["max-keys"] = 1
                p["actions"] = [a]
                if r.random() < 0.2 and acc.keys:
                    chosen = r.sample(list(acc.keys), max(1, len(acc.keys) // 2))
                    path = self.c.directory / f"plan-{self.seed}-{self.stats['runs']}-{n}.txt"
                    path.write_text("\n".join(k.id for k in chosen))
                    a["plan"] = {"url": f"file://{path}", "format": "txt"}
                    plans[p["name"]] = {k.id for k in chosen}
            pols.append(p)
        args = r.choice(
            (
                (),
                (),
                ("--cache-period", "15", "--cache", "memory"),
                ("--cache-period", "15", "--cache", "c.db"),
            )
        )
        if r.random() < 0.12:
            aws.faults.add(Fault(action="LookupEvents", times=None, error="AccessDeniedException"))
        changed = set()
        if self.inrun and r.random() < 0.25 and acc.keys:
            for _ in range(r.choice((1, 2))):
                key = r.choice(list(acc.keys))

                def call(key=key):
                    changed.add(key.id)
                    self.toggle(key)

                aws.faults.add(
                    Fault(
                        action=r.choice(
                            (
                                "ListAccessKeys",
                                "GetUser",
                                "DeleteAccessKey",
                                "LookupEvents",
                                "TagUser",
                            )
                        ),
                        nth=r.choice((1, 2, 3, 4, 6)),
                        call=call,
                        effect=r.choice(("before", "after")),
                    )
                )
        before = {k.id: (k, k.status, k.deactivated, list(k.changes), k.user) for k in acc.keys}
        exempt = {k.id for k in acc.keys if any(t.lower() == TAG for t in k.user.tags)}
        start = self.now()
        o = self.c.run(
            ACC,
            *pols,
            report_made=False,
            arguments=args,
            settings={"c7n_inactive_keys.find.source.LONGEST_WAIT": 0.01},
        )
        end = self.now()
        aws.faults.clear()
        log = o.log
        present = {k.id for k in acc.keys}
        if "Traceback" in log and "KeyLimitError" not in log:
            self.bad.append(("traceback", log[-3000:]))
        for pol in pols:
            journal = o.journal(pol["name"])
            dele = {e.access_key_id for e in journal if e.outcome in ("deleted",)}
            for kid in dele:
                self.stats["deleted"] += 1
                k, status, off, ch, user = before[kid]
                days = pol["filters"][0]["days"]
                why = None
                if kid in exempt:
                    why = "exempt"
                elif pol["name"] in plans and kid not in plans[pol["name"]]:
                    why = "not in plan"
                elif kid not in changed and status != "Inactive":
                    why = "active"
                elif kid in changed:
                    self.stats["changed deleted"] += 1
                    why = self.late(k, days, start, end, kid in changed)
                else:
                    why = self.late(k, days, start, end, False)
                if why:
                    self.bad.append(
                        (
                            why,
                            kid,
                            pol,
                            k.changes,
                            start,
                            [e.fields for e in journal if e.access_key_id == kid],
                        )
                    )
            if (
                pol["name"].startswith("delete")
                and pol["actions"][0].get("max-keys") == 1
                and len(dele) > 1
            ):
                self.bad.append(("cap", pol, dele))
            for u in o.resources(pol["name"]):
                for entry in u.get("c7n:InactiveAccessKeys", ()):
                    kid = entry["AccessKeyId"]
                    self.stats["intervals"] += 1
                    if entry["InactiveDays"]["AtLeast"] > 0:
                        self.stats["claims"] += 1
                    if kid in changed:
                        self.stats["changed"] += 1
                        continue
                    k, status, off, ch, user = before[kid]
                    if status != "Inactive":
                        self.bad.append(("claims active", kid, entry))
                        continue
                    nb, na = (
                        parse_time(entry["InactiveSince"]["NotBefore"]),
                        parse_time(entry["InactiveSince"]["NotAfter"]),
                    )
                    if not nb <= off <= na and not self.blind(k, start, end):
                        self.bad.append(
                            (
                                "interval",
                                kid,
                                entry,
                                k.changes,
                                off,
                                start,
                                [
                                    (e.time, aws.visible_from(e) <= start)
                                    for e in acc.events
                                    if (e.fields.get("requestParameters") or {}).get("accessKeyId")
                                    == kid
                                ],
                            )
                        )
                    elif not nb <= off <= na:
                        self.stats["blind wrong"] += 1
        for kid in before:
            if kid not in present:
                self.stats["gone"] += 1

    def blind(self, k, start, end):
        if len(k.changes) < 2:
            return False
        on, off = k.changes[-2], k.changes[-1]
        if on[0] < start - S2:
            return False
        vis = [
            e
            for e in self.acc.events
            if (e.fields.get("requestParameters") or {}).get("accessKeyId") == k.id
            and e.time >= on[0]
            and self.aws.visible_from(e) <= start
        ]
        return not vis

    def late(self, k, days, start, end, changed):
        off = [t for t, s in k.changes if s == "Inactive"]
        on = [t for t, s in k.changes if s == "Active"]
        last = max(off) if off else None
        if last is None:
            return "never deactivated"
        if (end - last) / timedelta(days=1) < days - 0.0501:
            if self.blind(k, start, end):
                self.stats["blind deleted"] += 1
                return None
            if changed and last >= start:
                self.stats["in-run double"] += 1
                return (
                    None
                    if len(k.changes) > 1 and k.changes[-2][0] >= start - S2
                    else "late-changed"
                )
            return "late"
        return None


if __name__ == "__main__":
    n0, n, steps = map(int, sys.argv[1:4])
    tot = Counter()
    with Sandbox() as aws:
        c = rig(aws)
        t = time.time()
        for seed in range(n0, n0 + n):
            s = Stock(aws, c, seed)
            for i in range(steps):
                s.step()
            tot += s.stats
            for b in s.bad[:3]:
                print("SEED", seed, b[0])
                for x in b[1:]:
                    print("     ", str(x)[:1500])
        c.close()
        print(dict(tot), time.time() - t)
