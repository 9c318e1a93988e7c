"""`frdm plan`: how a frame of some size would be cut into tiles, without any plate."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from frdm_engine.cli.console import parse_size
from frdm_engine.cli.options import Model, Tile, Vram
from frdm_engine.errors import SettingError


def plan(
    size: Annotated[str, typer.Argument(metavar="WIDTHxHEIGHT", help="Size of a frame, such as 4096x3112.")],
    vram: Vram = "24G",
    tile: Tile = None,
    model: Model = "frdm-s",
) -> None:
    """Show how a frame of a size is cut into tiles under a memory budget. For a plate: frdm restore ... --plan."""
    match = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", size.strip())
    if match is None:
        raise SettingError(f"{size!r} is not a size; write 4096x3112.")
    budget = parse_size(vram, option="--vram")

    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.settings import Settings

    restorer = Restorer.from_pretrained(model, device="cpu", settings=Settings(tile=tile, vram=budget))
    typer.echo(restorer.plan(int(match[1]), int(match[2])).describe())
