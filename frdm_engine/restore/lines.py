"""What tells a scratch from an edge: it is as sure from end to end, and the picture goes on alike on both its sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frdm_engine.restore.bars import Line

Plane = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

BESIDE = (2, 3, 4)
"""Pixels beside a line, counted from its last one, that show what lies on that side; the first is its soft rim."""
LEAST = 1e-6
"""Change under which a repair changes nothing."""
ALL = slice(None)


@dataclass(frozen=True)
class Laid:
    """What is laid in on what: ``fill`` and ``picture``, (H, W, 3) each, model encoding."""

    picture: Plane
    fill: Plane


@dataclass(frozen=True)
class Lines:
    """The rows of ``count`` repairs, (N) each.

    owner: a row's repair; y: where it lies; left, right: its outermost pixels; middle: its surest one; surest: how
    probable that is.
    """

    count: int
    owner: Indices
    y: Indices
    left: Indices
    right: Indices
    middle: Indices
    surest: Plane

    @classmethod
    def of(cls, y: Indices, x: Indices, repair: npt.NDArray[np.int32], chance: Plane, count: int) -> Lines:
        """From the pixels of repairs, (P) each: where they lie, whose they are and how probable."""
        order = np.lexsort((-chance, y, repair))
        owner, y, x = repair[order].astype(np.int64), y[order], x[order]
        first = np.flatnonzero(np.diff(owner, prepend=-1) | np.diff(y, prepend=-1))  # the surest of each row
        left, right = np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)
        return cls(count, owner[first], y[first], left, right, x[first], chance[order][first])

    def mean(self, values: npt.NDArray[np.generic], rows: npt.NDArray[np.bool_] | slice = ALL) -> Values:
        """Mean (count) over the rows of each repair, or over some of them, whose ``values`` are told; 0 without any."""
        owner = self.owner[rows]
        return np.bincount(owner, values, self.count) / np.maximum(np.bincount(owner, minlength=self.count), 1)

    def whole(self) -> Values:
        """Share (count) of the height of each repair in which it has rows: 1 without gaps."""
        top, bottom = np.full(self.count, np.iinfo(np.int64).max), np.zeros(self.count, np.int64)
        np.minimum.at(top, self.owner, self.y)
        np.maximum.at(bottom, self.owner, self.y)
        return np.bincount(self.owner, minlength=self.count) / np.maximum(bottom - top + 1, 1)

    def opacity(self, bars: Line, laid: Laid | None) -> Values:
        """By how much each repair (count) is laid in, 0 to 1. Without ``laid`` its sides are not looked at."""
        whole = self.whole()
        along, sure = (whole * self.mean(values) for values in (self.surest, self.surest > bars.level))
        out = _ramp(along, *bars.along) * _ramp(sure, *bars.sure)
        if laid is not None:
            out *= 1 - _ramp(self.sides(laid), *bars.sides)
        level, share = bars.told
        return np.where(whole * self.mean(self.surest > level) >= share, 1.0, out)

    def sides(self, laid: Laid) -> Values:
        """Difference (count) of what lies left and right of each repair over what it changes, on the mean along it.

        Rows whose sides are not both inside the frame are not counted.
        """
        inside = (self.left >= BESIDE[-1]) & (self.right < laid.picture.shape[1] - BESIDE[-1])
        y, middle = self.y[inside], self.middle[inside]
        left, right = (
            np.mean([laid.picture[y, edge[inside] + away].mean(axis=-1) for away in beside], axis=0)
            for edge, beside in ((self.left, -np.array(BESIDE)), (self.right, BESIDE))
        )
        change = (laid.fill[y, middle] - laid.picture[y, middle]).mean(axis=-1)
        step, altered = (np.abs(self.mean(values, inside)) for values in (left - right, change))
        return step / np.maximum(altered, LEAST)


def _ramp(values: Values, least: float, whole: float) -> Values:
    return np.clip((values - least) / (whole - least), 0, 1)
