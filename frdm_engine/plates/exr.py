"""Image files as parts: every channel in its native pixel type, read and written without a change.

EXR is the home format; DPX, Cineon, TIFF, PNG and JPEG go the same way. Headers are judged before
anything is allocated, and every file is read back and compared before it takes its name.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.errors import OutputError, PlateError

MAX_SIDE = 65_536
MAX_PIXELS = 1 << 28
MAX_CHANNELS = 1024
MAX_PARTS = 256
MAX_BYTES = 16 << 30
# Deflate cannot shrink more than 1:1032; the EXR codecs that can do more stay well under this.
MAX_RATIO = 50_000
RATIO_APPLIES_FROM = 64 << 20

# These change pixels each time they are written, so a plate stored that way is written with ZIP.
LOSSY = ("dwaa", "dwab", "b44", "b44a", "jpeg")
# What the reader adds for its own use and a writer would store as if it were metadata.
_READER_ONLY = ("openexr:chunkCount", "oiio:subimages")

_DTYPES: dict[str, type[np.generic]] = {
    "half": np.float16,
    "float": np.float32,
    "double": np.float64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint": np.uint32,
}

Plane = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """One part (subimage) of a file: its full header and one (H, W) plane a channel, native dtype.

    The planes cover the data window, and `spec` is an OpenImageIO.ImageSpec in file order.
    """

    spec: Any
    planes: tuple[Plane, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names, one a plane."""
        return tuple(self.spec.channelnames)

    @property
    def bits(self) -> int:
        """Bits an integer sample really holds: 10 for a 10-bit DPX, whose planes are uint16."""
        stored = max(plane.dtype.itemsize * 8 for plane in self.planes)
        return min(int(self.spec.get_int_attribute("oiio:BitsPerSample", 0)) or stored, stored)

    @property
    def window(self) -> tuple[int, int]:
        """(x, y) of the data window's first pixel."""
        return int(self.spec.x), int(self.spec.y)

    @property
    def display(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the display window."""
        spec = self.spec
        return int(spec.full_x), int(spec.full_y), int(spec.full_width), int(spec.full_height)

    @property
    def attributes(self) -> dict[str, Any]:
        """All metadata of the header, by OpenImageIO's names."""
        return {item.name: item.value for item in self.spec.extra_attribs}


def read_parts(path: Path) -> tuple[Part, ...]:
    """Every part of a file.

    Raises:
        PlateError: the file is absent, truncated, damaged, deep, mipmapped, absurdly large, or of a kind
            whose samples cannot be kept as they are.
    """
    if not path.is_file():
        raise PlateError(f"{path} is not there; check the name.")
    size = path.stat().st_size
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # or TIFF and PNG colours come multiplied by alpha
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise PlateError(f"{path} cannot be read ({_said(oiio.geterror())}); replace the file.")
    try:
        specs = list(_headers(source, path=path))
        source.geterror()  # TIFF reports the seek past its last page
        _refuse_implausible(specs, path=path, size=size)
        return tuple(Part(spec, _planes(source, index, spec, path=path)) for index, spec in enumerate(specs))
    finally:
        source.close()


def write_parts(path: Path, parts: tuple[Part, ...]) -> None:
    """Write a file under a temporary name, read it back, sync it and give it its name.

    Raises:
        OutputError: it cannot be written there, or does not read back as it was meant.
    """
    if not path.parent.is_dir():
        raise OutputError(f"The folder {path.parent} is not there; create it or choose another output.")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        _write(temporary, parts, shown=path)
        _verify(temporary, parts, shown=path)
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        said = error.strerror or str(error)
        raise OutputError(
            f"{path} cannot be written ({said}); check the folder's permissions and free space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def channel_dtypes(spec: Any) -> tuple[type[np.generic], ...] | None:
    """The native numpy type of each channel of a header, or None when one has no equal here."""
    formats = list(spec.channelformats) or [spec.format] * spec.nchannels
    names = [str(kind) for kind in formats]
    return tuple(_DTYPES[name] for name in names) if all(name in _DTYPES for name in names) else None


def type_desc(dtype: np.dtype[Any]) -> Any:
    """The OpenImageIO.TypeDesc of one of the numpy types planes are held in."""
    return oiio.TypeDesc(next(name for name, kind in _DTYPES.items() if dtype == kind))


def _headers(source: Any, *, path: Path) -> Iterator[Any]:
    index = 0
    while source.seek_subimage(index, 0):
        if index >= MAX_PARTS:
            raise PlateError(f"{path} has more than {MAX_PARTS} parts; split the file.")
        spec = oiio.ImageSpec(source.spec())
        _refuse_unkeepable(spec, path=path)
        if source.seek_subimage(index, 1):
            raise PlateError(f"{path} is mipmapped, as textures are; render plain scan lines or tiles.")
        yield spec
        index += 1


def _refuse_unkeepable(spec: Any, *, path: Path) -> None:
    width, height, channels = int(spec.width), int(spec.height), int(spec.nchannels)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS or channels > MAX_CHANNELS:
        raise PlateError(
            f"{path} claims {width} x {height} pixels and {channels} channels, more than the {MAX_SIDE:,} "
            f"a side, {MAX_PIXELS:,} pixels and {MAX_CHANNELS} channels allowed; crop it, or replace the "
            "file if its header is damaged."
        )
    if min(width, height, channels) < 1:
        raise PlateError(f"{path} has no pixels; replace the file.")
    if spec.deep:
        raise PlateError(f"{path} is a deep image; flatten it first.")
    if spec.depth > 1:
        raise PlateError(f"{path} is a volume of {spec.depth} layers; give plain images.")
    kinds = channel_dtypes(spec)
    if kinds is None:
        raise PlateError(f"{path} has {spec.format} pixels; convert it to unsigned integer, half or float.")
    if np.uint32 in kinds and len(set(kinds)) > 1:
        whole = ", ".join(name for name, kind in zip(spec.channelnames, kinds, strict=True) if kind is np.uint32)
        raise PlateError(f"{path} mixes 32-bit integers ({whole}) with floats in one part; write them as own part.")
    model = spec.get_string_attribute("dpx:ImageDescriptor") + spec.get_string_attribute("tiff:ColorSpace")
    if "CbY" in model or model in ("CMYK", "YCbCr", "CIELAB", "ICCLAB", "ITULAB"):
        raise PlateError(f"{path} stores {model}, which a round trip through RGB would change; convert it to RGB.")


def _refuse_implausible(specs: list[Any], *, path: Path, size: int) -> None:
    if not specs:
        raise PlateError(f"{path} holds no image; replace the file.")
    if len(specs) < specs[0].get_int_attribute("oiio:subimages", 1):
        raise PlateError(f"{path} lacks some of its parts; replace the file.")
    if len({bool(spec.tile_width) for spec in specs}) > 1:
        raise PlateError(f"{path} mixes tiled and scan-line parts, which cannot be kept; write all parts alike.")
    total = sum(spec.image_bytes(True) for spec in specs)
    if total > MAX_BYTES:
        raise PlateError(f"{path} unpacks to {total >> 30} GiB, over {MAX_BYTES >> 30}; split it or crop it.")
    if total > RATIO_APPLIES_FROM and total > size * MAX_RATIO:
        raise PlateError(f"{path} claims {total >> 20} MiB of pixels in {size:,} bytes; the file is damaged.")


def _planes(source: Any, index: int, spec: Any, *, path: Path) -> tuple[Plane, ...]:
    formats = list(spec.channelformats) or [spec.format] * spec.nchannels
    planes: list[Plane] = []
    # Runs of one type: asked for as one block, OpenImageIO would convert mixed channels to the widest.
    for kind, run in groupby(enumerate(formats), key=lambda item: str(item[1])):
        members = [channel for channel, _ in run]
        block = source.read_image(index, 0, members[0], members[-1] + 1, formats[members[0]])
        if block is None or source.has_error:
            raise PlateError(f"{path} is truncated or damaged ({_said(source.geterror())}); replace the file.")
        cube = np.asarray(block, dtype=_DTYPES[kind]).reshape(spec.height, spec.width, len(members))
        planes.extend(cube[..., channel] for channel in range(len(members)))
    return tuple(planes)


def writable_spec(spec: Any) -> Any:
    """A copy of a header as it is to be written: lossy compression becomes ZIP, reader's notes go."""
    made = oiio.ImageSpec(spec)
    for name in _READER_ONLY:
        made.erase_attribute(name)
    if made.get_string_attribute("compression").split(":")[0] in LOSSY:
        made.attribute("compression", "zip")
        made.erase_attribute("openexr:dwaCompressionLevel")
    return made


def _write(temporary: Path, parts: tuple[Part, ...], *, shown: Path) -> None:
    target = oiio.ImageOutput.create(str(temporary))
    if target is None:
        oiio.geterror()
        raise OutputError(f"{shown} is of no known image type; name it .exr, .dpx, .tif or .png.")
    specs = tuple(writable_spec(part.spec) for part in parts)
    if len(specs) > 1 and not target.supports("multiimage"):
        raise OutputError(f"{shown} cannot hold {len(specs)} parts; write .exr.")
    several = len(specs) > 1 and target.format_name() == "openexr"  # EXR wants all headers first
    done = target.open(str(temporary), specs) if several else target.open(str(temporary), specs[0])
    for index, part in enumerate(parts):
        if index:
            done = done and target.open(str(temporary), specs[index], "AppendSubimage")
        done = done and target.write_image(_cube(part))
    said = "" if done else target.geterror()
    closed = target.close()
    if not (done and closed):
        said = _said(said or target.geterror())
        raise OutputError(f"{shown} cannot be written ({said}); check the folder's permissions and free space.")


def _cube(part: Part) -> Plane:
    kinds = {plane.dtype for plane in part.planes}
    # float32 holds every half, so a mix of the two goes through it bit for bit, NaN payloads included.
    common = kinds.pop() if len(kinds) == 1 else np.dtype(np.float32)
    cube = np.empty((*part.planes[0].shape, len(part.planes)), common)
    with np.errstate(invalid="ignore"):
        for channel, plane in enumerate(part.planes):
            cube[..., channel] = plane
    return cube


def _verify(temporary: Path, parts: tuple[Part, ...], *, shown: Path) -> None:
    try:
        written = read_parts(temporary)
    except PlateError as error:
        raise OutputError(f"{shown} was not written whole; check the free space.") from error
    alike = len(written) == len(parts) and all(map(_alike, parts, written))
    if not alike:
        raise OutputError(f"{shown} does not read back as it was written; write .exr, which keeps every value.")


def _alike(meant: Part, got: Part) -> bool:
    if meant.window != got.window or meant.bits != got.bits or sorted(meant.names) != sorted(got.names):
        return False
    for name, plane in zip(meant.names, meant.planes, strict=True):
        other = got.planes[got.names.index(name)]
        if plane.dtype != other.dtype or plane.shape != other.shape:
            return False
        if not np.array_equal(_stored(plane, bits=meant.bits), _stored(other, bits=got.bits)):
            return False
    return True


def _stored(plane: Plane, *, bits: int) -> Plane:
    """The bits the file holds: all of a float, NaN payloads too, and the code of an integer."""
    raw = np.ascontiguousarray(plane).view(f"u{plane.dtype.itemsize}")
    # Below the code, an integer's container is padding that readers fill as they like.
    return raw >> (plane.dtype.itemsize * 8 - bits) if plane.dtype.kind == "u" else raw


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _said(text: str) -> str:
    lines = [line.strip(" .") for line in text.splitlines() if line.strip()]
    return lines[0][:200] if lines else "no reason was given"
