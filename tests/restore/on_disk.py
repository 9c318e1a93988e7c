"""Plates, jobs and results on disk, written and read with OpenImageIO alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.stream import Job

Array = npt.NDArray[np.float32]
Planes = dict[str, npt.NDArray[Any]]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]
HEIGHT, WIDTH = 32, 48
KINDS = {np.float16: "half", np.float32: "float", np.uint8: "uint8", np.uint16: "uint16"}


def header(planes: Planes, **attributes: Any) -> Any:
    first = next(iter(planes.values()))
    spec = oiio.ImageSpec(first.shape[1], first.shape[0], len(planes), KINDS[first.dtype.type])
    spec.channelnames = tuple(planes)
    if len({plane.dtype for plane in planes.values()}) > 1:
        spec.channelformats = tuple(oiio.TypeDesc(KINDS[plane.dtype.type]) for plane in planes.values())
    spec.x, spec.y = attributes.pop("window", (0, 0))
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = attributes.pop(
        "display", (spec.x, spec.y, spec.width, spec.height)
    )
    for name, value in attributes.items():
        if isinstance(value, tuple):
            spec.attribute(name, *value)
        else:
            spec.attribute(name, value)
    return spec


def save(path: Path, *parts: tuple[Planes, dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    specs = tuple(header(planes, **attributes) for planes, attributes in parts)
    out: Any = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), specs) if len(specs) > 1 else out.open(str(path), specs[0]), out.geterror()
    for index, (planes, _) in enumerate(parts):
        if index:
            assert out.open(str(path), specs[index], "AppendSubimage"), out.geterror()
        kinds = {plane.dtype for plane in planes.values()}
        cube = np.stack(list(planes.values()), axis=-1)
        assert out.write_image(cube if len(kinds) == 1 else cube.astype(np.float32)), out.geterror()
    assert out.close(), out.geterror()
    return path


def load(path: Path) -> list[tuple[Any, Planes]]:
    """Header and native planes of each part."""
    source: Any = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    parts, index = [], 0
    while source.seek_subimage(index, 0):
        spec = oiio.ImageSpec(source.spec())
        formats = list(spec.channelformats) or [spec.format] * spec.nchannels
        planes = {
            name: source.read_image(index, 0, c, c + 1, formats[c]).reshape(spec.height, spec.width)
            for c, name in enumerate(spec.channelnames)
        }
        parts.append((spec, planes))
        index += 1
    source.geterror()
    source.close()
    return parts


def bits(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(plane).view(f"u{plane.dtype.itemsize}")


def linear(picture: Array) -> Planes:
    """Half planes R, G, B of a picture."""
    return {name: (picture[..., c] ** 2.2).astype(np.float16) for c, name in enumerate("RGB")}


def job_of(source: Sequence, out: Path, frames: Iterable[int] | None = None, **options: Any) -> Job:
    """A job into the folder `out`; `matte` and `difference` name folders too."""
    wanted = tuple(source.frames if frames is None else frames)
    for name in ("matte", "difference"):
        if name in options:
            options[name] = Sequence.output(options[name], frames=wanted, like=source)
    return Job(source, Sequence.output(out, frames=wanted, like=source), wanted, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Every image of a folder, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.exr"))}


def contents(folder: Path) -> dict[str, list[Any]]:
    """Every image of a folder: channels, their bits and the metadata but for the date of writing."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.exr")):
        for spec, planes in load(path):
            notes = {item.name: item.value for item in spec.extra_attribs if item.name != "DateTime"}
            found.setdefault(path.name, []).append((notes, {name: p.tobytes() for name, p in planes.items()}))
    return found


def changed_pixels(before: Path, after: Path) -> npt.NDArray[np.bool_]:
    """Where any of R, G, B differs in its bits."""
    one, two = load(before)[0][1], load(after)[0][1]
    return np.asarray(np.any([bits(one[name]) != bits(two[name]) for name in "RGB"], axis=0))
