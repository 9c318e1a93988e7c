"""`frdm install farm` and `frdm uninstall farm`: template and submitter in a folder that everybody reaches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from frdm_engine.cli.console import note
from frdm_engine.cli.install import DryRun, describe, told
from frdm_engine.version import __version__

Folder: TypeAlias = Annotated[Path, typer.Option(metavar="DIR", help="The folder, on storage that submitters see.")]


def install_farm(folder: Folder, dry_run: DryRun = False) -> None:
    """Put the job template and a script that submits with it into a shared folder.

    Run it again after an upgrade of FRDM. Files that are not FRDM's, or were changed, are never touched.
    """
    from frdm_install import farm

    command = (sys.executable, "-m", "frdm_engine")
    with told():
        done = farm.install(folder, version=__version__, command=command, dry_run=dry_run)
    for line in describe(done, folder, dry_run=dry_run):
        typer.echo(line)
    note(f"shots are sent with: python {folder / farm.SUBMITTER} reel.toml BUNDLES")


def uninstall_farm(folder: Folder, dry_run: DryRun = False) -> None:
    """Take template and submitter out of a shared folder again. Bundles that were made stay."""
    from frdm_install import farm

    with told():
        done = farm.uninstall(folder, dry_run=dry_run)
    for line in describe(done, folder, dry_run=dry_run):
        typer.echo(line)
    for path in done.kept:
        note(f"kept {folder / path}: it is not as FRDM wrote it")
