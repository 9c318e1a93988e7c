"""The chart of a shot: a strip a class, a column for each frame or, in a long shot, for a few; inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from frdm_engine.report.summary import Row

COLUMNS = 320
"""At most so many, so that a column can be seen and the page stays small."""
HEIGHT = 60.0
LEAST = 1.2
"""Height of a column that is not 0, so that little is seen as more than nothing."""


@dataclass(frozen=True)
class Bin:
    """Frames that share a column."""

    first: int
    last: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Column:
    """A column of a strip: left edge, top, and height in the strip's units; `title` says it in words."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True)
class Strip:
    """One curve of the chart. `top` is the value of a column as high as the strip."""

    columns: tuple[Column, ...]
    top: float


def bins(rows: Sequence[Row], frames: Sequence[int]) -> tuple[Bin, ...]:
    """Columns for `frames` (those asked for and those done, ascending), of which `rows` were done."""
    made = {row.frame: row for row in rows}
    each = -(-len(frames) // COLUMNS)
    groups = (frames[start : start + each] for start in range(0, len(frames), each))
    return tuple(Bin(group[0], group[-1], tuple(made[frame] for frame in group if frame in made)) for group in groups)


def strip(columns: Sequence[Bin], value: Callable[[Row], float], say: Callable[[float], str]) -> Strip:
    """The curve of a value; a column of several frames shows its highest, so that no single bad frame is lost."""
    highest = [max(one.rows, key=value) if one.rows else None for one in columns]
    top = max((value(row) for row in highest if row is not None), default=0.0)
    drawn = []
    for x, (one, row) in enumerate(zip(columns, highest, strict=True)):
        if row is None or value(row) <= 0:
            continue
        height = round(max(LEAST, HEIGHT * value(row) / top), 2)
        where = f"frame {row.frame}" if one.first == one.last else f"frame {row.frame} of {one.first}-{one.last}"
        drawn.append(Column(x, round(HEIGHT - height, 2), height, f"{where}: {say(value(row))}"))
    return Strip(tuple(drawn), top)


def column_of(columns: Sequence[Bin], frame: int) -> int | None:
    """The column that holds a frame."""
    return next((x for x, one in enumerate(columns) if one.first <= frame <= one.last), None)


def ticks(columns: Sequence[Bin], most: int = 6) -> tuple[tuple[float, int], ...]:
    """Places along the axis in percent (the middle of a column) and the first frame of each, evenly apart."""
    count = len(columns)
    at = sorted({round(index * (count - 1) / max(1, most - 1)) for index in range(most)})
    return tuple((round(100 * (x + 0.5) / count, 3), columns[x].first) for x in at)
