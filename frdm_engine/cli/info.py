"""`frdm info`: what a sequence, a file or a model is, and how FRDM would take it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.console import count
from frdm_engine.cli.options import Layer

if TYPE_CHECKING:
    from frdm_engine.plates.exr import Part
    from frdm_engine.plates.sequence import Sequence

_SHOWN = ("smpte:TimeCode", "keyCode", "smpte:KeyCode", "framesPerSecond", "FramesPerSecond", "dpx:Transfer")


def info(
    what: Annotated[str, typer.Argument(metavar="FILE|SEQUENCE", help="A pattern, folder or file; or a model folder.")],
    layer: Layer = None,
) -> None:
    """Show frames, gaps, windows, channels, metadata and the colour space that auto chooses, from the first frame."""
    if (Path(what) / "config.json").is_file():
        from frdm_engine.cli.models import models

        models(what)
        return
    from frdm_engine.plates.sequence import Sequence

    sequence = Sequence.find(what)
    for name, value in [*_of_sequence(sequence), *_of_file(sequence.path(sequence.frames[0]), layer=layer)]:
        typer.echo(f"{name:18} {value}")


def _of_sequence(sequence: Sequence) -> Iterator[tuple[str, str]]:
    from frdm_engine.plates.choosing import ranges

    yield "sequence", sequence.pattern
    yield "frames", f"{ranges(sequence.frames)} ({count(len(sequence.frames), 'file')})"
    yield "gaps", ranges(sequence.missing) or "none"


def _of_file(path: Path, *, layer: str | None) -> Iterator[tuple[str, str]]:
    from frdm_engine.errors import ColourError, PlateError
    from frdm_engine.plates.colour import resolve
    from frdm_engine.plates.exr import read_parts
    from frdm_engine.plates.plate import Plate
    from frdm_engine.plates.views import choose

    parts = read_parts(path)
    yield "shown", path.name
    for index, part in enumerate(parts):
        title = f"part {index}" if len(parts) > 1 else "image"
        name = part.attributes.get("name", "")
        yield title, f"{part.spec.width} x {part.spec.height}" + (f", {name}" if name else "")
        yield from _of_part(part)
    try:
        plate = Plate(path, None, parts, choose(parts, layer=layer, path=path))
    except PlateError as error:
        if layer is not None:
            raise
        yield "colours", f"none to restore: {error}"
        return
    yield "views", ", ".join(plate.views) if plate.views != ("",) else "one"
    try:
        space = resolve("auto", metadata=plate.metadata, path_suffix=path.suffix, dtype=plate.dtype)
        yield "colour", f"{space.name}: {space.why}"
    except ColourError as error:
        yield "colour", f"auto finds none: {error}"


def _of_part(part: Part) -> Iterator[tuple[str, str]]:
    from frdm_engine.plates.exr import type_desc

    x, y, width, height = part.display
    yield "  data", f"from {part.window[0]}, {part.window[1]}"
    yield "  display", f"{width} x {height} from {x}, {y}"
    yield "  channels", ", ".join(part.names)
    types = {str(type_desc(plane.dtype)) for plane in part.planes}
    yield "  pixels", ", ".join(sorted(types)) + (f", {part.bits} bits" if part.planes[0].dtype.kind == "u" else "")
    yield "  packed", str(part.attributes.get("compression", "not"))
    for item in part.spec.extra_attribs:
        if item.name in _SHOWN or item.name.startswith("frdm:"):
            yield f"  {item.name}", _text(part.spec, item)


def _text(spec: Any, item: Any) -> str:
    if item.name == "smpte:TimeCode":
        return str(spec.get_string_attribute(item.name)).strip('"')
    return str(item.value)
