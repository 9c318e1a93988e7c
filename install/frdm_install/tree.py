"""Changes to a folder: all decided before the first, each file whole or as it was, foreign files never touched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest

ASIDE = ".frdm-new"


@dataclass(frozen=True)
class Changes:
    """Paths to write and to remove, relative to the folder."""

    write: tuple[str, ...]
    remove: tuple[str, ...]


def compare(folder: Path, wanted: Mapping[str, bytes], known: Manifest) -> Changes:
    """What makes a folder hold what is wanted.

    Raises:
        InstallError: something is in the way that no installation wrote, or that was changed since.
    """
    write = []
    for path, content in wanted.items():
        there = read(folder / path)
        if there is not None and there != content and not known.wrote(path, there):
            what = "was changed since it was installed" if path in known.paths else "is there and is not FRDM's"
            raise InstallError(f"{folder / path} {what}; move it away, then run this again.")
        if there != content:
            write.append(path)
    remove = [path for path in known.paths if path not in wanted]
    for path in remove:
        there = read(folder / path)
        if there is not None and not known.wrote(path, there):
            raise InstallError(
                f"{folder / path} was changed since it was installed; move it away, then run this again."
            )
    return Changes(tuple(write), tuple(path for path in remove if read(folder / path) is not None))


def read(path: Path) -> bytes | None:
    """A file's content, or None if there is none.

    Raises:
        InstallError: something else has its name, or it cannot be read.
    """
    try:
        if path.is_symlink():
            raise InstallError(f"{path} is a link; move it away, then run this again.")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise InstallError(f"{path} has a file where a folder must be; move that away, then run this again.") from error
    except IsADirectoryError as error:
        raise InstallError(f"{path} is a folder; move it away, then run this again.") from error
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror}); see to its permissions.") from error


def aside(path: Path) -> Path:
    """The name that a file has until it is whole."""
    return path.with_name(path.name + ASIDE)


def write(path: Path, content: bytes) -> None:
    """Writes a file under another name and renames it; one that was there keeps its permissions.

    Raises:
        InstallError: it cannot be written.
    """
    new = aside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with new.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                new.chmod(path.stat().st_mode & 0o7777)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise InstallError(
            f"{path} cannot be written ({error.strerror}); see to room and permissions, close what uses it, "
            "then run this again."
        ) from error


def remove(folder: Path, paths: Iterable[str], *, made: Iterable[str]) -> None:
    """Removes files below a folder, what Python compiled of them, and of the folders `made` those that are empty then.

    Raises:
        InstallError: one cannot be removed.
    """
    empty = {folder / one for one in made}
    for path in (folder / name for name in paths):
        compiled = path.parent / "__pycache__"
        unlink(path)
        unlink(aside(path))
        for one in compiled.glob(f"{path.stem}.*.pyc") if path.suffix == ".py" else ():
            unlink(one)
        empty.add(compiled)
    for one in sorted(empty, key=lambda one: -len(one.parts)):
        prune(one)


def unlink(path: Path) -> None:
    """Removes a file, if it is there.

    Raises:
        InstallError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InstallError(
            f"{path} cannot be removed ({error.strerror}); see to its permissions, close what uses it, "
            "then run this again."
        ) from error


def prune(folder: Path) -> None:
    """Removes a folder, if it is there and empty.

    Raises:
        InstallError: it cannot be removed.
    """
    try:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise InstallError(f"{folder} cannot be removed ({error.strerror}); see to its permissions.") from error
