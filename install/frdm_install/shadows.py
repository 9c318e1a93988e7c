"""Modules that Python would import in place of FRDM's: an older copy, or another build of pyzmq."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".py", ".pyc", ".so", ".pyd")


@dataclass(frozen=True)
class Shadow:
    """A module of a name of ours: `path` is its file, or its folder if it is a package."""

    name: str
    path: Path


def find(names: Iterable[str], folders: Iterable[Path]) -> list[Shadow]:
    """What `import NAME` would find in each of some folders, in their order; nothing is imported.

    A folder without `__init__` is no module here: Python prefers any other of its name, wherever that lies.
    """
    wanted = tuple(names)
    found = []
    for folder in dict.fromkeys(folders):
        for name in wanted:
            path = _module(folder, name)
            if path is not None:
                found.append(Shadow(name, path))
    return found


def python_path(environment: Mapping[str, str], *, name: str = "PYTHONPATH", separator: str = os.pathsep) -> list[Path]:
    """The folders of $PYTHONPATH, or of another such list: what is started from here looks into them first."""
    return [Path(one) for one in environment.get(name, "").split(separator) if one]


def _module(folder: Path, name: str) -> Path | None:
    package = folder / name
    try:
        if any((package / f"__init__{suffix}").is_file() for suffix in SUFFIXES):
            return package
        files = sorted(folder.glob(f"{name}.*"))
    except OSError:
        return None  # not for this user to read, and so not to import
    return next((one for one in files if one.suffix in SUFFIXES and one.is_file()), None)
