"""Frame numbers: lists as text, runs, windows. Whole numbers, also negative ones."""

from __future__ import annotations

from typing import Iterable, Iterator, List, Sequence, Set, Tuple

from frdm_bridge.errors import UsageError
from frdm_bridge.files import parse_frames
from frdm_bridge.frames import MOST, count_frames
from frdm_nuke.errors import SetupError


def parse(text: str) -> Tuple[int, ...]:
    """The frames of `1001-1100`, `1001-1100x2`, `1,5,9-12` or `-5--1`, in order.

    Raises:
        SetupError: it is no such list, or names more than 100,000 frames.
    """
    plain = text.replace(" ", "")
    if not 0 < count_frames(plain) <= MOST:
        raise SetupError(f"The frames {text!r} are not understood; write 1001-1100, 1001-1100x2 or 1,5,9-12.")
    try:
        return tuple(sorted(parse_frames(plain)))
    except UsageError as error:
        raise SetupError(str(error)) from error


def runs(frames: Iterable[int]) -> Iterator[Tuple[int, int]]:
    """First and last of each run of neighbouring frames."""
    ordered = sorted(set(frames))
    start = 0
    for index, frame in enumerate(ordered):
        if index + 1 == len(ordered) or ordered[index + 1] != frame + 1:
            yield ordered[start], frame
            start = index + 1


def text(frames: Iterable[int]) -> str:
    """The shortest list that names the frames: `1001-1010,1015`."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs(frames))


def window(frame: int, reach: int, span: Tuple[int, int]) -> range:
    """The frames within reach of one, none outside of the span (first, last)."""
    return range(max(frame - reach, span[0]), min(frame + reach, span[1]) + 1)


def windows(frames: Iterable[int], reach: int, span: Tuple[int, int]) -> Set[int]:
    """The windows of all these frames together."""
    return {near for frame in frames for near in window(frame, reach, span)}


def chunks(frames: Sequence[int], most: int) -> Iterator[Tuple[int, ...]]:
    """The frames in order, so many at a time."""
    for start in range(0, len(frames), most):
        yield tuple(frames[start : start + most])


def curve(frames: Iterable[int]) -> str:
    """The text of a curve that is 1 on these frames and 0 elsewhere, with constant keys, as a script holds it."""
    keys: List[str] = []
    for first, last in runs(frames):
        if not keys:
            keys.append(f"x{first - 1} 0")
        keys += [f"x{first} 1", f"x{last + 1} 0"]
    return "{curve K " + " ".join(keys) + "}" if keys else "0"
