"""The tests' forking Custodian, which can also handle events as a Lambda function does."""

import json, os, sys
from tests.deletion import forker

_run = forker._run


def run(order):
    path = order["environ"].get("ATTACK_EVENTS")
    org = order["environ"].get("ATTACK_ORG")
    if not path and not org:
        return _run(order)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environ"])
    if org:
        from c7n_org.cli import cli

        try:
            cli(json.loads(org), standalone_mode=True)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        return 0
    os.environ.setdefault("AWS_REGION", "us-east-1")
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "custodian-x"
    import logging

    logging.basicConfig(level=logging.INFO)
    policies = json.load(open("policies.json"))["policies"]
    json.dump(
        {"execution-options": {"output_dir": "out"}, "policies": policies},
        open("config.json", "w"),
    )
    from c7n_inactive_keys.lambda_handler import run as handle

    status = 0
    for event in json.load(open(path)):
        try:
            handle(event, None)
        except BaseException:
            import traceback

            traceback.print_exc()
            status = 1
    return status


forker._run = run
import c7n_org.cli

if __name__ == "__main__":
    forker.serve()
