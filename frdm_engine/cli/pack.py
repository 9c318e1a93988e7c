"""`frdm pack`: training footage in one file of a given size."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.console import count, note, parse_names, parse_size
from frdm_engine.errors import OutputError


def pack(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Footage: the folder with MANIFEST.tsv and train/.")],
    out: Annotated[Path, typer.Option(metavar="FILE.zip", help="The pack to write.")],
    limit: Annotated[str, typer.Option(metavar="SIZE", help="Most the file may take, such as 45M.")] = "45M",
    classes: Annotated[
        str, typer.Option(metavar="LIST", help="Classes of footage the manifest lists that may be used.")
    ] = "free",
    quality: Annotated[int, typer.Option(metavar="Q", min=50, max=100, help="Of the JPEG frames.")] = 92,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where decoded footage is kept for later. [nowhere]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a pack that exists.")] = False,
) -> None:
    """Pack training footage, its licences and the dirt templates into one file for `frdm train --data FILE.zip`.

    Frames are shrunk as training does. Stills go in whole, videos as stretches of 13 frames, as many as fit.
    """
    import cv2

    from frdm_engine.data.clips import ClipLibrary
    from frdm_engine.data.packing import template_licence, write_pack

    room, wanted = parse_size(limit, option="--limit"), parse_names(classes)
    if out.suffix.lower() != ".zip":
        raise OutputError(f"--out {out} must end in .zip, by which frdm train knows a pack; name it so.")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} exists; give another --out or --overwrite.")
    with tempfile.TemporaryDirectory() as temporary:
        library = ClipLibrary.open(root, classes=wanted, cache=cache or Path(temporary))
        shapes = template_licence(root, classes=wanted)
        threads = cv2.getNumThreads()
        try:
            cv2.setNumThreads(1)  # the same bytes on every machine
            made = write_pack(
                library,
                out,
                limit=room,
                templates=None if shapes is None else root / "train" / "templates",
                template_licence=shapes or "",
                quality=quality,
            )
        finally:
            cv2.setNumThreads(threads)
    typer.echo(
        f"{made.path}: {made.size / 2**20:.1f} MB, {count(made.sources, 'source')}, {count(made.frames, 'frame')}, "
        f"{made.templates:,} of {made.all_templates:,} templates"
    )
    if made.stretches < made.most_stretches:
        note(f"{made.stretches} of {made.most_stretches} stretches of video fit in {limit}; the rest was left out.")
