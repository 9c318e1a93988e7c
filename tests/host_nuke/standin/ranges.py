"""Boxes and frame ranges, as nodes tell them."""

from __future__ import annotations

import re
from typing import Any, Iterator, Tuple


class Info:
    """A box of pixels."""

    def __init__(self, box: Tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
        self._box = box

    def x(self) -> float:
        """Left."""
        return float(self._box[0])

    def y(self) -> float:
        """Bottom."""
        return float(self._box[1])

    def w(self) -> float:
        """Width."""
        return float(self._box[2] - self._box[0])

    def h(self) -> float:
        """Height."""
        return float(self._box[3] - self._box[1])


class FrameRange:
    """First, last and step; or its text, `1-10x2`."""

    def __init__(self, first: Any = 1, last: int = 1, increment: int = 1) -> None:
        if isinstance(first, str):
            match = re.fullmatch(r"\s*(-?\d+)(?:-(-?\d+))?(?:x(\d+))?\s*", first)
            if match is None:
                raise ValueError(f"{first!r} is no frame range")
            first, last, increment = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        self._parts = (int(first), int(last), int(increment))

    def first(self) -> int:
        """First frame."""
        return self._parts[0]

    def last(self) -> int:
        """Last frame."""
        return self._parts[1]

    def increment(self) -> int:
        """Step."""
        return self._parts[2]

    def frames(self) -> int:
        """How many."""
        return len(list(self))

    def minFrame(self) -> int:
        """The least."""
        return min(self._parts[:2])

    def maxFrame(self) -> int:
        """The greatest."""
        return max(self._parts[:2])

    def isInRange(self, n: int) -> bool:
        """Whether a frame is one of them."""
        return n in list(self)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._parts[0], self._parts[1] + 1, self._parts[2]))

    def __str__(self) -> str:
        first, last, step = self._parts
        return f"{first}-{last}" + (f"x{step}" if step != 1 else "")
