"""Whether the disks hold what is to be written: asked before the first frame, for all shots of a run together."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frdm_engine.errors import OutputError
from frdm_engine.plates import Plate, Sequence
from frdm_engine.plates.exr import LOSSY

MATTE_CHANNELS = 5
SPARSE = 4
"""Mattes and differences are zeros for the most part: ZIP leaves less than one byte in so many."""


@dataclass(frozen=True)
class Need:
    """About so many bytes are yet to be written into a folder; `frames` counts results, not mattes beside them."""

    folder: Path
    frames: int
    bytes: int


def needs_of(
    plate: Plate, *, output: Sequence, matte: Sequence | None, difference: Sequence | None
) -> tuple[Need, ...]:
    """What one job needs, going by one of its plates. Frames that are there already need no more than they have."""
    pixels = 2 * plate.width * plate.height // SPARSE
    sizes = ((output, _size(plate)), (matte, MATTE_CHANNELS * pixels), (difference, 3 * pixels))
    needs = []
    for sequence, size in sizes:
        if sequence is not None:
            due = sum(not sequence.path(frame).exists() for frame in sequence.frames)
            needs.append(Need(sequence.folder, due if sequence is output else 0, due * size))
    return tuple(needs)


def check_room(needs: Iterable[Need]) -> None:
    """Refuses what the disks plainly cannot hold.

    Raises:
        OutputError: names a folder of the disk that is too small.
    """
    disks: dict[int, list[Need]] = {}
    for need in needs:
        disks.setdefault(_standing(need.folder).stat().st_dev, []).append(need)
    for members in disks.values():
        folder = _standing(members[0].folder)
        wanted, free = sum(need.bytes for need in members), shutil.disk_usage(folder).free
        if wanted > free:
            frames = sum(need.frames for need in members)
            raise OutputError(
                f"{folder} has {_shown(free)} free and {f'{frames:,} frames' if frames else 'the mattes'} need about "
                f"{_shown(wanted)}; free space or write elsewhere."
            )


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _size(plate: Plate) -> int:
    """Bytes of a result: those of the plate, or all of its pixels where the plate is smaller by having lost some."""
    lossy = any(part.spec.get_string_attribute("compression").split(":")[0] in LOSSY for part in plate.parts)
    raw = sum(plane.nbytes for part in plate.parts for plane in part.planes)
    return raw if lossy else plate.path.stat().st_size


def _standing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
