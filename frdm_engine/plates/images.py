"""Images beside the plates: mattes and differences written, masks read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.errors import MaskError, OutputError
from frdm_engine.plates.exr import Part, read_parts, write_parts
from frdm_engine.plates.samples import from_float, to_float

_TYPES = {"half": np.float16, "float": np.float32, "uint8": np.uint8, "uint16": np.uint16}


def write_image(
    path: str | Path,
    pixels: npt.NDArray[np.floating[Any]],
    *,
    channel_names: Sequence[str],
    metadata: Mapping[str, str] | None = None,
    window: tuple[int, int] = (0, 0),
    display: tuple[int, int, int, int] | None = None,
    pixel_type: str = "half",
) -> None:
    """Write (H, W, C) floats atomically, one name a channel; integers hold 0..1, half is clipped.

    `window` is (x, y) of the first pixel; `display` is (x, y, width, height), the pixels themselves unless
    given. `pixel_type` is half, float, uint8 or uint16.

    Raises:
        OutputError: the pixels and names do not match, or the file cannot be written.
    """
    if pixels.ndim != 3 or pixels.shape[2] != len(channel_names) or pixel_type not in _TYPES:
        raise OutputError(
            f"{path} takes (H, W, {len(channel_names)}) pixels as {', '.join(_TYPES)}, "
            f"not {pixels.shape} as {pixel_type}."
        )
    planes = {name: pixels[..., channel] for channel, name in enumerate(channel_names)}
    part = image_part(planes, metadata=metadata, window=window, display=display, pixel_type=pixel_type)
    write_parts(Path(path), (part,))


def image_part(
    planes: Mapping[str, npt.NDArray[np.floating[Any]]],
    *,
    metadata: Mapping[str, str] | None = None,
    window: tuple[int, int] = (0, 0),
    display: tuple[int, int, int, int] | None = None,
    pixel_type: str = "half",
) -> Part:
    """Planes (H, W) by the names of their channels as they are stored, for `write_parts`; told as `write_image` is."""
    dtype = np.dtype(_TYPES[pixel_type])
    stored = tuple(
        from_float(np.asarray(plane, np.float32), dtype=dtype, bits=dtype.itemsize * 8) for plane in planes.values()
    )
    height, width = stored[0].shape
    spec = oiio.ImageSpec(width, height, len(stored), oiio.TypeDesc(pixel_type))
    spec.x, spec.y = window
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display or (*window, width, height)
    spec.channelnames = tuple(planes)
    spec.attribute("compression", "zip")
    for name, value in (metadata or {}).items():
        spec.attribute(name, value)
    return Part(spec, stored)


def read_mask(path: str | Path, *, shape: tuple[int, int], over: Part | None = None) -> npt.NDArray[np.float32]:
    """A mask of `shape` (H, W) as float32 in 0..1, from a file whose data or display window has that size.

    `over` is the part of the plate it is for: an EXR with the same display window lies in it where its data window
    says, whatever its size; what lies outside the plate's data window is cut off, and 0 is around it.
    The single channel counts, else alpha, else luma, else the first. An alpha of 1 everywhere is no
    mask but an export's habit, so the colours count then. NaN is 0.

    Raises:
        PlateError: the file cannot be read.
        MaskError: it has another size.
    """
    path = Path(path)
    part = read_parts(path)[0]
    plane = np.nan_to_num(to_float(part.planes[_mask_channel(part)], bits=part.bits), nan=0.0)
    mask = np.clip(plane, 0.0, 1.0)
    if over is not None and path.suffix.lower() == ".exr" and part.display == over.display:
        (x, y), (left, top) = over.window, part.window
        return _placed(mask, shape=shape, left=left - x, top=top - y)
    if mask.shape == shape:
        return mask
    x, y, width, height = part.display
    if (height, width) != shape:
        raise MaskError(
            f"{path} is {plane.shape[1]} x {plane.shape[0]} pixels and the plate {shape[1]} x {shape[0]}; "
            "make the mask the plate's size."
        )
    return _placed(mask, shape=shape, left=part.window[0] - x, top=part.window[1] - y)


def _mask_channel(part: Part) -> int:
    last = [name.rsplit(".", 1)[-1].lower() for name in part.names]
    if "a" in last:
        alpha = last.index("a")
        if len(last) == 1 or not (to_float(part.planes[alpha], bits=part.bits) == 1.0).all():
            return alpha
    return last.index("y") if "y" in last else 0


def _placed(mask: npt.NDArray[np.float32], *, shape: tuple[int, int], left: int, top: int) -> npt.NDArray[np.float32]:
    """`mask` on a field of zeros, its corner at (left, top), what lies outside cut off."""
    field = np.zeros(shape, np.float32)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], shape[0]), min(left + mask.shape[1], shape[1])
    if y1 > y0 and x1 > x0:
        field[y0:y1, x0:x1] = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    return field
