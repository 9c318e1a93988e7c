"""The node's files: where they lie, which are whole and what each was made of.

```
<folder>/<leaf>/<view>/plate.0001001.exr    the plate as it came into the node, and plate.0001001.json beside it
                       protect., force.     masks, alike
                       result., matte.      what the engine made; the record is result.0001001.json
```

A record tells what a file was made of. Records are one file a frame: render nodes share a cache folder.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Set

from frdm_nuke.errors import CacheError

DIGITS = 7
ROLES = ("plate", "protect", "force", "result", "matte")
_OURS = re.compile(r"(?:plate|protect|force|result|matte)\.-?\d{1,9}\.(?:exr|json)(?:\.tmp)?|result\.frdm\.jsonl")
VIEW = re.compile(r"%[Vv]")


@dataclass(frozen=True)
class Cache:
    """The files of one node and one view. Nothing here touches Nuke: any thread may."""

    folder: Path

    @classmethod
    def of(cls, pattern: str, view: str) -> Cache:
        """The cache whose plates have this pattern, `.../%V/plate.%07d.exr`, for a view."""
        return cls(Path(in_view(pattern, view)).parent)

    def pattern(self, role: str) -> str:
        """Path of a role's files for the engine, with `%07d` for the frame."""
        return str(self.folder / f"{role}.%0{DIGITS}d.exr")

    def file(self, role: str, frame: int) -> Path:
        """The image of a role at a frame."""
        return self.folder / f"{role}.{frame:0{DIGITS}d}.exr"

    def prepare(self) -> None:
        """Makes the folder and finds out whether it can be written.

        Raises:
            CacheError: it cannot.
        """
        trial = self.folder / f".frdm-{secrets.token_hex(8)}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            trial.write_bytes(b"")
            trial.unlink()
        except OSError as error:
            raise CacheError(
                f"The cache folder {self.folder} cannot be written ({error.strerror}); choose another on the node's "
                "tab Cache, or mend its permissions."
            ) from error

    def record(self, role: str, frame: int) -> Dict[str, Any]:
        """What a file was made of; empty where it is not there, or not as it was written."""
        try:
            found = json.loads(self._record(role, frame).read_text(encoding="utf-8"))
            whole = isinstance(found, dict) and found.get("bytes") == self.file(role, frame).stat().st_size
        except (OSError, ValueError):
            return {}  # a record that cannot be read vouches for nothing: the frame is made again
        return found if whole else {}

    def vouch(self, role: str, frame: int, facts: Dict[str, Any]) -> None:
        """Notes what a file was made of, in one step.

        Raises:
            CacheError: the file is not there, or the note cannot be written.
        """
        target = self._record(role, frame)
        part = target.with_name(f"{target.name}.tmp")
        try:
            size = self.file(role, frame).stat().st_size
            part.write_text(json.dumps({**facts, "bytes": size}, sort_keys=True), encoding="utf-8")
            os.replace(part, target)
        except OSError as error:
            raise CacheError(
                f"{self.file(role, frame)} could not be noted ({error.strerror}); free space in the cache folder, or "
                "choose another."
            ) from error

    def frames(self, role: str) -> Set[int]:
        """The frames whose image of a role is there with its record."""
        names = self._names()
        found = set()
        for name in names:
            head, _, rest = name.partition(".")
            number, _, suffix = rest.partition(".")
            if head == role and suffix == "json" and f"{role}.{number}.exr" in names:
                found.add(int(number))
        return found

    def forget(self, role: str, frames: Iterable[int]) -> None:
        """Deletes images of a role with their records; those that are not there are passed over.

        Raises:
            CacheError: one cannot be deleted.
        """
        for frame in frames:
            for path in (self._record(role, frame), self.file(role, frame)):
                _unlink(path)

    def clear(self) -> int:
        """Deletes all the node has written here; returns how many files. What it does not know stays.

        Raises:
            CacheError: a file cannot be deleted.
        """
        ours = [name for name in self._names() if _OURS.fullmatch(name)]
        for name in ours:
            _unlink(self.folder / name)
        for folder in (self.folder, self.folder.parent):
            try:
                folder.rmdir()
            except OSError:
                break  # something else lies in it, so it stays
        return len(ours)

    def report(self) -> Optional[Path]:
        """The engine's sidecar, a line a frame, where there is one."""
        path = self.folder / "result.frdm.jsonl"
        return path if path.is_file() else None

    def _record(self, role: str, frame: int) -> Path:
        return self.file(role, frame).with_suffix(".json")

    def _names(self) -> Set[str]:
        try:
            return {entry.name for entry in os.scandir(self.folder)}
        except OSError:
            return set()  # no folder: nothing was written yet


def in_view(pattern: str, view: str) -> str:
    """A path with a view's name in the place of %V, and its first letter in the place of %v."""
    return VIEW.sub(lambda found: view if found[0] == "%V" else view[:1], pattern)


def text(folder: str, leaf: str, branch: str, role: str) -> str:
    """What a file knob of the node holds: the folder as the artist wrote it, tokens and all, and the rest.

    `branch` is a folder within the node's own, or empty. Views have folders of their own unless the artist named %V.
    """
    parts: List[str] = [folder.replace("\\", "/").rstrip("/"), leaf]
    parts += [branch] if branch else []
    parts += [] if VIEW.search(folder) else ["%V"]
    return "/".join([*parts, f"{role}.%0{DIGITS}d.exr"])


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CacheError(
            f"{path} cannot be deleted ({error.strerror}); mend the cache folder's permissions."
        ) from error
