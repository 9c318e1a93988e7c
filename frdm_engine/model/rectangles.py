"""Marked cells of a frame in a few rectangles: work that is only due in places is done in these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.bool_]
"""(rows, columns) of equal squares: which are marked."""

MANY = 400
"""Places apart from each other from which looking for rectangles is not worth its while."""


@dataclass(frozen=True, order=True)
class Rectangle:
    """Cells from (x0, y0) to (x1, y1), ends exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    def joined(self, other: Rectangle) -> Rectangle:
        """The rectangle around both."""
        return Rectangle(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def near(self, other: Rectangle, cells: int) -> bool:
        """Whether no more than so many cells lie between them."""
        across = self.x0 - cells <= other.x1 and other.x0 - cells <= self.x1
        return across and self.y0 - cells <= other.y1 and other.y0 - cells <= self.y1

    def touches(self, other: Rectangle) -> bool:
        """Whether they share a cell, a side or a corner."""
        return self.near(other, 0)


Cost = Callable[[Rectangle], float]


def rectangles(
    cells: Cells, cost: Cost, *, most: float, fits: Callable[[Rectangle], bool] = lambda _: True
) -> list[Rectangle] | None:
    """All marked cells in rectangles that do not touch each other, in order; None where they cost more than ``most``.

    Those whose joint rectangle costs less than they do apart are joined, if it ``fits``; those that touch are joined in
    any case.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)
    if count - 1 > MANY:
        return None
    todo = [Rectangle(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:].tolist()]
    done: dict[Rectangle, float] = {}
    while todo:
        one = todo.pop()
        alone = cost(one)
        for other, others in done.items():
            if not one.near(other, 3):  # farther apart, nothing is saved
                continue
            both = one.joined(other)
            if one.touches(other) or (cost(both) <= alone + others and fits(both)):
                del done[other]
                todo.append(both)
                break
        else:
            done[one] = alone
    return sorted(done) if sum(done.values()) <= most else None
