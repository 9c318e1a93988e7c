"""What the engine may touch: paths from the wire are resolved, and must lie in folders it was started with (C8)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frdm_bridge.frames import MOST, count_frames
from frdm_engine.errors import AccessError, InputError
from frdm_engine.plates.sequence import Sequence

MOST_DIGITS = 12
_PADDING = re.compile(r"%0?(\d*)d|#+|@+")
_RANGE = re.compile(r"-?\d+--?\d+(?:[xy:]\d+)?(?:,[\dxy:,-]*)?$")


@dataclass(frozen=True)
class Roots:
    """Folders to read in and folders to write in, each with all below it. Without any, nothing on disk is allowed.

    Raises:
        InputError: a folder is not there.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        for name in ("read", "write"):
            object.__setattr__(self, name, tuple(_folder(path) for path in getattr(self, name)))

    def readable(self, path: str) -> Path:
        """Where a plate, mask, model or pattern of them really lies; links in its folder are followed, `..` is refused.

        Raises:
            AccessError: outside of the folders to read.
            InputError: its folder is not there.
        """
        given = _absolute(path)
        whole = given if given.exists() else given.parent
        try:
            real = Path(os.path.realpath(whole, strict=True))
        except OSError as error:
            raise InputError(f"{whole} cannot be opened ({error.strerror}); check the path.") from error
        if not _inside(real, self.read):
            raise AccessError(_outside(path, "read", "--read"))
        if real.exists() and not (real.is_dir() or real.is_file()):
            raise AccessError(f"{path} is no plain file; give images.")
        return real if whole == given else real / given.name

    def writable(self, path: str) -> Path:
        """Where a result or pattern of results really lies. The folder need not be there yet.

        Raises:
            AccessError: outside of the folders to write.
        """
        given = _absolute(path)
        folder, rest = (given, "") if given.is_dir() else (given.parent, given.name)
        there = folder
        while not there.exists() and not there.is_symlink():
            there = there.parent
        try:
            real = Path(os.path.realpath(there, strict=True))
        except OSError as error:
            raise AccessError(f"{there} leads nowhere ({error.strerror}); check the path.") from error
        if not real.is_dir():
            raise AccessError(f"{there} is no folder; choose another output.")
        folder = real / folder.relative_to(there)
        if not _inside(folder, self.write):
            raise AccessError(_outside(path, "write", "--write"))
        # What lies there under the name itself is judged by `check_outputs`, file by file.
        return folder / rest

    def check_inputs(self, source: Sequence) -> None:
        """Every file of a sequence is plain, and lies in the folders to read also where it is a link.

        Raises:
            AccessError: one does not.
        """
        for frame in source.frames:
            path = source.path(frame)
            try:
                facts = path.lstat()
                real = Path(os.path.realpath(path, strict=True)) if stat.S_ISLNK(facts.st_mode) else path
                facts = real.stat()
            except OSError as error:
                raise InputError(f"{path} cannot be opened ({error.strerror}); restore the file.") from error
            if not stat.S_ISREG(facts.st_mode):
                raise AccessError(f"{path} is no plain file; give images.")
            if real is not path and not _inside(real, self.read):
                raise AccessError(_outside(str(path), "read", "--read"))


def check_outputs(paths: Iterable[Path]) -> None:
    """What is there already under the name of a file to be written is a plain file.

    Raises:
        AccessError: it is a link, a folder, a pipe or a device.
    """
    for path in paths:
        try:
            facts = path.lstat()
        except OSError:
            continue  # not there, or not to be reached: then it cannot be written either, which the job will say
        if not stat.S_ISREG(facts.st_mode):
            raise AccessError(f"{path} is there and is no plain file; remove it or choose another output.")


def check_pattern(name: str) -> None:
    """A file name of the wire is one that makes nobody count or pad without bounds.

    Raises:
        InputError: its range or its padding is too large, or there is more than one.
    """
    found = list(_PADDING.finditer(name))
    if len(found) > 1:
        raise InputError(f"{name} has {len(found)} places for the frame number; write one, such as plate.%04d.exr.")
    for place in found:
        digits = int(place[1] or 0) if place[0].startswith("%") else len(place[0])
        if digits > MOST_DIGITS:
            raise InputError(f"{name} pads numbers to more than {MOST_DIGITS} digits; write plate.%04d.exr.")
        listed = _RANGE.search(name[: place.start()])
        if listed is not None and not 0 < count_frames(listed[0]) <= MOST:
            raise InputError(f"{name} holds a range of frames that is not understood; give it as the job's frames.")


def _absolute(path: str) -> Path:
    if "\0" in path or not path.startswith("/"):
        raise AccessError(
            f"{path!r} is not an absolute path at the engine; give the whole path, or a path mapping for it."
        )
    if ".." in path.split("/"):
        raise AccessError(f"{path} goes up with `..`; give the path without it.")
    given = Path(path)
    check_pattern(given.name)
    return given


def _folder(path: Path) -> Path:
    try:
        real = Path(os.path.realpath(path, strict=True))
    except OSError as error:
        raise InputError(
            f"The folder {path} cannot be opened ({error.strerror}); create it or name another."
        ) from error
    if not real.is_dir():
        raise InputError(f"{path} is no folder; name one.")
    return real


def _inside(path: Path, roots: tuple[Path, ...]) -> bool:
    return any(path == root or root in path.parents for root in roots)


def _outside(path: str, verb: str, option: str) -> str:
    return (
        f"{path} is outside of what the engine may {verb}; allow its folder with `frdm serve {option} DIR`, "
        "or let the client stream the frames."
    )
