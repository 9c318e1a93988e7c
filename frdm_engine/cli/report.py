"""`frdm report`: what a restoration did, as a page to look at and as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.options import WHERE
from frdm_engine.errors import OutputError, SettingError


def report(
    outputs: Annotated[
        list[str],
        typer.Argument(
            metavar="OUT...", help="Results of frdm restore: patterns, folders (all shots below) or sidecars."
        ),
    ],
    plate: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHERE, help="The plate, where it is not recorded or has moved."
        ),
    ] = None,
    matte: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHERE, help="The matte, where it is not recorded or has moved."
        ),
    ] = None,
    reel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            rich_help_panel=WHERE,
            help="Page of all shots; reel.html in the folder they share where there are several.",
        ),
    ] = None,
) -> None:
    """Make a page of each shot: before, after and matte side by side, damage by frame, largest repairs, failures.

    It lies beside the result and needs no network. Made from the sidecar and the files on disk, so any restoration
    can have one at any time.
    """
    from frdm_engine.plates.sequence import Sequence
    from frdm_engine.report import data_path, record_path, write, write_reel
    from frdm_engine.report.finding import reel_path, sidecars
    from frdm_engine.report.record import read_record

    found = sidecars(outputs)
    if len(found) > 1 and (plate or matte):
        raise SettingError("--plate and --matte are those of one shot; report one at a time with them.")
    if reel is not None and (reel.suffix.lower() not in (".html", ".htm") or not reel.parent.is_dir()):
        raise OutputError(f"--reel {reel} is no page in a folder that exists; name a FILE.html.")
    own = Sequence.find(plate) if plate else None
    drawn = Sequence.find(matte) if matte else None
    for sidecar in found:
        typer.echo(write(sidecar, read_record(record_path(sidecar)), plate=own, matte=drawn))
    if len(found) > 1 or reel is not None:
        typer.echo(write_reel(map(data_path, found), page=reel or reel_path(found)))
