"""The largest repairs of a shot: each place once, however many frames show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from frdm_engine.report.lines import Box, Line

KEPT = 64
"""Places of a class remembered on the way, the largest."""
SAME = 0.5
"""Two boxes that share this part of what they cover together are one place."""


@dataclass
class Place:
    """A repair: where it is largest, and where else it was seen."""

    kind: str
    frame: int
    view: str
    box: Box
    first: int
    last: int
    frames: int = 1


class Places:
    """Collects repairs frame by frame in ascending order; memory does not grow with the frames."""

    def __init__(self) -> None:
        self._by_kind: dict[tuple[str, str], list[Place]] = {}

    def add(self, line: Line) -> None:
        """Takes the repairs of one more frame."""
        for name, view in line.views.items():
            kinds = view.kinds or ("",) * len(view.largest)
            for kind in dict.fromkeys(kinds):
                boxes = [box for box, of in zip(view.largest, kinds, strict=True) if of == kind]
                self._add(line.frame, name, kind, boxes)

    def largest(self, most: int) -> dict[str, list[Place]]:
        """By class the largest places, largest first; classes in the order they were met."""
        out: dict[str, list[Place]] = {}
        for (_, kind), places in self._by_kind.items():
            out.setdefault(kind, []).extend(places)
        return {kind: sorted(places, key=_size)[:most] for kind, places in out.items()}

    def _add(self, frame: int, view: str, kind: str, boxes: list[Box]) -> None:
        places = self._by_kind.setdefault((view, kind), [])
        known = list(places)
        alike = _overlap([place.box for place in known], boxes) >= SAME
        met = alike.argmax(axis=0) if known else []
        for index, box in enumerate(boxes):
            if not known or not alike[met[index], index]:
                places.append(Place(kind, frame, view, box, frame, frame))
                continue
            place = known[met[index]]
            place.frames += place.last != frame
            place.last = frame
            if box[4] > place.box[4]:
                place.frame, place.box = frame, box
        places.sort(key=_size)
        del places[KEPT:]


def _size(place: Place) -> tuple[int, int]:
    return -place.box[4], place.frame


def _overlap(first: Iterable[Box], second: Iterable[Box]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Intersection over union of each of the first boxes (N) with each of the second (M): (N, M)."""
    a = np.array(list(first), np.float64).reshape(-1, 1, 5)
    b = np.array(list(second), np.float64).reshape(1, -1, 5)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., :2] + a[..., 2:4], b[..., :2] + b[..., 2:4])
    inside = np.clip(high - low, 0, None).prod(axis=-1)
    area = a[..., 2:4].prod(axis=-1) + b[..., 2:4].prod(axis=-1) - inside
    return np.asarray(inside / np.maximum(area, 1), np.float64)
