# SPDX-License-Identifier: Apache-2.0
"""The command `c7n-inactive-keys`: a group whose subcommands are imported when they are used."""

from __future__ import annotations

import importlib
import importlib.util
import runpy
import sys

import click

from c7n_inactive_keys import __version__
from c7n_inactive_keys.stdout import bear_any_text

# Name -> (module:attribute, what it says in the list of commands, the extra that it needs).
COMMANDS = {
    "check": (
        "c7n_inactive_keys.check.command:check",
        "Check that the plugin is loaded and has the permissions it needs.",
        None,
    ),
    "lint": ("c7n_inactive_keys.lint.command:lint", "What do policies do to access keys?", None),
    "policies": (
        "c7n_inactive_keys.shipped.command:policies",
        "Write the shipped policies into a directory.",
        None,
    ),
    "report": (
        "c7n_inactive_keys.report.command:report",
        "Report keys, outcomes and coverage of past runs.",
        None,
    ),
    "sandbox": (
        "c7n_inactive_keys_sandbox.command:sandbox",
        "Run an embedded AWS organisation.",
        "sandbox",
    ),
}
# The stock commands, with the plugin registered. No options of ours, so they are no click commands.
STOCK = {
    "custodian": ("Run Custodian itself, with the plugin.", None),
    "c7n-org": ("Run c7n-org itself, with the plugin.", "org"),
}
# Extra -> a module that only it brings.
EXTRAS = {"org": "c7n_org", "sandbox": "moto"}


class LazyGroup(click.Group):
    """A click group that knows its commands by name, so that `report` never imports moto."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of the subcommands, sorted."""
        return sorted({**COMMANDS, **STOCK})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand, imported now; UsageError when its extra is not installed."""
        if cmd_name in STOCK:
            require(cmd_name, STOCK[cmd_name][1])
        if cmd_name not in COMMANDS:
            return None
        target, _, extra = COMMANDS[cmd_name]
        # Asked for at the start: the sandbox would fail only when a client calls the wrong service.
        require(cmd_name, extra)
        module_name, attribute = target.split(":")
        module = importlib.import_module(module_name)
        command: click.Command = getattr(module, attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        summaries = {name: summary for name, (_, summary, _) in COMMANDS.items()}
        summaries |= {name: summary for name, (summary, _) in STOCK.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, summaries[name]) for name in self.list_commands(ctx)])


def has_extra(extra: str | None) -> bool:
    """Whether what an extra brings is installed."""
    return extra is None or importlib.util.find_spec(EXTRAS[extra]) is not None


def require(cmd_name: str, extra: str | None) -> None:
    """Raise UsageError when the extra that a command needs is not installed."""
    if not has_extra(extra):
        raise click.UsageError(
            f"'{cmd_name}' needs an extra: pip install 'c7n-inactive-keys[{extra}]'"
        )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="c7n-inactive-keys")
def main() -> None:
    """Inactive IAM access keys of a whole AWS organisation: what was found, what was done."""
    bear_any_text()


def run() -> None:
    """The console script: a stock command gets its arguments, output and signals to itself."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in STOCK and has_extra(STOCK[name][1]):
        # As the main module, which workers that are not forked import again.
        runpy.run_module("c7n_inactive_keys.stock", run_name="__main__", alter_sys=True)
    else:
        main()
