"""Law: once the ledger says the key was active at a, no sequence of runs forgets it (tags not edited)."""

import sys
import random
from datetime import timedelta
from collections import Counter
from c7n_inactive_keys.core.evidence import *
from c7n_inactive_keys.core.keys import *
from c7n_inactive_keys.core.timeline import assess
from c7n_inactive_keys.core.ledger_upkeep import *
from c7n_inactive_keys.core.ledger import *
from tests.attack.life import at, H, D, S2, W, MG, show, rel

stats = Counter()
shown = 0
for seed in range(60000):
    r = random.Random(seed)
    t = 400 * D
    key = AccessKey("AKIAEXAMPLEOFHISTORY", "bob", INACTIVE, at(0))
    a = t - r.choice((0, 60, H, S2, 3 * H, D, 10 * D, 20 * D, 89 * D, 90 * D, 100 * D, 200 * D))
    s = a + r.choice((0, 0, 60, H, D, 5 * D, -D))
    v = t + r.choice((-D, -H, 0, 120, 301, 600, -10 * D, -85 * D))
    led = LedgerEntry(at(a), at(s), at(v))
    first = led
    claim = None
    hist = []
    for i in range(r.choice((1, 2, 3, 4))):
        now = t
        denied = r.random() < 0.4
        recs = () if denied else (CompleteRecord("cloudtrail", at(now - W + MG), at(now - S2)),)
        kw = {}
        if r.random() < 0.4:
            kw["seen_inactive"] = at(now - r.choice((H, S2, 3 * H, 4 * H)))
        f = Facts(
            key,
            NEVER_USED if r.random() < 0.9 else Unavailable("last-used", "x"),
            (),
            recs,
            led,
            **kw,
        )
        x = assess(f, at(now))
        stats["n"] += 1
        hist.append((f, x))
        if i == 0 and x.ledger_fault is None and r.random() < 2:
            sound = True
        elif i == 0:
            sound = False
        if sound and x.not_after < min(at(a), at(now)):
            stats["FORGOTTEN after %d runs" % i] += 1
            if shown < 4 and i:
                shown += 1
                print(seed, "ledger first", rel(first.after), rel(first.since), rel(first.verified))
                for f, x in hist:
                    print("   ", show(f), show(x))
            break
        if r.random() < 0.8:
            new = carry_on(led, x)
            if needs_writing(led, new):
                led = new
        t += r.choice((60, H, S2, 3 * H, D, D, D, 2 * D))
print(stats)
