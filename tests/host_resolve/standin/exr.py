"""Real files, by OpenImageIO: half EXR with timecode and rate in the header; DPX and TIFF of 16 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""(height, width, channels), scene values as they lie in the file."""


class ExrError(Exception):
    """A file that is not there, or cannot be read or written; the text is OpenImageIO's."""


def read(path: Path) -> Picture:
    """A file's pixels.

    Raises:
        ExrError: it is not there or cannot be read.
    """
    source = _opened(path)
    try:
        pixels = source.read_image("float")
        if pixels is None:
            raise ExrError(f"{path}: {source.geterror()}")
        return np.asarray(pixels, np.float32)
    finally:
        source.close()


def header(path: Path) -> Tuple[int, int, Optional[str], Optional[float]]:
    """Width, height, timecode and frames per second of a file; None where it has none.

    Raises:
        ExrError: it is not there or cannot be read.
    """
    source = _opened(path)
    try:
        spec = source.spec()
        text = spec.get_string_attribute("smpte:TimeCode")
        rate = spec.getattribute("FramesPerSecond")
        fps = rate[0] / rate[1] if isinstance(rate, tuple) else rate
        return spec.full_width, spec.full_height, text or None, float(fps) if fps else None
    finally:
        source.close()


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise ExrError(f"{path} is not there")
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise ExrError(f"{path}: {oiio.geterror()}")
    return source


def write(path: Path, picture: Picture, *, timecode: Optional[str] = None, fps: float = 0.0, depth: str = "") -> None:
    """Writes a picture.

    Raises:
        ExrError: it cannot be written.
    """
    height, width, channels = picture.shape
    spec = oiio.ImageSpec(width, height, channels, depth or ("half" if path.suffix == ".exr" else "uint16"))
    spec.channelnames = ("R", "G", "B", "A")[:channels]
    if path.suffix == ".exr":
        spec.attribute("compression", "zip")
    if timecode is not None:
        spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, _packed(timecode))
    if fps:
        spec.attribute("FramesPerSecond", oiio.TypeRational, (round(fps * 1001), 1001))
    made = oiio.ImageOutput.create(str(path))
    if made is None or not made.open(str(path), spec):
        raise ExrError(f"{path}: {made.geterror() if made is not None else oiio.geterror()}")
    if not made.write_image(np.ascontiguousarray(picture, np.float32)):
        raise ExrError(f"{path}: {made.geterror()}")
    made.close()


def _packed(timecode: str) -> Tuple[int, int]:
    """SMPTE 12M's word: two digits a byte, frames lowest."""
    hours, minutes, seconds, frames = (int(one) for one in timecode.replace(";", ":").split(":"))
    word = 0
    for place, value in enumerate((frames, seconds, minutes, hours)):
        word |= (value % 10 | value // 10 << 4) << 8 * place
    return word | (1 << 6 if ";" in timecode else 0), 0
