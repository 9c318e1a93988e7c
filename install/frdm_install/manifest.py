"""The record of what was written, kept beside it: every file with its SHA-256, the wheels, the lines in `init.py`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from frdm_install.errors import InstallError

NAME = "manifest.json"
FORMAT = 2
OLDER = 1
"""A format that is still read: it told whether the folder itself was made, and of no folder within."""


@dataclass
class Manifest:
    """What an installation wrote. `pending` is what one that did not come to its end was about to write.

    `made` are folders below the one that was installed into, `above` how many from that one upwards were made;
    `options` is what a service was installed with.
    """

    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    wheels: dict[str, dict[str, str]] = field(default_factory=dict)
    block: str = ""
    made_init: bool = False
    made: list[str] = field(default_factory=list)
    above: int = 0
    options: list[str] = field(default_factory=list)
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
        InstallError: it cannot be read, or an FRDM that this one does not know wrote it.
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
        if plain["format"] not in (OLDER, FORMAT):
            raise InstallError(f"{path} is of another version of FRDM; uninstall with that version first.")
        found = Manifest(**(_newer(plain) if plain["format"] == OLDER else plain))
        if not all(is_inside(name) for name in (*found.paths, *found.made)):
            raise ValueError("a path that leads elsewhere")
        return found
    except (ValueError, TypeError, KeyError) as error:
        raise InstallError(f"{path} is damaged; remove the folder {folder} and install again.") from error


def folders_of(paths: Iterable[str]) -> set[str]:
    """Every folder on the way to files, relative as they are."""
    return {str(one) for path in paths for one in PurePosixPath(path).parents if str(one) != "."}


def _newer(plain: dict[str, Any]) -> dict[str, Any]:
    """A record of the older format in the words of this one; then every folder on the way was taken for FRDM's."""
    rest = {key: value for key, value in plain.items() if key != "made_folder"}
    made = sorted(folders_of({*plain.get("files", ()), *plain.get("pending", ())}))
    # For Nuke, which has lines in init.py, the record lay in FRDM's own folder, and told of the one above it.
    above = 1 + int(plain.get("made_folder", False)) if plain.get("block") else 0
    return {**rest, "made": made, "above": above, "format": FORMAT}


def text(manifest: Manifest) -> bytes:
    """The record as it is stored."""
    return (json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n").encode()
