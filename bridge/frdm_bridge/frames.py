"""Frame lists such as `1001-1048,1060x2`: counted by arithmetic, so that no list makes anybody allocate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from frdm_bridge.fields import Kind

MOST = 100_000
FORMS = "1001-1100, 1001-1100x2, 1,5,9-12 or -5--1"

_PART = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x(\d{1,9}))?)?", re.ASCII)


def count_frames(text: str) -> int:
    """How many frames a list names, repeats counted twice; -1 where it is no such list.

    The engine reads the same forms as `frdm restore --frames`.
    """
    total = 0
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return -1
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        step = 1 if match[3] is None else int(match[3])
        if last < first or step < 1:
            return -1
        total += (last - first) // step + 1
    return total


@dataclass(frozen=True)
class FrameList(Kind):
    """A list of frames, or the empty text."""

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, str) or len(value) > 4000:
            raise self.refuse(value, where)
        if value and not 1 <= count_frames(value) <= MOST:
            raise self.refuse(value, where)
        return value

    def words(self) -> str:
        return f"a list of at most {MOST:,} frames in 4000 characters, such as {FORMS}, or empty"
