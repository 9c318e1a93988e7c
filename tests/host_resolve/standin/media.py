"""What lies on the disk: numbered EXR files, and movies, which only Resolve can read.

A movie stands in for a camera's: a file of its own kind (a line of JSON, then half floats) that no engine opens.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np

from tests.host_resolve.standin import exr, timecode
from tests.host_resolve.standin.exr import Picture

MAGIC = b"FRDM stand-in movie\n"
STILLS = {".exr": "EXR", ".dpx": "DPX", ".tif": "TIFF", ".tiff": "TIFF"}
"""Files of a picture each, by their format's name."""
SUFFIXES = {*STILLS, ".mov", ".mxf", ".mp4"}


class MediaError(Exception):
    """What cannot be read as a clip."""


@dataclass
class Media:
    """A clip on the disk; its frames count from 0."""

    path: str
    """Of a movie its file; of a sequence the pattern, `/x/a_%04d.exr`."""
    first: int
    """The number of a sequence's first file; 0 of a movie."""
    frames: int
    rate: Fraction
    start: int
    """Its timecode, in frames from 00:00:00:00."""
    width: int
    height: int
    drop: bool = False
    audio: bool = False

    @property
    def sequence(self) -> bool:
        return "%" in self.path

    @property
    def rate_name(self) -> str:
        """As timecode.exact() and drops() take it."""
        return f"{timecode.named(self.rate)}{' DF' if self.drop else ''}"

    def file(self, frame: int) -> Path:
        """The file that holds a frame."""
        return Path(self.path % (self.first + frame)) if self.sequence else Path(self.path)

    def listed(self) -> str:
        """The path as Resolve lists it: `/x/a_[1001-1009].exr`."""
        if not self.sequence:
            return self.path
        digits = re.search(r"%0?(\d*)d", self.path)
        pad = f"%0{digits[1] or 1}d" if digits else "%d"
        numbers = f"[{pad % self.first}-{pad % (self.first + self.frames - 1)}]"
        return re.sub(r"%0?\d*d", numbers, self.path)

    def picture(self, frame: int) -> Picture:
        """A frame's pixels.

        Raises:
            MediaError: it has no such frame, or its file is gone.
        """
        if not 0 <= frame < self.frames:
            raise MediaError(f"{self.listed()} has no frame {frame}")
        try:
            if self.sequence:
                return exr.read(self.file(frame))
            with open(self.path, "rb") as file:
                if file.readline() != MAGIC:
                    raise MediaError(f"{self.path} is no movie")
                json.loads(file.readline())
                size = self.width * self.height * 3 * 2
                file.seek(frame * size, 1)
                values = np.frombuffer(file.read(size), np.float16)
            return values.reshape(self.height, self.width, 3).astype(np.float32)
        except (OSError, exr.ExrError) as error:
            raise MediaError(str(error)) from error


def movie(
    path: Path, pictures: Sequence[Picture], *, fps: float = 24.0, start: str = "01:00:00:00", audio: bool = False
) -> Path:
    """Writes a movie of pictures of three channels, half float."""
    height, width = pictures[0].shape[:2]
    about = {"fps": fps, "start": start, "width": width, "height": height, "frames": len(pictures), "audio": audio}
    with open(path, "wb") as file:
        file.write(MAGIC)
        file.write(json.dumps(about).encode() + b"\n")
        for one in pictures:
            file.write(one.astype(np.float16).tobytes())
    return path


def open_movie(path: str) -> Media:
    """The clip in a movie.

    Raises:
        MediaError: it is none.
    """
    try:
        with open(path, "rb") as file:
            if file.readline() != MAGIC:
                raise MediaError(f"{path} is no movie")
            about = json.loads(file.readline())
    except OSError as error:
        raise MediaError(str(error)) from error
    rate = timecode.exact(about["fps"])
    start, drop = about["start"], ";" in about["start"]
    name = f"{about['fps']}{' DF' if drop else ''}"
    frames = timecode.to_frames(start, name)
    size = (about["width"], about["height"])
    return Media(path, 0, about["frames"], rate, frames, *size, drop=drop, audio=about["audio"])


def open_sequence(pattern: str, first: int, last: int, *, rate: Fraction) -> Media:
    """The clip of numbered files, at a rate where the files name none.

    Its timecode is the first file's; without one, the number of the first file.

    Raises:
        MediaError: one of its files is not there, or cannot be read.
    """
    numbers = range(first, last + 1)
    missing = [number for number in numbers if not Path(pattern % number).is_file()]
    if missing or not numbers:
        raise MediaError(f"{pattern} lacks {missing or 'frames'}")
    try:
        width, height, text, fps = exr.header(Path(pattern % first))
    except exr.ExrError as error:
        raise MediaError(str(error)) from error
    # The rate in a header is not looked at: that Resolve does is nowhere documented. A sequence has the project's.
    del fps
    start = timecode.to_frames(text, rate) if text and _fits(text, rate) else first
    return Media(pattern, first, last - first + 1, rate, start, width, height)


def _fits(text: str, rate: Fraction) -> bool:
    try:
        timecode.to_frames(text, rate)
    except ValueError:
        return False
    return True


def pattern_of(path: str) -> Optional[str]:
    """`/x/a_%04d.exr` of `/x/a_1001.exr`; None where the name bears no number."""
    found = re.match(r"^(.*?)(\d+)(\.[A-Za-z]+)$", path)
    return f"{found[1]}%0{len(found[2])}d{found[3]}" if found else None


def runs(pattern: str) -> Sequence[range]:
    """The runs of numbers without a gap that lie on the disk under a pattern."""
    folder, name = Path(pattern).parent, Path(pattern).name
    expression = re.compile(re.sub(r"%0?\d*d", r"(\\d+)", re.escape(name).replace(r"%", "%")))
    there = sorted(int(m[1]) for m in map(expression.fullmatch, (p.name for p in folder.glob("*"))) if m)
    found: List[range] = []
    for number in there:
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found
