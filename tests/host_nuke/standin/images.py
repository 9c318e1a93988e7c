"""What flows through the graph: float32 channels over a bounding box, y up, with format and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Tuple

import numpy as np
from numpy.typing import NDArray

from tests.host_nuke.standin.formats import Format

Pixels = NDArray[np.float32]
Box = Tuple[int, int, int, int]
"""Left, bottom, right, top; right and top are the first outside."""


class OpError(Exception):
    """A node cannot make its image. `node` is the one at fault."""

    def __init__(self, node: Any, sentence: str) -> None:
        super().__init__(f"{node.fullName()}: {sentence}")
        self.node = node


@dataclass(frozen=True)
class Moment:
    """What an image is asked for: a frame, a view, and the proxy scale."""

    frame: float
    view: str = "main"
    scale: float = 1.0

    def at(self, frame: float) -> Moment:
        """The same of another frame."""
        return replace(self, frame=frame)


@dataclass
class Image:
    """One frame. Arrays are (height, width) of the box, row 0 its bottom."""

    format: Format
    box: Box
    channels: Dict[str, Pixels] = field(default_factory=dict)
    metadata: Dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> Tuple[int, int]:
        """Of its arrays."""
        return (max(0, self.box[3] - self.box[1]), max(0, self.box[2] - self.box[0]))

    def over(self, name: str, box: Box) -> Pixels:
        """A channel over another box: black outside of its own, and black if there is none."""
        made = np.zeros((max(0, box[3] - box[1]), max(0, box[2] - box[0])), np.float32)
        own = self.channels.get(name)
        if own is None:
            return made
        x, y, r, t = (
            max(self.box[0], box[0]),
            max(self.box[1], box[1]),
            min(self.box[2], box[2]),
            min(self.box[3], box[3]),
        )
        if x < r and y < t:
            part = own[y - self.box[1] : t - self.box[1], x - self.box[0] : r - self.box[0]]
            made[y - box[1] : t - box[1], x - box[0] : r - box[0]] = part
        return made

    def within(self, box: Box) -> Image:
        """All channels over another box."""
        return replace(self, box=box, channels={name: self.over(name, box) for name in self.channels})

    def having(self, **what: Any) -> Image:
        """A copy with other parts."""
        return replace(self, **what)


def union(a: Box, b: Box) -> Box:
    """The box around both."""
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def black(format: Format) -> Image:
    """What an unconnected input gives: the format, and no channels."""
    return Image(format, (0, 0, format.width(), format.height()))
