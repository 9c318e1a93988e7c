"""What a user writes, as frames on disk: patterns, ranges, folders and single files.

Padding is counted as Nuke counts it: one digit for each `#` or `@`, four for `%04d`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fileseq.constants import PAD_STYLE_HASH1
from fileseq.exceptions import FileSeqException
from fileseq.filesequence import FileSequence

from frdm_engine.errors import OutputError, SequenceError

IMAGE_SUFFIXES = (".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg")
MAX_FRAMES = 10_000_000
RANGE_FORMS = "1001-1100, 1001-1100x2, 1,5,9-12 or -5--1"

_RANGE = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x(\d{1,9}))?)?")
# A minus is a sign only where it cannot be a hyphen of the name: first, or after a dot or underscore.
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>(?:(?:(?<=[._])|^)-)?\d{1,9})(?P<suffix>\.[A-Za-z0-9]+)")
_PADDING = re.compile(r"%0?\d*d|#+|@+")


def parse_frames(text: str) -> tuple[int, ...]:
    """Frame numbers of a list such as `1,5,9-12`, sorted, each once.

    Raises:
        SequenceError: the text is none of the accepted forms, or asks for too many frames.
    """
    frames: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise SequenceError(f"Frames {text!r} are not understood; write {RANGE_FORMS}.")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        step = 1 if match[3] is None else int(match[3])
        if last < first or step < 1:
            raise SequenceError(f"Frames {part.strip()!r} run backwards or stand still; write {RANGE_FORMS}.")
        if (last - first) // step + len(frames) >= MAX_FRAMES:
            raise SequenceError(f"Frames {text!r} are more than {MAX_FRAMES:,}; ask for fewer at a time.")
        frames.update(range(first, last + 1, step))
    return tuple(sorted(frames))


@dataclass(frozen=True)
class Sequence:
    """Frames of one image sequence. `names[i]` in `folder` is the file of `frames[i]`, sorted by number.

    `width` is the count of digits numbers are padded to, or 0 for a single file without a number.
    """

    folder: Path
    prefix: str
    suffix: str
    width: int
    frames: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def find(cls, spec: str | Path) -> Sequence:
        """The frames on disk that `spec` means: a pattern (with a range or without), a folder or a file.

        Raises:
            SequenceError: nothing is there, or a folder holds more than one sequence.
        """
        path = Path(spec)
        if path.is_dir():
            return _find_in_folder(path)
        if path.is_file():
            return _single_file(path)
        if not _PADDING.search(path.name):
            raise SequenceError(f"{path} is not there; give a file, a folder or a pattern such as plate.%04d.exr.")
        prefix, suffix, width, wanted = _parse_pattern(path.name)
        found = _matching(path.parent, prefix=prefix, suffix=suffix, width=width)
        if not found:
            shown = f"{prefix}{'#' * width}{suffix}"
            raise SequenceError(f"No frame {shown} is in {path.parent}; check the name and the number of digits.")
        if wanted:
            absent = [frame for frame in wanted if frame not in found]
            if absent:
                listed = _shorten(absent)
                raise SequenceError(f"Frames {listed} of {spec} are not there; narrow the range or add the files.")
            found = {frame: found[frame] for frame in wanted}
        return cls(path.parent, prefix, suffix, width, tuple(sorted(found)), tuple(found[f] for f in sorted(found)))

    @classmethod
    def output(cls, spec: str | Path, *, frames: Iterable[int], like: Sequence) -> Sequence:
        """The files to be written for `frames`, which need not exist; nothing is created.

        A folder (one that exists, or a name without an image's extension) takes the names of `like`.

        Raises:
            SequenceError: no frames, one file name for several, or a range that is not `frames`.
            OutputError: a file to be written is a file of `like`.
        """
        path = Path(spec)
        wanted = tuple(sorted(set(frames)))
        if not wanted:
            raise SequenceError(f"No frames are to be written to {path}; check the range.")
        if path.is_dir() or str(spec).endswith("/") or path.suffix.lower() not in IMAGE_SUFFIXES:
            made = cls(path, like.prefix, like.suffix, like.width, wanted, tuple(map(like.name, wanted)))
        elif _PADDING.search(path.name):
            prefix, suffix, width, listed = _parse_pattern(path.name)
            if listed and listed != wanted:
                raise SequenceError(f"The range in {spec} is not the frames to be written; leave it out.")
            names = tuple(_name(frame, prefix=prefix, suffix=suffix, width=width) for frame in wanted)
            made = cls(path.parent, prefix, suffix, width, wanted, names)
        elif len(wanted) == 1:
            single = _single_file(path)
            made = cls(path.parent, single.prefix, single.suffix, single.width, wanted, (path.name,))
        else:
            raise SequenceError(f"{path} is one file for {len(wanted)} frames; write {path.stem}.%04d{path.suffix}.")
        return made._apart_from(like)

    @property
    def pattern(self) -> str:
        """The name with `%04d` in place of the number, folder included."""
        number = f"%0{self.width}d" if self.width else ""
        return str(self.folder / f"{self.prefix}{number}{self.suffix}")

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers between the first and the last frame that have no file."""
        have = set(self.frames)
        return tuple(frame for frame in range(self.frames[0], self.frames[-1] + 1) if frame not in have)

    def path(self, frame: int) -> Path:
        """The file of `frame`.

        Raises:
            SequenceError: the sequence has no such frame.
        """
        if frame not in self._index:
            held = f"{self.frames[0]}-{self.frames[-1]}"
            raise SequenceError(f"Frame {frame} is not in {self.pattern}, which holds {held}; check the range.")
        return self.folder / self._index[frame]

    def name(self, frame: int) -> str:
        """The file name of any frame number, whether the sequence holds it or not."""
        return self._index.get(frame) or _name(frame, prefix=self.prefix, suffix=self.suffix, width=self.width)

    def only(self, frames: Iterable[int]) -> Sequence:
        """The same sequence with these frames alone.

        Raises:
            SequenceError: one of them is not there.
        """
        wanted = tuple(sorted(set(frames)))
        names = tuple(self.path(frame).name for frame in wanted)
        return Sequence(self.folder, self.prefix, self.suffix, self.width, wanted, names)

    @cached_property
    def _index(self) -> dict[int, str]:
        return dict(zip(self.frames, self.names, strict=True))

    def _apart_from(self, like: Sequence) -> Sequence:
        theirs = {(like.folder / name).resolve() for name in like.names}
        for name in self.names:
            if (self.folder / name).resolve() in theirs:
                raise OutputError(f"{self.folder / name} is the input itself; choose another output name or folder.")
        return self


def _name(frame: int, *, prefix: str, suffix: str, width: int) -> str:
    # As C and Nuke format %04d: the minus counts as a digit.
    return f"{prefix}{frame:0{width}d}{suffix}" if width else f"{prefix}{suffix}"


def _parse_pattern(name: str) -> tuple[str, str, int, tuple[int, ...]]:
    try:
        parsed = FileSequence(name, pad_style=PAD_STYLE_HASH1)
    except FileSeqException as error:
        raise SequenceError(f"{name} is not a pattern; write plate.%04d.exr or plate.1001-1100####.exr.") from error
    text = parsed.frameRange()
    return parsed.basename(), parsed.extension(), max(parsed.zfill(), 1), parse_frames(text) if text else ()


def _matching(folder: Path, *, prefix: str, suffix: str, width: int) -> dict[int, str]:
    """File names by frame. A number may be longer than `width`, but never padded further than it."""
    if not folder.is_dir():
        raise SequenceError(f"The folder {folder} is not there; check the path.")
    number = re.compile(re.escape(prefix) + r"(-?)(\d{1,9})" + re.escape(suffix))
    found: dict[int, str] = {}
    for entry in sorted(folder.iterdir()):
        match = number.fullmatch(entry.name)
        if match is None or not entry.is_file():
            continue
        sign, digits = match.groups()
        frame = int(sign + digits)
        # C's %04d counts the minus as a digit (-003), other tools do not (-0003): both are found.
        if sign + digits not in (f"{frame:0{width}d}", f"{sign}{abs(frame):0{width}d}"):
            continue
        if frame in found:
            raise SequenceError(f"{folder} holds frame {frame} as {found[frame]} and {entry.name}; remove one.")
        found[frame] = entry.name
    return found


def _single_file(path: Path) -> Sequence:
    match = _NUMBERED.fullmatch(path.name)
    if match is None:
        return Sequence(path.parent, path.stem, path.suffix, 0, (1,), (path.name,))
    digits = match["number"].lstrip("-")
    frame = int(match["number"])
    return Sequence(path.parent, match["prefix"], match["suffix"], len(digits), (frame,), (path.name,))


def _find_in_folder(folder: Path) -> Sequence:
    groups: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.suffix.lower() not in IMAGE_SUFFIXES or not entry.is_file():
            continue
        one = _single_file(entry)
        groups.setdefault((one.prefix, one.suffix), []).append((one.frames[0], entry.name, one.width))
    if not groups:
        known = " ".join(IMAGE_SUFFIXES)
        raise SequenceError(f"The folder {folder} holds no images ({known}); give the folder of the frames.")
    if len(groups) > 1:
        listed = ", ".join(
            f"{prefix}{'#' * min(width for _, _, width in members)}{suffix}"
            for (prefix, suffix), members in sorted(groups.items())
        )
        raise SequenceError(f"The folder {folder} holds {len(groups)} sequences ({listed}); name the one you mean.")
    (prefix, suffix), members = groups.popitem()
    members.sort()
    frames = tuple(frame for frame, _, _ in members)
    if len(set(frames)) != len(frames):
        raise SequenceError(f"The folder {folder} holds a frame of {prefix}*{suffix} twice; remove the spare files.")
    # A negative number may have given a digit to its minus, so the others tell the width.
    width = min((width for frame, _, width in members if frame >= 0), default=members[0][2])
    return Sequence(folder, prefix, suffix, width, frames, tuple(name for _, name, _ in members))


def _shorten(frames: list[int]) -> str:
    shown = ", ".join(str(frame) for frame in frames[:8])
    return shown if len(frames) <= 8 else f"{shown} and {len(frames) - 8} more"
