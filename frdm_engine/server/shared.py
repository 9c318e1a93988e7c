"""Pixels in shared memory: a live host's own frames as EXR in a bundle, and results back into its memory.

A segment is a file in the exchange folder, in memory where the system has such a place. The engine reads and writes it
by calls, never as mapped memory: a client that cuts a segment short while it is read makes an error, not a crash.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from frdm_bridge.messages import Place, Take
from frdm_engine.errors import AccessError, InputError, SpoolError
from frdm_engine.plates.exr import Part, read_parts, write_parts
from frdm_engine.server.spool import Spool

_KINDS: dict[str, np.dtype[Any]] = {"half": np.dtype("<f2"), "float": np.dtype("<f4")}
LARGEST_SEGMENT = 4 * 2**30


def place(wanted: Place, *, exchange: Path, spool: Spool) -> None:
    """Makes an EXR of a segment's pixels among a bundle's inputs.

    Raises:
        SpoolError: there is no such segment, it is too small, or the spool has no room.
        InputError: the name is no EXR.
    """
    shape, kind = _shape(wanted)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    spool.require(size)
    raw = bytearray(size)
    handle = _segment(exchange, wanted.segment, size, os.O_RDONLY)
    with os.fdopen(handle, "rb", buffering=0) as source:
        view, filled = memoryview(raw), 0
        while filled < size and (read := source.readinto(view[filled:])):
            filled += read
    if filled < size:
        raise SpoolError(f"Segment {wanted.segment} ended after {filled} bytes of {size}; fill it before `place`.")
    pixels = np.frombuffer(raw, dtype=kind).reshape(shape)
    spec = oiio.ImageSpec(shape[1], shape[0], shape[2], oiio.TypeDesc(wanted.pixel))
    spec.channelnames = wanted.channels
    spec.attribute("compression", "none")  # read once, a moment later, and released
    planes = tuple(np.ascontiguousarray(pixels[..., channel]) for channel in range(shape[2]))
    write_parts(spool.inputs(wanted.bundle) / wanted.name, (Part(spec, planes),))


def take(wanted: Take, *, exchange: Path, spool: Spool) -> None:
    """Fills a segment with pixels of a result of a bundle.

    Raises:
        SpoolError: there is no such segment or result, or the segment is too small.
        InputError: the result has another size, or lacks a channel.
    """
    shape, kind = _shape(wanted)
    path = spool.result(wanted.bundle, wanted.name)
    part = read_parts(path)[0]
    height, width = part.planes[0].shape
    if (height, width) != shape[:2]:
        raise InputError(f"{wanted.name} is {width} x {height} pixels, not {shape[1]} x {shape[0]}; ask for those.")
    planes = dict(zip(part.names, part.planes, strict=True))
    lacking = next((name for name in wanted.channels if name not in planes), None)
    if lacking is not None:
        raise InputError(f"{wanted.name} has no channel {lacking}, only {', '.join(planes)}; ask for those.")
    pixels = np.stack([planes[name] for name in wanted.channels], axis=-1).astype(kind)
    raw = pixels.tobytes()
    handle = _segment(exchange, wanted.segment, len(raw), os.O_WRONLY)
    with os.fdopen(handle, "wb", buffering=0) as out:
        written = 0
        while written < len(raw):
            written += out.write(raw[written:]) or 0


def _shape(wanted: Place | Take) -> tuple[tuple[int, int, int], np.dtype[Any]]:
    if not wanted.name.lower().endswith(".exr"):
        raise InputError(f"{wanted.name} is no EXR; name it .exr.")
    if len(set(wanted.channels)) != len(wanted.channels):
        raise InputError(f"Channels {', '.join(wanted.channels)} name one twice; give each its own name.")
    kind = _KINDS[wanted.pixel]
    if wanted.width * wanted.height * len(wanted.channels) * kind.itemsize > LARGEST_SEGMENT:
        raise SpoolError(
            f"{wanted.name} would take more than {LARGEST_SEGMENT} bytes; give fewer channels.", code="too_large"
        )
    return (wanted.height, wanted.width, len(wanted.channels)), kind


def _segment(exchange: Path, name: str, size: int, flags: int) -> int:
    """A descriptor of a segment that is a plain file of the right size."""
    path = exchange / name  # 32 digits: the message was checked
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SpoolError(
            f"There is no segment {name} ({error.strerror}); make it in welcome.exchange first."
        ) from error
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise AccessError(f"Segment {name} is no plain file; make one in welcome.exchange.")
    if facts.st_size != size:
        os.close(handle)
        raise SpoolError(f"Segment {name} has {facts.st_size} bytes and {size} are needed; make it of that size.")
    return handle
