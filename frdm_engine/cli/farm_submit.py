"""`frdm farm submit`: a shot list as job bundles, and these handed to a queue."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.console import count, note
from frdm_engine.cli.options import HOW, WHERE, Device
from frdm_engine.errors import InputError, SettingError

CHUNK = "Chunks and nodes"


def submit(
    shots: Annotated[
        Path,
        typer.Argument(metavar="SHOTS", help="The shot list: TOML with [defaults] and [[shot]], or a plate a line."),
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the bundles go, a folder a shot.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", rich_help_panel=WHERE, help="For results of shots that name no output."),
    ] = None,
    chunk: Annotated[int, typer.Option(metavar="N", min=1, rich_help_panel=CHUNK, help="Frames a task.")] = 8,
    seconds: Annotated[
        int,
        typer.Option(
            metavar="S", min=0, rich_help_panel=CHUNK, help="How long a task should take, for queues that can tell."
        ),
    ] = 0,
    gpu: Annotated[bool, typer.Option(rich_help_panel=CHUNK, help="Ask for nodes with a GPU.")] = True,
    frdm: Annotated[
        str, typer.Option(metavar="COMMAND", rich_help_panel=CHUNK, help="The command frdm at the nodes.")
    ] = "frdm",
    engine: Annotated[
        str,
        typer.Option(
            metavar="WHICH", rich_help_panel=CHUNK, help="session: one started for it; node: the one the node keeps."
        ),
    ] = "session",
    device: Device = "auto",
    ocio: Annotated[
        str, typer.Option(metavar="FILE", rich_help_panel=HOW, help="OCIO config of the engines; their $OCIO if not.")
    ] = "",
    template: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=CHUNK, help="A template of your own; the one of FRDM if not."),
    ] = None,
    hand_to: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="COMMAND", help="Run this for each bundle, its folder added: 'deadline bundle submit'."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write a job bundle of Open Job Description for each shot of a list.

    Plates are looked at, ranges, handles, masks and outputs checked; nothing is restored here. A bundle is the
    template and the shot's values, for `deadline bundle submit` or `openjd run`.
    """
    from frdm_engine.batch.shots import read_shots, renamed
    from frdm_engine.cli import farm_bundle

    if engine not in ("session", "node"):
        raise SettingError(f"--engine is {engine!r}; choose session or node.")
    listed = renamed(read_shots(shots, out=None if out is None else str(out)))
    places: dict[str, str] = {}
    for shot in listed:
        other = places.setdefault(farm_bundle.folder_name(shot), shot.name)
        if other != shot.name:
            raise InputError(f"Shots {other!r} and {shot.name!r} of {shots} would share a folder; name one otherwise.")
    text = _template(template)
    if not gpu:
        text = farm_bundle.without_gpu(text)
    farm = farm_bundle.Farm(chunk=chunk, seconds=seconds, frdm=frdm, device=device, engine=engine, ocio=ocio)
    for shot in listed:
        farm_bundle.parameters(shot, farm)  # the last shot's mistakes are found before the first bundle is written
    made = [farm_bundle.write(shot, folder, template=text, farm=farm) for shot in listed]
    if as_json:
        typer.echo(json.dumps([asdict(one) | {"folder": str(one.folder)} for one in made], indent=2))
    for one in () if as_json else made:
        typer.echo(f"{one.folder}: {count(one.frames, 'frame')} in {count(one.tasks, 'task')}")
    for one in made if hand_to else ():
        _hand(one.folder, hand_to or "")


def _template(path: Path | None) -> str:
    from frdm_install import farm
    from frdm_install.errors import InstallError

    try:
        return farm.template() if path is None else path.read_text(encoding="utf-8")
    except (InstallError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"The template cannot be read ({error}); name another with --template.") from error


def _hand(folder: Path, command: str) -> None:
    """Hands a bundle to a queue's own command.

    Raises:
        InputError: it cannot be run, or says no.
    """
    words = [*shlex.split(command), str(folder)]
    note(f"+ {shlex.join(words)}")
    try:
        code = subprocess.run(words, check=False).returncode
    except (OSError, IndexError, PermissionError) as error:
        raise InputError(f"--with {command!r} cannot be run ({error}); give a command of this machine.") from error
    if code:
        raise InputError(f"{shlex.join(words)} ended with code {code}; the bundle is there, hand it over again.")
