"""Which frames the contact sheet shows: the most damaged, and an even walk through the shot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from frdm_engine.report.summary import Row

SHOWN = 18
"""Frames on the sheet at most."""


def choose(rows: Sequence[Row], *, broad: Iterable[int] = (), most: int = SHOWN) -> tuple[int, ...]:
    """Frame numbers in order of their worth: worst and even ones in turn, so that any beginning of it shows both.

    `broad` are the indices of classes that cover whole frames (flicker), which say little of how damaged a frame is.
    Of neighbours that are alike only one is worth showing, so the worst ones keep a distance.
    """
    left_out = set(broad)
    whole = [row for row in rows if row.state != "missing"]
    if len(whole) <= most:
        return tuple(row.frame for row in whole)

    def damage(row: Row) -> float:
        return sum(share for at, share in enumerate(row.shares) if at not in left_out)

    apart = max(1, len(whole) // (2 * most))
    at = {row.frame: index for index, row in enumerate(whole)}
    worst: list[int] = []
    for row in sorted(whole, key=lambda row: (-damage(row), row.frame)):
        if len(worst) == most // 2:
            break
        if all(abs(at[row.frame] - at[other]) >= apart for other in worst):
            worst.append(row.frame)
    even = [whole[index].frame for index in _spread(len(whole), most)]
    chosen: dict[int, None] = {}
    for index in range(max(len(worst), len(even))):
        for frames in (worst, even):
            if index < len(frames) and len(chosen) < most:
                chosen.setdefault(frames[index])
    return tuple(chosen)


def _spread(count: int, most: int) -> list[int]:
    """Indices of `most` things out of `count`, evenly apart, coarse before fine: the ends, the middle, quarters ..."""
    steps = min(count, most)
    even = [round(index * (count - 1) / max(1, steps - 1)) for index in range(steps)]
    order, stride = [0, steps - 1], steps
    while stride > 1:
        stride = -(-stride // 2)
        order.extend(range(0, steps, stride))
    return [even[index] for index in dict.fromkeys(order)]
