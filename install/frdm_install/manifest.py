"""The record of what was written, kept beside it: every file with its SHA-256, the wheels, the lines in `init.py`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from frdm_install.errors import InstallError

NAME = "manifest.json"
FORMAT = 1


@dataclass
class Manifest:
    """What an installation wrote. `pending` is what one that did not come to its end was about to write."""

    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    wheels: dict[str, dict[str, str]] = field(default_factory=dict)
    block: str = ""
    made_init: bool = False
    made_folder: bool = False
    format: int = FORMAT

    def wrote(self, path: str, content: bytes) -> bool:
        """Whether a file is as an installation wrote it."""
        return digest(content) in (self.files.get(path), self.pending.get(path))

    @property
    def paths(self) -> list[str]:
        """Every file that may be there."""
        return sorted({*self.files, *self.pending})


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def is_inside(name: str) -> bool:
    """Whether a relative path stays below its folder, on every system."""
    return bool(name) and not {"..", "\\", ":"} & {*PurePosixPath(name).parts, *name} and not name.startswith("/")


def load(folder: Path) -> Manifest | None:
    """The record in a folder, or None if there is none.

    Raises:
        InstallError: it cannot be read, or a newer FRDM wrote it.
    """
    path = folder / NAME
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror}); see to its permissions.") from error
    try:
        plain: Any = json.loads(raw)
        if plain["format"] != FORMAT:
            raise InstallError(f"{path} is of another version of FRDM; uninstall with that version first.")
        found = Manifest(**plain)
        if not all(is_inside(name) for name in found.paths):
            raise ValueError("a path that leads elsewhere")
        return found
    except (ValueError, TypeError, KeyError) as error:
        raise InstallError(f"{path} is damaged; remove the folder {folder} and install again.") from error


def text(manifest: Manifest) -> bytes:
    """The record as it is stored."""
    return (json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n").encode()
