import sys
import random, yaml, json
from collections import Counter
from datetime import timedelta
from c7n_inactive_keys_sandbox import Sandbox, Fault
from c7n_inactive_keys_sandbox.events import RandomDelays
from c7n_inactive_keys.core.times import parse_time
from tests.attack.rig import *
from tests.deletion.custodian import *
from tests.observed import *

S2 = timedelta(hours=2)
st = Counter()
with Sandbox() as aws:
    c = rig(aws)
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        r = random.Random(seed)
        aws.reset()
        aws.event_delay = RandomDelays(S2, seed)
        accs = [aws.account(f"{n:012d}") for n in range(1, r.choice((3, 5)))]
        for a in accs:
            for u in range(4):
                us = a.user(f"u{u}", created=days_ago(900))
                if r.random() < 0.2:
                    us.tags["keep-keys"] = "1"
                for _ in range(r.choice((1, 2))):
                    off = r.choice((None, 400, 200, 95, 91, 5, 1, 0.05, 0.001))
                    us.key(
                        created=days_ago(500) if r.random() < 0.7 else days_ago(501),
                        toggles=[] if off is None else [days_ago(off)],
                    )
            if r.random() < 0.7:
                recorded(a, days=r.choice((0.5, 2)))
            if r.random() < 0.5:
                hrs = r.choice((1, 3))
                late = [k for k in a.keys if k.changes and k.changes[-1][0] > days_ago(hrs / 24)]
                for k in late:
                    k.status = "Active"
                report_of_today(aws, a.id, age=timedelta(hours=hrs))
                for k in late:
                    k.status = "Inactive"
        vars = {}
        pols = []
        for n in range(3):
            k = r.choice(("rep", "rec", "del", "del"))
            p = {"name": f"{k}{n}", "resource": "aws.iam-user"}
            if r.random() < 0.6:
                p["source"] = "credential-report"
            if k == "rep":
                p["filters"] = ["inactive-access-key"]
            elif k == "rec":
                p["actions"] = ["record-inactive-keys"]
            else:
                p["filters"] = [{"type": "inactive-access-key", "days": 90}]
                p["actions"] = [{"type": "delete-inactive-keys", "exempt-tag": "keep-keys"}]
            pols.append(p)
        if r.random() < 0.3:
            aws.faults.add(
                Fault("LookupEvents", account=accs[0].id, times=None, error="AccessDeniedException")
            )
        changed = set()
        if r.random() < 0.4:
            a = r.choice(accs)
            k = r.choice(a.keys)

            def call(k=k):
                changed.add(k.id)
                (k.activate if k.status == "Inactive" else k.deactivate)()

            aws.faults.add(
                Fault(
                    r.choice(("GetUser", "ListAccessKeys", "LookupEvents")),
                    account=a.id,
                    nth=r.choice((1, 2, 5, 8)),
                    call=call,
                )
            )
        dry = r.random() < 0.15
        before = {
            k.id: (k, k.status, k.deactivated, any(t.lower() == "keep-keys" for t in k.user.tags))
            for a in accs
            for k in a.keys
        }
        start = aws.now()
        args = ["--cache-period", r.choice(("0", "15"))] + (["--dryrun"] if dry else [])
        o, out = c.org(
            [a.id for a in accs],
            yaml.safe_dump({"policies": pols}),
            *args,
            regions=r.choice((("us-east-1",), None, ("us-east-1", "eu-west-1"))),
            debug=r.random() < 0.5,
        )
        aws.faults.clear()
        after = {k.id for a in accs for k in a.keys}
        st["runs"] += 1
        st["status %d" % o.status] += 1
        for kid, (k, status, off, ex) in before.items():
            if kid in after:
                continue
            st["gone"] += 1
            if (
                dry
                or ex
                or (
                    kid not in changed
                    and (status != "Inactive" or start - off < timedelta(days=89.9))
                )
            ):
                print("WRONG", seed, kid, dry, ex, status, off, k.changes)
            if kid in changed:
                st["changed gone"] += 1
                print(
                    "changed",
                    seed,
                    k.changes,
                    [
                        (cl.action, cl.time if hasattr(cl, "time") else "", cl.error)
                        for cl in list(aws.calls)[-0:]
                        if cl.key_id == kid or cl.user == k.user.name
                    ][-12:]
                    if 0
                    else "",
                    [str(f) for f in aws.faults],
                )
        for f in out.glob("*/*/*/resources.json"):
            for u in json.loads(f.read_text()):
                for e in u.get("c7n:InactiveAccessKeys", ()):
                    k, status, off, ex = before[e["AccessKeyId"]]
                    if k.id in changed:
                        continue
                    st["intervals"] += 1
                    nb, na = (
                        parse_time(e["InactiveSince"]["NotBefore"]),
                        parse_time(e["InactiveSince"]["NotAfter"]),
                    )
                    if not nb <= off <= na:
                        print("INTERVAL", seed, str(e)[:300], off)
    c.close()
    print(st)
