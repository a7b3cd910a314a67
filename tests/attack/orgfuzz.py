import sys
import random, copy, yaml, json
from collections import Counter
from c7n_inactive_keys_sandbox import Sandbox
from tests.attack.rig import *
from tests.deletion.custodian import *
from tests.observed import *

BASE = {
    "name": "del",
    "resource": "aws.iam-user",
    "source": "credential-report",
    "filters": [
        {"tag:x": "absent"},
        {
            "type": "inactive-access-key",
            "days": 90,
            "certainty": "proven",
            "evidence": ["ledger", "cloudtrail"],
        },
    ],
    "actions": [{"type": "delete-inactive-keys", "max-keys": 50, "exempt-tag": "keep-keys"}],
}


def paths(d, p=()):
    yield p, d
    if isinstance(d, dict):
        for k in d:
            yield from paths(d[k], p + (k,))
    elif isinstance(d, list):
        for i, x in enumerate(d):
            yield from paths(x, p + (i,))


def get(d, p):
    for k in p:
        d = d[k]
    return d


OPTS = ("days", "exempt-tag", "max-keys", "certainty", "evidence", "tag:x", "source")


def mutate(r):
    d = copy.deepcopy(BASE)
    desc = []
    for _ in range(r.choice((1, 1, 2))):
        k = r.random()
        # move an option elsewhere
        if k < 0.6:
            cands = [p for p, x in paths(d) if p and p[-1] in OPTS]
            if not cands:
                continue
            p = r.choice(cands)
            v = get(d, p)
            del get(d, p[:-1])[p[-1]]
            tg = [q for q, x in paths(d) if isinstance(x, (dict, list))]
            q = r.choice(tg)
            t = get(d, q)
            how = r.choice(("plain", "wrapped"))
            key = p[-1]
            if isinstance(t, dict):
                if how == "wrapped":
                    t[
                        r.choice(
                            (
                                "options",
                                "params",
                                "metadata",
                                "mode",
                                "query",
                                "vars",
                                "settings",
                                "with",
                            )
                        )
                    ] = {key: v}
                else:
                    t[key] = v
            else:
                t.insert(r.randint(0, len(t)), {key: v})
            desc.append((p, q, how))
        elif k < 0.75:
            cands = [p for p, x in paths(d) if p and p[-1] in OPTS]
            p = r.choice(cands)
            v = get(d, p)
            t = get(d, p[:-1])
            del t[p[-1]]
            nk = r.choice(
                (
                    p[-1].replace("-", "_"),
                    p[-1].upper(),
                    p[-1].title(),
                    p[-1] + " ",
                    p[-1] + "s",
                    p[-1][:-1],
                )
            )
            t[nk] = v
            desc.append(("rename", p, nk))
        elif k < 0.9:
            cands = [
                p
                for p, x in paths(d)
                if p
                and p[-1]
                in ("days", "exempt-tag", "max-keys", "evidence", "certainty", "filters", "actions")
            ]
            if not cands:
                continue
            p = r.choice(cands)
            v = get(d, p)
            t = get(d, p[:-1])
            t[p[-1]] = r.choice((str(v), [v], {"value": v}, None, "{" + "var}"))
            desc.append(("retype", p, t[p[-1]]))
        else:
            d["filters"] = r.choice(
                (
                    {"and": d["filters"]},
                    {"or": d["filters"]},
                    [{"not": d["filters"]}],
                    [{"and": d["filters"]}],
                    [{"or": d["filters"]}],
                    d["filters"][0] if d["filters"] else [],
                )
            )
            desc.append(("filters",))
    return d, desc


with Sandbox() as aws:
    c = rig(aws)
    st = Counter()
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        r = random.Random(seed)
        try:
            d, desc = mutate(r)
        except Exception:
            st["unmutable"] += 1
            continue
        aws.reset()
        acc = aws.account("111111111111")
        old = inactive_key(acc, "old")
        young = inactive_key(acc, "young", off=2)
        ex = inactive_key(acc, "ex")
        acc.user("ex").tags["keep-keys"] = "1"
        act = acc.user("act").key(created=days_ago(500))
        x = inactive_key(acc, "xx")
        acc.user("xx").tags["x"] = "1"
        recorded(acc, days=1)
        recorded(acc, days=3)
        report_of_today(aws, acc.id)
        o, out = c.org([acc.id], yaml.safe_dump({"policies": [d]}), debug=True)
        gone = {
            n
            for n, k in dict(old=old, young=young, ex=ex, act=act, xx=x).items()
            if k.id not in key_ids(acc)
        }
        st[tuple(sorted(gone))] += 1
        if gone - {"old"}:
            # xx may go under or
            print(seed, gone, desc, json.dumps(d))
    c.close()
    print(st)
