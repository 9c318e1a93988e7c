"""`frdm plot`: the log of a training as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the training.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Picture to write: .svg, .png or .pdf. [RUN/log.svg]")
    ] = None,
) -> None:
    """Draw the log of a training: losses, decibels in damage, recall and precision, validation, learning rate."""
    from frdm_engine.training.plot import plot as draw

    path = out or run / "log.svg"
    draw(run, path)
    typer.echo(f"{path}")
