"""Frames as a browser shows them: plate, result and matte, eight bits a channel, one frame in memory at a time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.errors import OutputError, PlateError
from frdm_engine.plates import ColourSpace, Plate, Sequence, read_mask, read_plate, resolve
from frdm_engine.plates.convert import convert
from frdm_engine.plates.exr import read_parts
from frdm_engine.plates.samples import to_float

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

COLOURS = {"dirt": "#e69f00", "scratch": "#56b4e9", "stain": "#2bb58a", "flicker": "#cc79a7", "": "#f0e442"}
"""Of each class, and of a change whose class is not known. Told apart by those who do not see red or green."""
FAINT = 0.16
"""What is left of flicker in the picture of a matte: it covers the frame, and would hide the rest."""
QUALITY, LOSSLESS = 82, 101


@dataclass(frozen=True)
class Where:
    """The files a shot's pictures come from. `names` are the output's file names by frame, in `folder`."""

    plate: Sequence
    folder: Path
    names: Mapping[int, str]
    matte: Sequence | None
    space: ColourSpace
    layer: str | None = None

    def output(self, frame: int) -> Path:
        """The result of a frame."""
        return self.folder / self.names[frame]


@dataclass(frozen=True)
class Matte:
    """Opacity (C, H, W) in 0..1 of the classes `names`; of ("",) where only that of all is known.

    `exact`: 0 in it is 0, so that a pixel that differs there is a fault; integers round small opacities to 0.
    """

    planes: Floats
    names: tuple[str, ...]
    exact: bool


@dataclass(frozen=True)
class Look:
    """One view of a frame before and after, (H, W, 3) as stored. `aspect` is width over height of a pixel."""

    space: ColourSpace
    before: Floats
    after: Floats
    written: Matte | None
    aspect: float

    @cached_property
    def differs(self) -> npt.NDArray[np.bool_]:
        """Which pixels are not the plate's bit for bit (H, W)."""
        same = (self.before == self.after) | (np.isnan(self.before) & np.isnan(self.after))
        return np.asarray(~same.all(axis=-1))

    @cached_property
    def matte(self) -> Matte:
        """The matte that was written, else where the result differs."""
        return self.written or Matte(self.differs[None].astype(np.float32), ("",), exact=False)

    @property
    def strays(self) -> int | None:
        """Pixels that differ where the matte is 0, which is a fault; None where no matte tells exactly."""
        if not self.matte.exact:
            return None
        return int((self.differs & (self.matte.planes.max(axis=0) == 0)).sum())

    def pictures(self, *, most: int, box: tuple[int, int, int, int] | None = None) -> tuple[Bytes, Bytes, Bytes]:
        """Before and after (h, w, 3), and matte (h, w, 4), as RGB of at most `most` pixels a side.

        `box` is [x, y, width, height] in the data window, and has no flicker in its matte, which would be all over it;
        all unless told. Colours are those of sRGB, cut off at 0 and 1.
        """
        x, y, width, height = box or (0, 0, self.before.shape[1], self.before.shape[0])
        part = slice(y, y + height), slice(x, x + width)
        size = _size(width, height, aspect=self.aspect, most=most)
        before, after = (_bytes(_shrunk(self.space.encode(one[part]), size)) for one in (self.before, self.after))
        return (
            before,
            after,
            coloured(
                _grown(self.matte.planes[:, part[0], part[1]], size),
                self.matte.names,
                faint=FAINT if box is None else 0.0,
            ),
        )


def look(where: Where, frame: int, *, view: str | None = None) -> Look:
    """A frame's view, the first one unless told.

    Raises:
        PlateError: plate, result or matte cannot be read, or the result has another size than the plate.
        SequenceError: the plate has no such frame.
        MaskError: the matte has another size than the plate.
    """
    plate = read_plate(where.plate.path(frame), frame=frame, layer=where.layer)
    result = read_plate(where.output(frame), frame=frame, layer=where.layer)
    # In another container an untouched pixel is the plate's as that container holds it.
    held = replace(plate, parts=convert(plate.parts, source=plate.path, target=result.path))
    before, after = held.rgb(view), result.rgb(view if view in result.views else None)
    if before.shape != after.shape:
        raise PlateError(f"{result.path} has another size than {plate.path}; name the plate it was made of.")
    first = view is None or view == plate.views[0]
    matte = (
        _matte(where.matte.path(frame), before.shape[:2])
        if first and where.matte and frame in where.matte.frames
        else None
    )
    return Look(where.space, before, after, matte, _aspect(plate))


