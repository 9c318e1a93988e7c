"""Options that more than one command takes, each told once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

WHERE = "Input and output"
WHAT = "What is repaired"
HOW = "How it is done"

Frames: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="RANGE",
        rich_help_panel=WHERE,
        help="Frames to write, such as 1001-1100, 1001-1100x2 or 1,5,9-12; all there are unless told.",
    ),
]
ColourSpaceName: TypeAlias = Annotated[
    str,
    typer.Option(
        "--colorspace",
        "--colourspace",
        metavar="NAME",
        rich_help_panel=WHERE,
        help="auto, linear, srgb, cineon, adx10, or a name of the OCIO config ($OCIO, else the ACES studio config).",
    ),
]
Layer: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=WHERE, help="Layer of an EXR whose colours are meant, such as beauty."
    ),
]
Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=WHERE, help="Replace output files that exist.")
]
Model: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME|DIR", rich_help_panel=HOW, help="An embedded model (see frdm models) or a model folder."
    ),
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(metavar="NAME", rich_help_panel=HOW, help="auto (a GPU if there is one), cpu, cuda or cuda:N."),
]
Footage: TypeAlias = Annotated[
    Path,
    typer.Option(
        metavar="DIR|FILE.zip", help="Footage: the folder with MANIFEST.tsv and train/, or a pack of frdm pack."
    ),
]
Classes: TypeAlias = Annotated[
    str, typer.Option(metavar="LIST", help="Classes of footage the manifest lists that may be used.")
]
Cache: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where decoded footage is kept, shared by trainings. [RUN/cache]"),
]
Tile: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS", rich_help_panel=HOW, help="Largest side of a tile; chosen by the memory unless told."
    ),
]
Vram: TypeAlias = Annotated[
    str,
    typer.Option(metavar="SIZE", rich_help_panel=HOW, help="Device memory to stay under, such as 24G or 8GB."),
]
JsonFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE.json", rich_help_panel=WHERE, help="Write what was done to each frame there, as JSON."),
]
