"""`frdm restore`: a sequence in, the same sequence out with its damage gone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.console import parse_size
from frdm_engine.cli.options import (
    HOW,
    WHAT,
    WHERE,
    ColourSpaceName,
    Frames,
    JsonFile,
    Layer,
    Model,
    Overwrite,
    Tile,
    Vram,
)
from frdm_engine.errors import SettingError


def restore(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IN... OUT",
            help="The plate: a pattern (plate.####.exr, plate.%04d.exr), folder or file; then the result: a pattern, "
            "or a folder to keep the names. Several plates go into one folder.",
            show_default=False,
        ),
    ] = None,
    shots: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", rich_help_panel=WHERE, help="Shots with settings of their own (.toml), or a plate a line."
        ),
    ] = None,
    frames: Frames = None,
    handles: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            rich_help_panel=WHERE,
            help="Frames at either end of the range that are read but not written.",
        ),
    ] = 0,
    matte: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHERE, help="Write the matte of every change, a channel a class."
        ),
    ] = None,
    difference: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", rich_help_panel=WHERE, help="Write output minus input."),
    ] = None,
    report: JsonFile = None,
    colorspace: ColourSpaceName = "auto",
    layer: Layer = None,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", rich_help_panel=WHERE, help="Keep the frames an earlier run finished with the same input."
        ),
    ] = False,
    fix: Annotated[
        str,
        typer.Option(metavar="LIST", rich_help_panel=WHAT, help="Kinds of damage to repair, out of these four."),
    ] = "dirt,scratch,stain,flicker",
    strength: Annotated[
        float,
        typer.Option(
            metavar="FACTOR", rich_help_panel=WHAT, help="How readily a pixel counts as damaged: 0 never, 4 boldly."
        ),
    ] = 1.0,
    protect: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHAT, help="Mask of what must stay as it is; wins over --force."
        ),
    ] = None,
    force: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", rich_help_panel=WHAT, help="Mask of what must be repaired."),
    ] = None,
    grain: Annotated[
        float,
        typer.Option(metavar="AMOUNT", rich_help_panel=WHAT, help="Share of missing grain given back to repairs."),
    ] = 1.0,
    cuts: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES",
            rich_help_panel=WHAT,
            help="First frames of the shots after the first one, such as 1010,1055, or none; found unless told.",
        ),
    ] = None,
    model: Model = "frdm-s",
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=HOW,
            help="auto (a GPU if there is one), cpu, cuda or cuda:N; cuda:0,cuda:1 or all share out the frames.",
        ),
    ] = "auto",
    vram: Vram = "24G",
    tile: Tile = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=HOW, help="Sampling steps; the model's own number unless told."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=HOW, help="Key of all noise: same seed, same pixels.")
    ] = 0,
    plan: Annotated[
        bool,
        typer.Option("--plan", rich_help_panel=HOW, help="Check everything, show the tile plan and write nothing."),
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=WHERE, help="Append what happens there, a line of JSON each."),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            rich_help_panel=HOW,
            help="How long to wait for storage that hiccups before a frame is given up; 300 unless told.",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            rich_help_panel=HOW,
            help="Time between lines of progress where there is no terminal; 10 for more than 100 frames, else 0.",
        ),
    ] = None,
) -> None:
    """Restore a sequence: damage goes, every other pixel, channel and piece of metadata stays as it was.

    Frames next to those written are read from the disk whether chosen or not, so that parts of a range come out as
    the whole range would. Frames that fail are passed over and named, and the exit code is then 3. Ctrl-C ends after
    the frame at hand.
    """
    if overwrite and resume:
        raise SettingError("--overwrite and --resume exclude each other; give the one you mean.")
    parse_size(vram, option="--vram")
    from frdm_engine.cli.reel import restore_reel

    restore_reel(context, tuple(paths or ()), shots=shots, device=device, log=log, wait=wait, every=every, plan=plan)
