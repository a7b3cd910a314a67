"""Runs of stock Custodian, Lambda handler included, against the sandbox."""

import json, subprocess, sys, threading, tempfile
from collections import defaultdict
from pathlib import Path
from tests.deletion.custodian import Custodian, sandbox_free_environ, HERE
import tests.deletion.custodian as tc

ROOT = Path(__file__).parents[2]


class Rig(Custodian):
    def __init__(self, sandbox, directory):
        popen = subprocess.Popen

        def mine(args, **kw):
            return popen(
                [sys.executable, Path(__file__).with_name("forker2.py")],
                **{**kw, "env": {**kw["env"], "PYTHONPATH": str(ROOT)}},
            )

        tc.subprocess.Popen = mine
        try:
            super().__init__(sandbox, directory)
        finally:
            tc.subprocess.Popen = popen

    def events(self, account_id, policy, *events, **more):
        path = self.directory / f"events-{self._numbers}-{threading.get_ident()}.json"
        path.write_text(json.dumps([e.envelope() for e in events]))
        return self.start(
            account_id, policy, environ={"ATTACK_EVENTS": str(path)}, **more
        ).outcome()

    def org(self, account_ids, text, *arguments, vars=None, regions=("us-east-1",), debug=True):
        """c7n-org over accounts, with a policy file as text."""
        import yaml

        home = self.directory / f"org-{self._numbers}"
        home.mkdir()
        (home / "accounts.yml").write_text(
            yaml.safe_dump(
                {
                    "accounts": [
                        {
                            "account_id": i,
                            "name": f"a{i}",
                            "role": f"arn:aws:iam::{i}:role/Custodian",
                            **({"regions": list(regions)} if regions else {}),
                            **({"vars": vars} if vars else {}),
                        }
                        for i in account_ids
                    ]
                }
            )
        )
        (home / "policies.yml").write_text(text)
        args = [
            "run",
            "-c",
            str(home / "accounts.yml"),
            "-s",
            str(home / "out"),
            "-u",
            str(home / "policies.yml"),
            *(["--debug"] if debug else []),
            *(arguments or ("--cache-period", "0")),
        ]
        outcome = self.start(
            account_ids[0],
            {"name": "x"},
            environ={"ATTACK_ORG": json.dumps(args), "HOME": str(home)},
        ).outcome()
        return outcome, home / "out"


EVENT_MODE = {
    "type": "cloudtrail",
    "role": "r",
    "events": [
        {
            "source": "iam.amazonaws.com",
            "event": "UpdateAccessKey",
            "ids": "requestParameters.userName || userIdentity.userName",
        }
    ],
}


def rig(sandbox):
    return Rig(sandbox, Path(tempfile.mkdtemp()))
