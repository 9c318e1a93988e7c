"""`frdm install engine` and `frdm uninstall engine`: the engine among the services of a user or of a machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.main import get_command

from frdm_engine.cli.console import note
from frdm_engine.cli.install import DryRun, describe, told
from frdm_engine.cli.serve import serve
from frdm_engine.errors import SettingError
from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_install.engine import Place
    from frdm_install.units import Service

SERVE_S_OWN = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Options that are not known are those of `frdm serve`, which reads them."""

Machine: TypeAlias = Annotated[bool, typer.Option("--system", help="A service of the machine, not of this user.")]
Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write below DIR what belongs below /etc, ~/.config, /Library or ~/Library, as for an image.",
        show_default=False,
    ),
]


def install_engine(
    context: typer.Context,
    machine: Machine = False,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="With --system: whom it runs as, the user of farm tasks.", show_default=False
        ),
    ] = None,
    folder: Folder = None,
    dry_run: DryRun = False,
) -> None:
    """Keep an engine running: a hardened systemd unit, or a job of launchd. It takes every option of `frdm serve`.

    Such as `frdm install engine --read /shows --write /shows`. Run again without options it keeps those it had.
    Nothing is started: the command for that is told.
    """
    from frdm_install import engine

    with told():
        where = _place(machine, folder)
        before = engine.remembered(where)
        if before and not context.args and user is None:
            user, given = (before[1], before[2:]) if before[0] == "--user" else (None, before)
        else:
            given = context.args
        if machine != (user is not None):
            raise SettingError(
                "--system needs --user NAME, whom the engine runs as."
                if machine
                else "--user is for a service of the machine; add --system, or leave it out."
            )
        service, options = _service(given, where, user=user)
        done = engine.install(where, service, version=__version__, options=options, dry_run=dry_run)
    for line in describe(done, where.folder, dry_run=dry_run):
        typer.echo(line)
    for path in dict.fromkeys((*service.read, *service.write)):
        if not Path(path).is_dir():
            note(f"{path} is no folder here yet; the engine does not start without it")
    if done.changed and not dry_run:
        typer.echo(f"start it, also after a change: {where.start}")
        if where.connection:
            typer.echo(f"hosts of that user find it with FRDM_CONNECTION={where.connection}")


def uninstall_engine(machine: Machine = False, folder: Folder = None, dry_run: DryRun = False) -> None:
    """Take the engine out of the services again. Its journal, keys and logs stay."""
    from frdm_install import engine

    with told():
        where = _place(machine, folder)
        done = engine.uninstall(where, dry_run=dry_run)
    for line in describe(done, where.folder, dry_run=dry_run):
        typer.echo(line)
    for path in done.kept:
        note(f"kept {where.folder / path}: it is not as FRDM wrote it")
    if done.changed and not where.is_systemd:
        note(f"one that runs still is ended with `{where.stop}`")


def _place(machine: bool, folder: Path | None) -> Place:
    from dataclasses import replace

    from frdm_install import engine

    found = engine.place(machine=machine, environment=os.environ)
    return replace(found, folder=folder) if folder else found


def _service(given: list[str], where: Place, *, user: str | None) -> tuple[Service, list[str]]:
    """The engine that some options of `frdm serve` ask for, and what to note of them; paths are made absolute.

    Raises:
        SettingError: `frdm serve` does not take them.
    """
    from frdm_engine.server.home import default_home
    from frdm_install import engine

    values, options = _read(given)
    if values["daemon"]:
        raise SettingError("A service stays in front, it is left running by its manager; leave --daemon out.")
    service = engine.service_of(where, options, python=sys.executable, user=user, state=str(default_home()))
    return service, [*(("--user", user) if user else ()), *options]


def _read(given: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Options as `frdm serve` reads them, which ends this where it cannot, and as they are written out in full."""
    app = typer.Typer(add_completion=False)
    app.command()(serve)
    command = get_command(app)
    context = command.make_context("frdm serve", list(given))
    written: list[str] = []
    for one in command.params:
        source = context.get_parameter_source(str(one.name))
        if source is not None and source.name == "COMMANDLINE":
            value = context.params[str(one.name)]
            for each in value if isinstance(value, (list, tuple)) else (value,):
                written += [one.opts[0], str(each.absolute() if isinstance(each, Path) else each)]
    return context.params, written
