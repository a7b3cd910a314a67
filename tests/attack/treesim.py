# SPDX-License-Identifier: Apache-2.0
"""Random and/or/not trees of ours with access-key, credential, tag and value filters: only keys that satisfy them by themselves go."""

import random, sys, time
from collections import Counter
from datetime import timedelta
from c7n_inactive_keys_sandbox import Sandbox
from tests.attack.rig import rig
from tests.deletion.custodian import days_ago
from tests.observed import recorded, report_of_today

NOEV = False
ACC = "111111111111"
# (created, off) pairs; twins of one second among them
PAIRS = [
    ((1000, 400), (500, 20)),
    ((900, 400), (600, None)),
    ((800, 20), (1200, 15)),
    ((700, 300), (950, 300)),
    ((640, 120), (640, None)),
    ((640, 120), (640, 30)),
    ((555, None), (556, 555.5)),
    ((1500, 95), (300, 91)),
    ((444, 95),),
    ((444, None),),
]


def ours(r):
    f = {"type": "inactive-access-key", "days": r.choice((0, 10, 60, 90))}
    if r.random() < 0.15 and not NOEV:
        f["evidence"] = r.choice((["cloudtrail"], ["ledger", "cloudtrail"]))
    return f


def leaf(r, neg):
    k = r.random()
    if k < 0.4:
        return ours(r)
    if k < 0.55:
        return {
            "type": "access-key",
            "key": "CreateDate",
            "value_type": "age",
            "op": r.choice(("gte", "lte")),
            "value": r.choice((550, 650, 750, 925)),
            **({"match-operator": "and"} if not neg and r.random() < 0.3 else {}),
        }
    if k < 0.65:
        return {
            "type": "access-key",
            "key": "Status",
            "value": r.choice(("Inactive", "Inactive", "Active")),
        }
    if k < 0.75:
        return {
            "type": "credential",
            "key": "access_keys.active",
            "value": r.choice((False, False, True)),
        }
    if k < 0.85:
        return {
            "type": "credential",
            "key": "access_keys.last_rotated",
            "value_type": "age",
            "op": "gte",
            "value": r.choice((550, 650, 750, 925)),
        }
    if k < 0.95:
        return {"tag:team": r.choice(("present", "absent"))}
    return {
        "type": "value",
        "key": "UserName",
        "op": "regex",
        "value": r.choice((".*[02468]$", ".*")),
    }


def tree(r, depth, neg=False):
    if depth and r.random() < (0.95 if depth == 3 else 0.6):
        b = r.choice(("and", "or", "or", "and", "not"))
        return {b: [tree(r, depth - 1, neg or b == "not") for _ in range(r.choice((1, 2, 2, 3)))]}
    return leaf(r, neg)


def has_ours(t):
    for b in ("and", "or"):
        if b in t:
            return any(has_ours(x) for x in t[b])
    if "not" in t:
        return False
    return t.get("type") == "inactive-access-key"


import re


def passes(t, key, keys, now):
    if "and" in t:
        return all(passes(x, key, keys, now) for x in t["and"])
    if "or" in t:
        return any(passes(x, key, keys, now) for x in t["or"])
    if "not" in t:
        return not all(upasses(x, keys, now) for x in t["not"])
    return lf(t, key, now)


def lf(t, key, now):
    ty = t.get("type")
    if ty == "inactive-access-key":
        return key.status == "Inactive" and now - key.deactivated >= timedelta(days=t["days"])
    if ty in ("access-key", "credential"):
        k = t["key"].split(".")[-1]
        if k in ("CreateDate", "last_rotated"):
            age = (now - key.created) / timedelta(days=1)
            return age >= t["value"] if t["op"] == "gte" else age <= t["value"]
        if k == "Status":
            return key.status == t["value"]
        if k == "active":
            return (key.status == "Active") == t["value"]
    if ty == "value":
        return bool(re.match(t["value"], key.user.name))
    if "tag:team" in t:
        return ("team" in key.user.tags) == (t["tag:team"] == "present")
    raise KeyError(t)


def upasses(t, keys, now):
    if "and" in t:
        return all(upasses(x, keys, now) for x in t["and"])
    if "or" in t:
        return any(upasses(x, keys, now) for x in t["or"])
    if "not" in t:
        return not all(upasses(x, keys, now) for x in t["not"])
    return any(lf(t, k, now) for k in keys)


def main(n0, n):
    st, bad = Counter(), 0
    with Sandbox() as aws:
        c = rig(aws)
        for seed in range(n0, n0 + n):
            r = random.Random(seed)
            aws.reset()
            acc = aws.account(ACC)
            pols, books = [], {}
            for i in range(8):
                while not has_ours(t := tree(r, 3)):
                    pass
                pairs = []
                for j, spec in enumerate(PAIRS):
                    for tags in ({}, {"team": "x"}):
                        u = acc.user(f"p{i}-{len(tags)}-{j}", f"/p{i}/", dict(tags), days_ago(2000))
                        pairs.append(
                            [
                                u.key(days_ago(cr), [] if off is None else [days_ago(off)])
                                for cr, off in spec
                            ]
                        )
                top = t["and"] if "and" in t and r.random() < 0.7 else [t]
                pre = [{"type": "value", "key": "Path", "value": f"/p{i}/"}]
                name = f"p{i}"
                p = {
                    "name": name,
                    "resource": "aws.iam-user",
                    "filters": pre + top,
                    "actions": ["delete-inactive-keys"],
                }
                if r.random() < 0.6:
                    p["source"] = "credential-report"
                pols.append(p)
                books[name] = (t, pairs)
                if r.random() < 0.3:
                    pols.append({**p, "name": name + "r", "actions": []})
            recorded(acc)
            report_of_today(aws, ACC)
            r.shuffle(pols)
            now = aws.now()
            before = {k.id for k in acc.keys}
            args = r.choice(
                (
                    (),
                    ("--cache-period", "15", "--cache", "memory"),
                    ("--cache-period", "15", "--cache", "c.db"),
                )
            )
            o = c.run(ACC, *pols, arguments=args, report_made=False)
            gone = before - {k.id for k in acc.keys}
            st["runs"] += 1
            st["trees"] += len(books)
            st["gone"] += len(gone)
            if o.status:
                st["status %s" % o.status] += 1
                bad += 1
                print("SEED", seed, o.log[-1500:]) if bad < 4 else 0
            for name, (t, pairs) in books.items():
                ok = {
                    k.id
                    for pr in pairs
                    for k in pr
                    if k.status == "Inactive" and passes(t, k, pr, now)
                }
                mine = {k.id for pr in pairs for k in pr}
                wrong = (gone & mine) - ok
                st["could"] += len(ok)
                if wrong:
                    st["WRONG"] += 1
                    print("SEED", seed, args, name, t)
                    for pr in pairs:
                        for k in pr:
                            if k.id in wrong:
                                print(
                                    "    ",
                                    k.user.name,
                                    [
                                        (
                                            str(x.created)[:10],
                                            x.status,
                                            str(x.deactivated)[:10],
                                            x.id in gone,
                                        )
                                        for x in pr
                                    ],
                                )
        c.close()
    print(dict(st))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
