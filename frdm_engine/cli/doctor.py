"""`frdm doctor`: what is wrong with this machine, in words that say what to do."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import count, note, parse_names, parse_size
from frdm_engine.cli.engine import Connection
from frdm_engine.cli.options import HOW, Device, Model, Vram
from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_engine.doctor.finding import Finding

WHAT = "What is looked at"
COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "failure": typer.colors.RED}


def doctor(
    read: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=WHAT, help="A folder of plates; may be repeated."),
    ] = None,
    write: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=WHAT, help="A folder for results; may be repeated."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", rich_help_panel=WHAT, help="An address for frdm serve: tcp://HOST:PORT."),
    ] = None,
    farm: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=WHAT, help="A folder of frdm install farm; may be repeated."),
    ] = None,
    connection: Connection = None,
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", rich_help_panel=WHAT, help="Home of the engine; ~/.local/state/frdm unless told."),
    ] = None,
    model: Model = "frdm-s",
    device: Device = "auto",
    vram: Vram = "24G",
    quick: Annotated[
        bool, typer.Option("--quick", rich_help_panel=HOW, help="Leave out the trial restoration.")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(metavar="LIST", rich_help_panel=WHAT, help="Only these checks, by their names: torch,device."),
    ] = None,
    limit: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=1.0, rich_help_panel=HOW, help="The most that one check may take."),
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE.zip", help="Write a file for support, without private names, paths or pictures."),
    ] = None,
) -> None:
    """Examine this machine: each line is ok, warning or failure, with what to do about it.

    It changes nothing and leaves nothing behind. Exit code 1 means that there is a failure.
    """
    from frdm_engine.doctor import bundle as support
    from frdm_engine.doctor.examination import Examination
    from frdm_engine.doctor.finding import Asked, Status
    from frdm_engine.server.home import default_home

    asked = Asked(
        home=home or default_home(),
        device=device,
        model=model,
        vram=parse_size(vram, option="--vram"),
        connection=connection,
        listen=listen,
        read=tuple(read or ()),
        write=tuple(write or ()),
        farm=tuple(farm or ()),
        limit_s=limit,
    )
    # Stopped by a service or a farm it must clean up too, as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    examination = Examination(asked, quick=quick, only=parse_names(only))
    found: list[Finding] = []
    for finding in examination.findings():
        found.append(finding)
        for line in () if as_json else describe(finding):
            typer.echo(line)
    if as_json:
        plain = {
            "frdm": __version__,
            "findings": [asdict(one) for one in found],
            "unmade": examination.unmade,
        }
        typer.echo(json.dumps(plain, indent=2))
    else:
        typer.echo("\n" + summary(found, examination.unmade))
    if bundle is not None:
        support.write(bundle, asked, found, examination.unmade)
        note(f"{bundle} is written; it is plain text in a zip, look into it before you send it")
    if any(one.status is Status.FAILURE for one in found):
        raise typer.Exit(1)


def describe(finding: Finding) -> Iterator[str]:
    """A finding for a person: how it is, what was found, and what to do."""
    status = typer.style(f"{finding.status.value:8}", fg=COLOURS[finding.status.value])
    yield f"{status} {finding.name:16} {finding.found}"
    if finding.remedy:
        yield f"{'':25} -> {finding.remedy}"


def summary(found: list[Finding], unmade: list[str]) -> str:
    """How it is as a whole, in one line."""
    counted = [count(sum(one.status == kind for one in found), kind) for kind in ("failure", "warning")]
    left = f"; not looked at because of that: {', '.join(unmade)}" if unmade else ""
    return ("all is well" if all(one.status == "ok" for one in found) else ", ".join(counted)) + left
