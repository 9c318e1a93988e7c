"""`frdm farm report`: the page of a shot, made when the last of its tasks is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from frdm_engine.cli.farm_words import failing, frames_of, say, whole
from frdm_engine.cli.options import HOW, WHERE, ColourSpaceName
from frdm_engine.errors import InputError


def report(
    plate: Annotated[str, typer.Argument(metavar="IN", help="The plate, as for the tasks.")],
    output: Annotated[str, typer.Argument(metavar="OUT", help="The result, as for the tasks.")],
    of: Annotated[str, typer.Option(metavar="RANGE", rich_help_panel=WHERE, help="All frames of the job.")],
    handles: Annotated[
        int, typer.Option(metavar="N", min=0, rich_help_panel=WHERE, help="Frames at either end that are not written.")
    ] = 0,
    matte: Annotated[str, typer.Option(metavar="PATTERN", rich_help_panel=WHERE, help="The matte, if any.")] = "",
    colorspace: ColourSpaceName = "auto",
    layer: Annotated[str, typer.Option(metavar="TEXT", rich_help_panel=HOW, help="As the tasks'.")] = "",
    ocio: Annotated[
        str, typer.Option(metavar="FILE", rich_help_panel=HOW, help="OCIO config; $OCIO unless told.")
    ] = "",
    label: Annotated[str, typer.Option(metavar="NAME", rich_help_panel=HOW, help="The shot's name.")] = "",
) -> None:
    """Make the page of a shot whose tasks are done: what a farm runs after the last of them.

    The page, its data and the record that `frdm report` goes by lie beside the result. Frames that no task has
    restored are named on it.
    """
    from frdm_engine import report as pages
    from frdm_engine.batch.shots import name_of
    from frdm_engine.batch.tally import write_record
    from frdm_engine.plates.choosing import choose, ranges
    from frdm_engine.plates.sequence import Sequence
    from frdm_engine.report.record import read_record
    from frdm_engine.restore.ledger import ledger_path

    with failing():
        if ocio and not Path(ocio).is_file():
            raise InputError(f"The OCIO config {ocio} is not there; see that this node has its storage mounted.")
        if ocio:
            os.environ["OCIO"] = ocio
        source, frames = choose(whole(plate), ranges(frames_of(of)), handles=handles)
        made = Sequence.output(whole(output), frames=frames, like=source)
        drawn = Sequence.output(whole(matte), frames=frames, like=source) if matte else None
        sidecar = ledger_path(made)
        record = pages.record_path(sidecar)
        run: dict[str, Any] = read_record(record) | {
            "shot": label or name_of(plate),
            "source": source.pattern,
            "output": made.pattern,
            "matte": drawn and drawn.pattern,
            "layer": layer or None,
            "frames": ranges(frames),
            "failures": [],
            "notes": ["restored by tasks of a farm"],
        }
        if colorspace != "auto":
            run["colourspace"] = {"name": colorspace, "why": "as told"}
        page = pages.write(sidecar, run)
        write_record(record, run)
        say("status", f"the report is {page}")
