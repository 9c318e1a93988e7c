"""The template for farms and a script that submits with it, in a folder that everybody reaches."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from frdm_install import placing
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest
from frdm_install.placing import Done

RECORD = ".frdm"
"""The record's folder, below the one that is installed into."""
TEMPLATE = "frdm_restore.yaml"
SUBMITTER = "submit_frdm.py"
PLACE = b"FRDM = []"
"""The line of the script that is to tell how FRDM is called."""


def install(
    folder: Path, *, version: str, command: Sequence[str], dry_run: bool = False, package: Path | None = None
) -> Done:
    """Puts template and submitter into a folder, or brings what is there up to date; `command` is how FRDM is called.

    Raises:
        InstallError: something cannot be read or written, or is in the way.
    """
    files = files_for(command, package=package)
    todo = placing.plan(folder, files, at=RECORD, record=Manifest(version=version))
    if not dry_run:
        placing.apply(todo)
    return Done(written=todo.changes.write, removed=todo.changes.remove)


def files_for(command: Sequence[str], *, package: Path | None = None) -> dict[str, bytes]:
    """What is put into a folder, by name.

    Raises:
        InstallError: FRDM's own files cannot be read.
    """
    script = _read(SUBMITTER, package)
    if script.count(PLACE) != 1:
        raise InstallError(f"{SUBMITTER} of FRDM is damaged; install FRDM again.")
    called = script.replace(PLACE, f"FRDM = {list(command)!r}".encode())
    return {TEMPLATE: _read(TEMPLATE, package), SUBMITTER: called}


def command_in(script: bytes) -> tuple[str, ...]:
    """How a submitter that was put somewhere calls FRDM; empty where it does not tell."""
    for line in script.splitlines():
        if line.startswith(b"FRDM = "):
            try:
                return tuple(str(word) for word in ast.literal_eval(line.removeprefix(b"FRDM = ").decode()))
            except (ValueError, SyntaxError, TypeError):
                break
    return ()


def uninstall(folder: Path, *, dry_run: bool = False) -> Done:
    """Takes out what was installed; a file that was changed since is kept and told of.

    Raises:
        InstallError: something cannot be read or removed.
    """
    return placing.take(folder, at=RECORD, dry_run=dry_run)


def template(package: Path | None = None) -> str:
    """The job template of Open Job Description; `package` is this package's folder.

    Raises:
        InstallError: it is not there.
    """
    return _read(TEMPLATE, package).decode("utf-8")


def _read(name: str, package: Path | None) -> bytes:
    here = package or Path(__file__).parent
    in_wheel = here / "farm_files"
    path = (in_wheel if in_wheel.is_dir() else here.parent / "farm") / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror}); install FRDM again.") from error
