"""Real files written with OpenImageIO alone, to test the plates' own code against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest

TYPES = {np.float16: "half", np.float32: "float", np.uint8: "uint8", np.uint16: "uint16", np.uint32: "uint"}
Planes = Mapping[str, npt.NDArray[Any]]
Header = dict[str, Any]
WriteFile = Callable[..., Path]


def header(planes: Planes, **fields: Any) -> Any:
    """An ImageSpec for named planes; `x`, `display` and `tile` are geometry, all else metadata."""
    first = next(iter(planes.values()))
    spec = oiio.ImageSpec(first.shape[1], first.shape[0], len(planes), oiio.TypeDesc(kind(first)))
    spec.channelnames = tuple(planes)
    if len({plane.dtype for plane in planes.values()}) > 1:
        spec.channelformats = tuple(oiio.TypeDesc(kind(plane)) for plane in planes.values())
    spec.x, spec.y = fields.pop("window", (0, 0))
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = fields.pop(
        "display", (spec.x, spec.y, spec.width, spec.height)
    )
    spec.tile_width, spec.tile_height = fields.pop("tile", (0, 0))
    for name, value in fields.items():
        if isinstance(value, tuple) and isinstance(value[0], str):
            spec.attribute(name.replace("__", ":"), oiio.TypeDesc(value[0]), value[1])
        else:
            spec.attribute(name.replace("__", ":"), value)
    return spec


def kind(plane: npt.NDArray[Any]) -> str:
    return TYPES[plane.dtype.type]


def stacked(planes: Planes) -> npt.NDArray[Any]:
    kinds = {plane.dtype for plane in planes.values()}
    cube = np.stack(list(planes.values()), axis=-1)
    return cube if len(kinds) == 1 else cube.astype(np.float32)


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    def write(name: str, *parts: tuple[Planes, Header]) -> Path:
        path = tmp_path / name
        specs = tuple(header(planes, **dict(fields)) for planes, fields in parts)
        out: Any = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), specs) if len(specs) > 1 else out.open(str(path), specs[0]), out.geterror()
        for index, (planes, _) in enumerate(parts):
            if index:
                assert out.open(str(path), specs[index], "AppendSubimage"), out.geterror()
            assert out.write_image(np.ascontiguousarray(stacked(planes))), out.geterror()
        assert out.close(), out.geterror()
        return path

    return write


def read_file(path: Path) -> list[tuple[Any, dict[str, npt.NDArray[Any]]]]:
    """(header, planes by channel) of each part, channel by channel in the native type."""
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source: Any = oiio.ImageInput.open(str(path), config)
    assert source is not None, oiio.geterror()
    parts = []
    index = 0
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


def any_bits(rng: np.random.Generator, dtype: npt.DTypeLike, *, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Every bit pattern may come: NaN with payloads, Inf, subnormals, both zeros."""
    size = np.dtype(dtype).itemsize
    return rng.integers(0, 1 << (8 * size), shape, dtype=np.uint64).astype(f"u{size}").view(dtype)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
