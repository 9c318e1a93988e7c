"""`frdm install` and `frdm uninstall`: FRDM, put into the folders of hosts and taken out; the engine is beside this."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from frdm_engine.cli.console import count, note, parse_names
from frdm_engine.errors import InputError
from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_install.locations import Nuke
    from frdm_install.placing import Done
    from frdm_install.shadows import Shadow

Folder: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The folder that Nuke reads. [~/.nuke]", show_default=False)
]
Wheels: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Take pyzmq's wheels from a folder, not from PyPI through pip.", show_default=False
    ),
]
Platform: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Platforms that it is to work on: linux_x86_64, linux_aarch64, macos, win_amd64. [this machine's]",
        show_default=False,
    ),
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]

install = typer.Typer(
    name="install",
    no_args_is_help=True,
    add_completion=False,
    help="Put FRDM into a host application, or the engine among the services.",
)
uninstall = typer.Typer(
    name="uninstall", no_args_is_help=True, add_completion=False, help="Take out what `frdm install` put somewhere."
)


@install.callback()
def _install() -> None:
    """Put FRDM into a host application, or the engine among the services."""


@uninstall.callback()
def _uninstall() -> None:
    """Take out what `frdm install` put somewhere."""


@install.command("nuke")
def install_nuke(
    folder: Folder = None,
    platform: Platform = None,
    wheels: Wheels = None,
    dry_run: DryRun = False,
) -> None:
    """Put the FRDM node into Nuke 14 and later, for this user or, with --folder, for all who share a folder.

    Run it again after an upgrade of FRDM. Files that are not FRDM's, or were changed, are never touched.
    """
    from frdm_install import locations, nuke, shadows

    with told():
        where = folder or locations.user_folder(environment=os.environ)
        done = nuke.install(
            where,
            version=__version__,
            platforms=parse_names(platform) or None,
            wheel_folder=wheels,
            dry_run=dry_run,
        )
        found = locations.find_nukes(locations.places(environment=os.environ))
    searched = [
        *shadows.python_path(os.environ, name="NUKE_PATH"),
        *shadows.python_path(os.environ),
        *(packages for one in found for packages in locations.packages_of(one)),
    ]
    for line in describe(done, where, dry_run=dry_run):
        typer.echo(line)
    for tag in done.lacking:
        note(f"no wheel for {tag}: Nuke with that Python will say so in the node's status")
    for line in describe_nukes(found, done):
        typer.echo(line)
    for line in describe_shadows(shadows.find((*nuke.MODULES, "zmq"), searched), where / nuke.FOLDER):
        note(line)
    if not found:
        note("no Nuke was found where it installs itself; one that lies elsewhere will find the plug-in all the same")
    if folder is not None:
        note(f"Nuke reads {folder} when NUKE_PATH names it")


@uninstall.command("nuke")
def uninstall_nuke(folder: Folder = None, dry_run: DryRun = False) -> None:
    """Take the FRDM node out of Nuke again. Your own init.py is then what it was, byte for byte."""
    from frdm_install import locations, nuke

    with told():
        where = folder or locations.user_folder(environment=os.environ)
        done = nuke.uninstall(where, dry_run=dry_run)
    for line in describe(done, where, dry_run=dry_run):
        typer.echo(line)
    for path in done.kept:
        note(f"kept {where / path}: it is not as FRDM wrote it")


FusionFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Resolve's folder Fusion. [the user's own]", show_default=False),
]
Everybody: TypeAlias = Annotated[bool, typer.Option("--all-users", help="For all users of this machine.")]


@install.command("resolve")
def install_resolve(
    folder: FusionFolder = None,
    everybody: Everybody = False,
    platform: Platform = None,
    wheels: Wheels = None,
    dry_run: DryRun = False,
) -> None:
    """Put FRDM Restore into Workspace > Scripts of DaVinci Resolve Studio.

    Run it again after an upgrade of FRDM. Files that are not FRDM's, or were changed, are never touched.
    """
    from frdm_install import resolve, shadows

    with told():
        where = folder or resolve.fusion_folder(everybody=everybody, environment=os.environ)
        done = resolve.install(
            where,
            version=__version__,
            platforms=parse_names(platform) or None,
            wheel_folder=wheels,
            dry_run=dry_run,
        )
    for line in describe(done, where, dry_run=dry_run):
        typer.echo(line)
    for line in describe_shadows(
        shadows.find((*resolve.MODULES, "zmq"), shadows.python_path(os.environ)), where / resolve.FOLDER
    ):
        note(line)
    for tag in done.lacking:
        note(f"no wheel for {tag}: Resolve with that Python will say so")


@uninstall.command("resolve")
def uninstall_resolve(folder: FusionFolder = None, everybody: Everybody = False, dry_run: DryRun = False) -> None:
    """Take FRDM out of DaVinci Resolve's scripts again. Results in projects stay; take these out first."""
    from frdm_install import resolve

    with told():
        where = folder or resolve.fusion_folder(everybody=everybody, environment=os.environ)
        done = resolve.uninstall(where, dry_run=dry_run)
    for line in describe(done, where, dry_run=dry_run):
        typer.echo(line)
    for path in done.kept:
        note(f"kept {where / path}: it is not as FRDM wrote it")


def describe(done: Done, folder: Path, *, dry_run: bool) -> Iterator[str]:
    """What was done, for a person; a dry run names every file."""
    if not done.changed:
        yield f"{folder}: nothing to do"
        return
    if dry_run:
        yield from (f"would fetch pyzmq for {tag}" for tag in done.fetched)
        yield from (f"would write {folder / path}" for path in done.written)
        yield from (f"would remove {folder / path}" for path in done.removed)
        return
    yield f"{folder}: {count(len(done.written), 'file')} written, {len(done.removed)} removed"


def describe_nukes(found: list[Nuke], done: Done) -> Iterator[str]:
    """The Nukes of this machine, with the Python and pyzmq that each will use."""
    from frdm_install.locations import OLDEST
    from frdm_install.wheels import tag_for, this_platform

    for one in found:
        if one.python is None:
            yield f"{one.name:12} {one.folder}: its Python is not known"
            continue
        python = "Python {}.{}".format(*one.python)
        if one.python < OLDEST:
            yield f"{one.name:12} {one.folder}: {python} is too old, Nuke 14 is the first that will do"
            continue
        tag = tag_for(one.python, this_platform())
        uses = f"vendor/{tag}" if tag in done.tags else "no pyzmq that fits"
        yield f"{one.name:12} {one.folder}: {python}, {uses}"


def describe_shadows(found: list[Shadow], place: Path) -> Iterator[str]:
    """What a host would import in place of what was installed in `place`."""
    for one in found:
        if one.path.resolve().is_relative_to(place.resolve()):
            continue
        if one.name == "zmq":
            yield f"{one.path} is found before FRDM's pyzmq; it is used where it works in that Python"
        else:
            yield f"{one.path} would be loaded in place of FRDM's own: move it away, or its folder off the path"


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Errors of the installation are the user's to mend: exit code 2."""
    from frdm_install.errors import InstallError

    try:
        yield
    except InstallError as error:
        raise InputError(str(error)) from error
