"""New colours for a plate: some pixels of a view, given a band of rows at a time.

So a frame on its way out needs no second and third copy of itself in floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from frdm_engine.plates.bands import bands
from frdm_engine.plates.exr import Part, Plane
from frdm_engine.plates.samples import from_float

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Change:
    """New colours, encoded as `Plate.rgb` gives them, for the pixels ``where`` (H, W) is True.

    ``colours`` takes rows and gives (n, 3): those of the n pixels of ``where`` in these rows, in their order.
    """

    where: npt.NDArray[np.bool_]
    colours: Callable[[slice], npt.NDArray[np.floating[Any]]]

    @classmethod
    def whole(cls, pixels: npt.NDArray[np.floating[Any]]) -> Change:
        """All pixels of a view, (H, W, 3)."""
        return cls(np.ones(pixels.shape[:2], dtype=bool), lambda rows: pixels[rows].reshape(-1, 3))


class NotFiniteError(ValueError):
    """A new colour is NaN or Inf where the plate's is not."""


def changed(part: Part, change: Change, *, at: tuple[int, ...], was: Callable[[slice], Pixels]) -> Part:
    """The part with samples replaced in its planes ``at``, three colours or one grey, where they differ.

    ``was`` gives the plate's own colours as ``change.colours`` gives the new ones: what equals them keeps its bits.

    Raises:
        NotFiniteError: a sample that differs is NaN or Inf.
    """
    planes = list(part.planes)
    for rows in _rows(change):
        where, old = change.where[rows], was(rows)
        new = np.asarray(change.colours(rows), dtype=np.float32)
        differs = (new != old) & ~(np.isnan(new) & np.isnan(old))
        if not np.isfinite(new[differs]).all():
            raise NotFiniteError
        if len(at) == 1:
            new = new.mean(axis=-1, keepdims=True, dtype=np.float32)
            differs = np.asarray(differs.any(axis=-1, keepdims=True))
        for channel, index in enumerate(at):
            those = differs[:, channel]
            if those.any():
                if planes[index] is part.planes[index]:
                    planes[index] = planes[index].copy()
                mask = where.copy()
                mask[where] = those
                plane = planes[index]
                plane[rows][mask] = from_float(new[those, channel], dtype=plane.dtype, bits=part.bits)
    return replace(part, planes=tuple(planes))


def difference(change: Change, *, was: Callable[[slice], Pixels]) -> tuple[Plane, ...]:
    """New colours minus the plate's own: three planes (H, W) of half, 0 where nothing changes; told as `changed`."""
    planes = tuple(np.zeros(change.where.shape, np.float16) for _ in range(3))
    for rows in _rows(change):
        more = np.asarray(change.colours(rows), dtype=np.float32) - was(rows)
        for channel, plane in enumerate(planes):
            plane[rows][change.where[rows]] = from_float(more[:, channel], dtype=np.float16, bits=16)
    return planes


def _rows(change: Change) -> Iterator[slice]:
    """Bands in which something may change."""
    for rows in bands(len(change.where)):
        if change.where[rows].any():
            yield rows
