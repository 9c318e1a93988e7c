"""Real EXR files, by OpenImageIO: from their windows (y down) to boxes (y up) and back, and their channels' names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import OpenImageIO as oiio

from tests.host_nuke.standin.formats import Format
from tests.host_nuke.standin.images import Box, Image, Pixels

_SHORT = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_DEPTHS = {"16 bit half": "half", "32 bit float": "float"}
_COMPRESSIONS = {
    "none": "none",
    "Zip (1 scanline)": "zips",
    "Zip (16 scanlines)": "zip",
    "PIZ Wavelet (32 scanlines)": "piz",
    "RLE": "rle",
    "B44": "b44",
    "DWAA": "dwaa",
}
COMPRESSIONS = tuple(_COMPRESSIONS)


class ExrError(Exception):
    """A file that is not there, or cannot be read or written; the text is OpenImageIO's."""


def from_file(name: str) -> str:
    """Nuke's name of a file's channel: R is rgba.red, frdm.dirt stays, and one without a layer is in `other`."""
    layer, _, channel = name.rpartition(".")
    channel = _SHORT.get(channel, channel)
    if layer:
        return f"{layer}.{channel}"
    if channel in _SHORT.values():
        return f"rgba.{channel}"
    return "depth.Z" if channel == "Z" else f"other.{channel}"


def to_file(name: str) -> str:
    """The file's name of Nuke's channel."""
    layer, _, channel = name.partition(".")
    long = {long: short for short, long in _SHORT.items()}
    if layer == "rgba":
        return long.get(channel, channel)
    return "Z" if name == "depth.Z" else f"{layer}.{channel}"


def read(path: str) -> Image:
    """A file's image, at float32, all its parts together.

    Raises:
        ExrError: it is not there or cannot be read.
    """
    if not Path(path).is_file():
        raise ExrError(f"Read error: No such file or directory: {path}")
    source = oiio.ImageInput.open(path)
    if source is None:
        raise ExrError(f"Read error: {path}: {oiio.geterror()}")
    try:
        image: Optional[Image] = None
        part = 0
        while source.seek_subimage(part, 0):
            image = _add_part(image, source, part, path)
            part += 1
    finally:
        source.close()
    if image is None:
        raise ExrError(f"Read error: {path} holds no image")
    return image


def _add_part(image: Optional[Image], source: Any, part: int, path: str) -> Image:
    spec = source.spec()
    pixels = source.read_image(part, 0, 0, spec.nchannels, "float")
    if pixels is None:
        raise ExrError(f"Read error: {path}: {source.geterror()}")
    values = np.asarray(pixels, np.float32).reshape(spec.height, spec.width, spec.nchannels)[::-1]
    bottom = spec.full_y + spec.full_height
    box: Box = (
        spec.x - spec.full_x,
        bottom - (spec.y + spec.height),
        spec.x - spec.full_x + spec.width,
        bottom - spec.y,
    )
    aspect = spec.get_float_attribute("PixelAspectRatio", 1.0)
    channels = {from_file(name): values[..., at].copy() for at, name in enumerate(spec.channelnames)}
    if image is None:
        kept = {"input/filename": path, "input/width": spec.full_width, "input/height": spec.full_height}
        kept["input/bitsperchannel"] = "16-bit half float" if spec.format == "half" else "32-bit float"
        for one in spec.extra_attribs:
            kept[f"exr/{one.name}"] = one.value
        return Image(Format(spec.full_width, spec.full_height, aspect=aspect), box, channels, kept)
    other = Image(image.format, box, channels)
    for name in channels:
        image.channels[name] = other.over(name, image.box)
    return image


def write(path: str, image: Image, names: List[str], *, datatype: str, compression: str, metadata: bool = True) -> None:
    """Writes channels of an image: data window its box, display window its format.

    Raises:
        ExrError: it cannot be written.
    """
    box = image.box
    if box[0] >= box[2] or box[1] >= box[3]:
        box = (0, 0, 1, 1)  # Nuke writes a pixel where the box is empty
    values = np.stack([image.over(name, box) for name in names], axis=-1)[::-1]
    spec = oiio.ImageSpec(box[2] - box[0], box[3] - box[1], len(names), _DEPTHS[datatype])
    spec.channelnames = tuple(to_file(name) for name in names)
    height = image.format.height()
    spec.x, spec.y = box[0], height - box[3]
    spec.full_x, spec.full_y = 0, 0
    spec.full_width, spec.full_height = image.format.width(), height
    spec.attribute("compression", _COMPRESSIONS[compression])
    spec.attribute("PixelAspectRatio", float(image.format.pixelAspect()))
    for name, value in _kept(image.metadata).items() if metadata else ():
        spec.attribute(name, value)
    made = oiio.ImageOutput.create(path)
    if made is None or not made.open(path, spec):
        raise ExrError(f"{path}: {made.geterror() if made is not None else oiio.geterror()}")
    if not made.write_image(np.ascontiguousarray(values, np.float32)):
        raise ExrError(f"{path}: {made.geterror()}")
    made.close()


def _kept(metadata: Dict[str, Any]) -> Dict[str, Any]:
    """What of the input's metadata goes on into the file: text and numbers by Nuke's names."""
    kinds: Tuple[type, ...] = (str, int, float)
    return {f"nuke/{name}": value for name, value in metadata.items() if isinstance(value, kinds)}


def shrunk(image: Image, scale: float) -> Image:
    """An image at a proxy scale. Nuke filters; the stand-in takes the nearest pixel."""
    if scale == 1.0:
        return image
    box = tuple(round(one * scale) for one in image.box)
    made = image.having(format=image.format._scaled_by(scale), box=(box[0], box[1], box[2], box[3]), channels={})
    rows = np.minimum((np.arange(made.shape[0]) / scale).astype(int), max(0, image.shape[0] - 1))
    columns = np.minimum((np.arange(made.shape[1]) / scale).astype(int), max(0, image.shape[1] - 1))
    for name, values in image.channels.items():
        picked: Pixels = values[np.ix_(rows, columns)]
        made.channels[name] = picked
    return made
