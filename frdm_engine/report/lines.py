"""The sidecar, a line at a time: however long a shot is, one frame's line is in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frdm_engine.errors import InputError

Box = tuple[int, int, int, int, int]
"""x, y, width, height of a repair in the data window, and how many pixels of it changed."""


@dataclass(frozen=True)
class View:
    """What was done to one view of a frame. `share` is the share of its pixels each class touched, of 1."""

    count: int
    share: dict[str, float]
    largest: tuple[Box, ...]
    kinds: tuple[str, ...]
    """The class of each of `largest`; empty in sidecars of versions that did not tell."""


@dataclass(frozen=True)
class Line:
    """What the sidecar says of a frame. `file` is the output's name, size and time as it was written."""

    frame: int
    key: str
    file: tuple[str, int, int]
    changed: float
    sampled: float
    seconds: float
    views: dict[str, View]

    @property
    def count(self) -> int:
        """Repairs in all views."""
        return sum(view.count for view in self.views.values())

    @property
    def share(self) -> dict[str, float]:
        """Share of the pixels each class touched, mean of the views."""
        names = dict.fromkeys(name for view in self.views.values() for name in view.share)
        return {
            name: sum(view.share.get(name, 0.0) for view in self.views.values()) / len(self.views) for name in names
        }


class Sidecar:
    """The lines of a sidecar by frame; of a frame done twice the later one counts. Keeps where each line begins.

    `bare`: it may hold no frame, or not be there, as where all of a shot failed.

    Raises:
        InputError: it cannot be read, or holds no frame.
    """

    def __init__(self, path: Path, *, bare: bool = False) -> None:
        self.path = path
        self.torn = 0
        """Lines that are no frame's: cut short by a kill, or damaged."""
        self._starts: dict[int, int] = {}
        try:
            with path.open("rb") as file:
                start = 0
                for raw in file:
                    line = _parsed(raw)
                    if line is None:
                        self.torn += bool(raw.strip())
                    else:
                        self._starts[line.frame] = start
                    start += len(raw)
        except OSError as error:
            if bare and isinstance(error, FileNotFoundError):
                self.frames: tuple[int, ...] = ()
                return
            raise InputError(
                f"{path} cannot be read ({error.strerror}); name the output of a restoration, whose sidecar it is."
            ) from error
        if not self._starts and not bare:
            raise InputError(f"{path} holds no frame yet; restore one first.")
        self.frames = tuple(sorted(self._starts))

    def __iter__(self) -> Iterator[Line]:
        """The lines, by frame number."""
        if not self.frames:
            return
        with self.path.open("rb") as file:
            for frame in self.frames:
                file.seek(self._starts[frame])
                line = _parsed(file.readline())
                if line is None or line.frame != frame:
                    raise InputError(f"{self.path} changed while it was read; run frdm report again when it rests.")
                yield line


def _parsed(raw: bytes) -> Line | None:
    """A line of a frame, or None where it is none."""
    try:
        said: Any = json.loads(raw)
        name, size, when = said["files"][0]
        views = {str(view): _view(entry) for view, entry in said["views"].items()}
        return Line(
            frame=int(said["frame"]),
            key=str(said["key"]),
            file=(str(name), int(size), int(when)),
            changed=float(said["changed"]),
            sampled=float(said["sampled"]),
            seconds=float(said["seconds"]),
            views=views,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _view(said: Any) -> View:
    boxes = []
    for box in said["largest"]:
        x, y, width, height, pixels = map(int, box)
        boxes.append((x, y, width, height, pixels))
    kinds = tuple(map(str, said.get("kinds", ())))
    share = {str(name): float(value) for name, value in said["share"].items()}
    return View(int(said["count"]), share, tuple(boxes), kinds if len(kinds) == len(boxes) else ())