def space_of(where: Sequence, name: str, *, layer: str | None = None) -> ColourSpace:
    """The space of a sequence, from its first frame.

    Raises:
        PlateError, ColourError: the frame cannot be read, or the space is not known here.
    """
    plate = read_plate(where.path(where.frames[0]), layer=layer)
    return resolve(name, metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)


def webp(picture: Bytes) -> bytes:
    """A picture (H, W, 3) RGB, or (H, W, 4) without loss, as WebP.

    Raises:
        OutputError: it cannot be coded.
    """
    lossless = picture.shape[2] == 4
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if lossless else cv2.COLOR_RGB2BGR)
    done, coded = cv2.imencode(".webp", swapped, [cv2.IMWRITE_WEBP_QUALITY, LOSSLESS if lossless else QUALITY])
    if not done:
        raise OutputError(f"A picture of {picture.shape[1]} x {picture.shape[0]} pixels cannot be coded as WebP.")
    return bytes(coded)


def data_uri(coded: bytes) -> str:
    """WebP as an address that needs no file."""
    return "data:image/webp;base64," + base64.b64encode(coded).decode("ascii")


def coloured(matte: Floats, names: tuple[str, ...], *, faint: float = FAINT) -> Bytes:
    """Mattes (C, H, W) as one picture (H, W, 4): each class in its colour, as opaque as it is; flicker is `faint`."""
    strength = np.array([faint if name == "flicker" else 1.0 for name in names], np.float32)[:, None, None]
    weights = matte * strength
    alpha = 1 - np.prod(1 - weights, axis=0)
    colours = np.array([_rgb(COLOURS.get(name, COLOURS[""])) for name in names], np.float32)
    mixed = np.einsum("chw,ck->hwk", weights, colours) / np.maximum(weights.sum(axis=0), 1e-6)[..., None]
    # Sixteen steps of opacity are all the eye needs, and pack small.
    steps = np.ceil(np.clip(alpha, 0, 1) * 15) * 17
    mixed[steps == 0] = 0
    return np.dstack((np.rint(mixed), steps)).astype(np.uint8)


def _matte(path: Path, shape: tuple[int, ...]) -> Matte:
    part = read_parts(path)[0]
    planes = {
        name.removeprefix("frdm."): to_float(plane, bits=part.bits)
        for name, plane in zip(part.names, part.planes, strict=True)
        if name.startswith("frdm.") and plane.shape == shape
    }
    if planes:
        return Matte(np.stack(list(planes.values())).clip(0, 1), tuple(planes), exact=True)
    return Matte(read_mask(path, shape=(shape[0], shape[1]))[None], ("",), exact=False)


def _aspect(plate: Plate) -> float:
    said = plate.metadata.get("PixelAspectRatio", 1.0)
    return float(said) if isinstance(said, float) and 0.2 < said < 5 else 1.0


def _size(width: int, height: int, *, aspect: float, most: int) -> tuple[int, int]:
    wide = width * aspect
    factor = min(1.0, most / max(wide, height))
    return max(1, round(wide * factor)), max(1, round(height * factor))


def _shrunk(picture: Floats, size: tuple[int, int]) -> Floats:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _grown(matte: Floats, size: tuple[int, int]) -> Floats:
    """The planes at another size; what is smaller than a pixel there is a pixel and not lost."""
    reach = [max(1, round(old / new)) for old, new in zip(matte.shape[:0:-1], size, strict=True)]
    kernel = np.ones((reach[1], reach[0]), np.uint8)
    grown = (cv2.dilate(plane, kernel) if max(reach) > 1 else plane for plane in matte)
    return np.stack([cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_NEAREST) for plane in grown])


def _bytes(picture: Floats) -> Bytes:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
