"""Frames on the client's disk: what a pattern, folder or file name means there. Counts digits as the engine does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, Set

from frdm_bridge.errors import UsageError

IMAGE_SUFFIXES = (".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
_PADDING = re.compile(r"%0?(\d{0,2})d|#+|@+")
_NUMBERED = re.compile(r"(.*?)((?:(?:(?<=[._])|^)-)?\d{1,9})(\.[A-Za-z0-9]+)")
_PART = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x(\d{1,9}))?)?", re.ASCII)


@dataclass(frozen=True)
class Naming:
    """How files of a sequence are named. `width` is the digits numbers are padded to; 0: one file without a number."""

    folder: Path
    prefix: str
    suffix: str
    width: int

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        number = f"{frame:0{self.width}d}" if self.width else ""
        return self.folder / f"{self.prefix}{number}{self.suffix}"


def naming(spec: str) -> Naming:
    """How the files that a pattern or file name means are named.

    Raises:
        UsageError: it has more than one place for the number.
    """
    path = Path(spec)
    places = list(_PADDING.finditer(path.name))
    if len(places) > 1:
        raise UsageError(f"{path.name} has {len(places)} places for the frame number; write one, as plate.%04d.exr.")
    if not places:
        return Naming(path.parent, path.stem, path.suffix, 0)
    place = places[0]
    width = int(place[1] or 1) if place[0].startswith("%") else len(place[0])
    return Naming(path.parent, path.name[: place.start()], path.name[place.end() :], max(width, 1))


def find_frames(spec: str) -> Dict[int, Path]:
    """The files of a sequence by frame, sorted: of a pattern, a folder with one sequence, or one file.

    Raises:
        UsageError: nothing is there, or a folder holds more than one sequence.
    """
    path = Path(spec)
    if path.is_file():
        match = _NUMBERED.fullmatch(path.name)
        return {int(match[2]) if match else 1: path}
    found = _in_folder(path) if path.is_dir() else _matching(naming(spec))
    if not found:
        raise UsageError(f"No frame of {spec} is there; check the name and the number of digits.")
    return dict(sorted(found.items()))


def parse_frames(text: str) -> Set[int]:
    """The numbers of a list such as `1,5,9-12`, which `FrameList` has found well formed."""
    found: Set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise UsageError(f"Frames {text!r} are not understood; write 1001-1100, 1001-1100x2 or 1,5,9-12.")
        first = int(match[1])
        found.update(range(first, int(match[2] or first) + 1, int(match[3] or 1)))
    return found


def near(frames: Iterable[int], wanted: Set[int], *, reach: int) -> Set[int]:
    """Those of `frames` at most `reach` from one that is wanted."""
    return {frame for frame in frames if any(other in wanted for other in range(frame - reach, frame + reach + 1))}


def _matching(names: Naming) -> Dict[int, Path]:
    if not names.folder.is_dir() or not names.width:
        return {}
    number = re.compile(re.escape(names.prefix) + r"(-?\d{1,9})" + re.escape(names.suffix))
    found: Dict[int, Path] = {}
    for entry in names.folder.iterdir():
        match = number.fullmatch(entry.name)
        if match is None or not entry.is_file():
            continue
        frame = int(match[1])
        # C's %04d counts the minus as a digit (-003), other tools do not (-0003): both are found.
        if match[1] in (f"{frame:0{names.width}d}", f"-{-frame:0{names.width}d}"):
            found[frame] = entry
    return found


def _in_folder(folder: Path) -> Dict[int, Path]:
    groups: Dict[object, Dict[int, Path]] = {}
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.suffix.lower() not in IMAGE_SUFFIXES or not entry.is_file():
            continue
        match = _NUMBERED.fullmatch(entry.name)
        key = (match[1], match[3]) if match else (entry.stem, entry.suffix)
        groups.setdefault(key, {})[int(match[2]) if match else 1] = entry
    if len(groups) > 1:
        raise UsageError(f"The folder {folder} holds {len(groups)} sequences; name the one you mean.")
    return next(iter(groups.values()), {})
