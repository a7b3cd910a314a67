# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys policies`: write down the shipped policies, to run and to change them."""

from __future__ import annotations

from pathlib import Path

import click

from c7n_inactive_keys import shipped
from c7n_inactive_keys.core.errors import ShippedFilesError

NEW, SAME, CHANGED, YOURS = "written", "as shipped", "changed", "yours"


@click.command()
@click.argument("directory", default=".", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite files that differ.")
def policies(directory: Path, force: bool) -> None:
    """Write the shipped policies into DIRECTORY (default: the current one).

    These are policies/, templates/ for notices, deploy/ with roles and an image, and accounts.yml,
    an example for c7n-org. If one of them exists and differs, nothing is written without --force.
    An existing accounts.yml is yours and always stays.

    Exit status: 0 the files are there, 1 they could not be written, 2 wrong usage.
    """
    try:
        content = {directory / path: text for path, text in shipped.files()}
        states = {path: _state(path, directory, text) for path, text in content.items()}
        changed = [str(path) for path, state in states.items() if state == CHANGED]
        if changed and not force:
            raise click.ClickException(
                f"nothing was written, because these files differ from the shipped ones: "
                f"{', '.join(changed)} (--force overwrites them; or name another directory)"
            )
        for path, state in states.items():
            written = state in (NEW, CHANGED)
            if written:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content[path])
            click.echo(f"{NEW if written else state:<12}{path}")
    except OSError as error:
        raise click.ClickException(
            f"{error.filename} cannot be read or written: {error.strerror}"
        ) from error
    except ShippedFilesError as error:
        raise click.ClickException(str(error)) from error


def _state(path: Path, directory: Path, text: bytes) -> str:
    """What there is to do about a file."""
    if not path.exists():
        return NEW
    if path == directory / shipped.ACCOUNTS:
        return YOURS
    return SAME if path.read_bytes() == text else CHANGED
