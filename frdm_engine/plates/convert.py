"""From one container to another, when the output's suffix is not the input's; colours keep their encoding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from frdm_engine.errors import OutputError
from frdm_engine.plates.exr import Part, Plane, type_desc
from frdm_engine.plates.samples import to_float

_FAMILIES = {
    ".exr": "exr", ".dpx": "dpx", ".cin": "cineon", ".tif": "tiff", ".tiff": "tiff", ".png": "png",
    ".jpg": "jpeg", ".jpeg": "jpeg",
}  # fmt: skip
# Attributes that describe the container, not the picture.
_OF_THE_CONTAINER = ("oiio:", "tiff:", "png:", "jpeg:", "openexr:", "exr:")
_CONTAINER = ("compression", "planarconfig", "CompressionQuality", "name")
_PLAIN_CHANNELS = (("R", "G", "B"), ("R", "G", "B", "A"), ("Y",), ("Y", "A"))


def family(path: Path) -> str:
    """The kind of file a suffix stands for: exr, dpx, cineon, tiff, png, jpeg or '' for any other."""
    return _FAMILIES.get(path.suffix.lower(), "")


def convert(parts: tuple[Part, ...], *, source: Path, target: Path) -> tuple[Part, ...]:
    """`parts` as the target's container takes them; the same parts when both are of one kind.

    Raises:
        OutputError: the target is lossy, unknown, or cannot hold what the source holds.
    """
    kind = family(target)
    if kind == "jpeg":
        raise OutputError(f"{target} is JPEG, which changes every pixel; write .png, .tif or .exr.")
    if kind in ("", "cineon"):
        raise OutputError(f"{target} cannot be written as {target.suffix or 'a name without a suffix'}; write .exr.")
    if kind == family(source):
        return parts
    if len(parts) > 1 and kind != "tiff":
        raise OutputError(f"{target} cannot hold the {len(parts)} parts of {source.name}; write {source.suffix}.")
    return tuple(_converted(part, kind=kind, source=source, target=target) for part in parts)


def _converted(part: Part, *, kind: str, source: Path, target: Path) -> Part:
    planes = part.planes
    if kind == "exr":
        planes = tuple(_as_float(plane, bits=part.bits) for plane in planes)
    else:
        _refuse_misfit(part, kind=kind, source=source, target=target)
    if kind == "tiff" and len({plane.dtype for plane in planes}) > 1:
        planes = tuple(plane.astype(np.float32) for plane in planes)
    return replace(part, spec=_spec(part, planes, kind=kind), planes=planes)


def _refuse_misfit(part: Part, *, kind: str, source: Path, target: Path) -> None:
    misfit = ""
    if kind != "tiff" and any(plane.dtype.kind == "f" or plane.dtype.itemsize > 2 for plane in part.planes):
        misfit = "float pixels"
    elif part.names not in _PLAIN_CHANNELS:
        misfit = f"channels {', '.join(part.names)}"
    elif part.display != (*part.window, part.spec.width, part.spec.height) or part.window != (0, 0):
        misfit = "a data window apart from the display window"
    if misfit:
        raise OutputError(f"{target} cannot hold the {misfit} of {source.name}; write .exr or {source.suffix}.")


def _as_float(plane: Plane, *, bits: int) -> Plane:
    if plane.dtype.kind == "f":
        return plane.astype(np.float32) if plane.dtype.itemsize > 4 else plane
    # Half keeps codes of up to 10 bits apart; more need float.
    return to_float(plane, bits=bits).astype(np.float16 if bits <= 10 else np.float32)


def _spec(part: Part, planes: tuple[Plane, ...], *, kind: str) -> Any:
    old = part.spec
    types = [type_desc(plane.dtype) for plane in planes]
    made = oiio.ImageSpec(old.width, old.height, old.nchannels, types[0])
    made.x, made.y = old.x, old.y
    made.full_x, made.full_y, made.full_width, made.full_height = part.display
    made.channelnames = part.names
    made.alpha_channel = old.alpha_channel
    if len({str(one) for one in types}) > 1:
        made.channelformats = tuple(types)
    for item in old.extra_attribs:
        if not item.name.startswith(_OF_THE_CONTAINER) and item.name not in _CONTAINER:
            made.attribute(item.name, item.type, item.value)
    for name in ("oiio:ColorSpace", "oiio:UnassociatedAlpha"):
        if name in part.attributes:
            made.attribute(name, part.attributes[name])
    if kind in ("exr", "tiff"):
        made.attribute("compression", "zip")
    return made
