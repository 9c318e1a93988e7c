"""Seams between tiles, fine detail kept, and grain inside repairs.

Frames are (H, W, 3) float32, display-like code values about 0..1, and masks (H, W). All is measured on luma and
comes as sums that add up over frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from frdm_engine.evaluation.flow import flow, inside, warp
from frdm_engine.evaluation.picture import Array, Mask, Pool, Ratio, Sums, luma

LEAST_SEAM_PIXELS = 200
"""Changed pixels along tile borders under which a seam score would be chance."""
BESIDE = 2, 12
"""Lines that many pixels from a border, on either side, are what it is held against: they hold the same damage."""

_GRAIN_SIGMA = 1.5
_FLAT = 3 / 255
_LEAST_GRAIN_PIXELS = 100


@dataclass(frozen=True)
class Seams(Sums):
    """How the correction steps across tile borders, and across the lines beside them."""

    border: Pool = field(default_factory=Pool)
    other: Pool = field(default_factory=Pool)

    @property
    def score(self) -> float | None:
        """Mean step at borders over the mean step beside them: 1 is no seam, 2 is steps twice as high.

        None where too little was changed at borders, or nothing changes anywhere else.
        """
        at, away = self.border.mean, self.other.mean
        if at is None or not away or self.border.count < LEAST_SEAM_PIXELS:
            return None
        return at / away


def seams(result: Array, source: Array, *, columns: Sequence[int], rows: Sequence[int]) -> Seams:
    """Look for tile borders in what was changed.

    Args:
        result, source: the restored and the damaged frame, (H, W, 3).
        columns, rows: where tiles begin: a border runs between columns x - 1 and x, rows y - 1 and y.

    The steps measured are those of the correction, not of the picture, between pixels of which at least one was
    changed. A correction that stops at a border counts: that is a seam. Damage is scattered, so a border is compared
    with the lines beside it and not with the rest of the frame.
    """
    change = luma(result) - luma(source)
    total = Seams()
    for field_, lines in ((change, columns), (change.T, rows)):
        steps = np.abs(np.diff(field_, axis=1))
        touched = (field_[:, 1:] != 0) | (field_[:, :-1] != 0)
        at = np.zeros(steps.shape[1], np.bool_)
        at[[line - 1 for line in lines if 0 < line <= len(at)]] = True
        beside = np.zeros_like(at)
        for line in np.flatnonzero(at):
            beside[max(line - BESIDE[1], 0) : max(line - BESIDE[0] + 1, 0)] = True
            beside[line + BESIDE[0] : line + BESIDE[1] + 1] = True
        beside &= ~at
        sums, counts = steps.sum(axis=0, where=touched, dtype=np.float64), touched.sum(axis=0)
        total += Seams(
            Pool(float(sums[at].sum()), int(counts[at].sum())),
            Pool(float(sums[beside].sum()), int(counts[beside].sum())),
        )
    return total


def kept_detail(result: Array, truth: Array, *, where: Mask) -> Ratio:
    """The energy of fine detail in the result over the truth's, at the pixels `where` marks: 1 is all kept.

    Detail is the gradient of what a Gaussian of sigma 2 takes away. Give the pixels outside the damage.
    """
    energies = []
    for frame in (result, truth):
        level = luma(frame)
        fine = level - cv2.GaussianBlur(level, (0, 0), 2.0)
        right = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
        down = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
        energies.append(float((right**2 + down**2)[where].sum(dtype=np.float64)))
    return Ratio(*energies)


@dataclass(frozen=True)
class Grain(Sums):
    """Sums over the flat pixels of repairs."""

    result: Pool = field(default_factory=Pool)
    """Squared grain of the result."""
    truth: Pool = field(default_factory=Pool)
    """Squared grain of the truth at the same pixels."""
    result_beside: Pool = field(default_factory=Pool)
    """Product of the result's grain and that of its neighbours in time, brought along their motion."""
    truth_beside: Pool = field(default_factory=Pool)
    """The same of the truth."""
    neighbours: Pool = field(default_factory=Pool)
    """Squared grain of the result's neighbours, at the pixels of `result_beside`."""
    truth_neighbours: Pool = field(default_factory=Pool)
    """Squared grain of the truth's neighbours."""

    @property
    def strength(self) -> float | None:
        """Standard deviation of the grain in repairs over the truth's: under 1 is waxy; None of too few pixels."""
        ours, true = self.result.mean, self.truth.mean
        if ours is None or not true or self.result.count < _LEAST_GRAIN_PIXELS:
            return None
        return float(np.sqrt(ours / true))

    @property
    def frozen(self) -> float | None:
        """Correlation of the grain in repairs with the neighbours': near 1 was copied from them."""
        return _correlation(self.result, self.result_beside, self.neighbours)

    @property
    def frozen_truth(self) -> float | None:
        """The same of the truth, whose picture detail is in both frames: what `frozen` should be."""
        return _correlation(self.truth, self.truth_beside, self.truth_neighbours)


def grain_match(result: Array, truth: Array, frame: int, *, repaired: Mask) -> Grain:
    """Compare the grain inside repairs with the truth's.

    Args:
        result, truth: the restored and the undamaged clip, (T, H, W, 3).
        frame: which of its frames is measured; the ones beside it are looked at too.
        repaired: the pixels of that frame that were repaired, or were damaged, (H, W).

    Grain is what a small Gaussian leaves, taken over repaired pixels alone so that a repair's wrong level does
    not pass for grain, where the picture is flat.
    """
    flat = repaired & _flat(truth[frame])
    ours, true = _grain(result[frame], repaired), _grain(truth[frame], repaired)
    beside = [other for other in (frame - 1, frame + 1) if 0 <= other < len(truth)]
    # Each neighbour is a sample of its own, so that the sums under a correlation run over the same pixels.
    total = Grain()
    for other in beside:
        motion = flow(truth[frame], truth[other])
        here = flat & inside(motion)
        there = _grain(warp(result[other], motion), repaired)
        there_true = _grain(warp(truth[other], motion), repaired)
        total += Grain(
            result=_products(ours, ours, here),
            truth=_products(true, true, here),
            result_beside=_products(ours, there, here),
            truth_beside=_products(true, there_true, here),
            neighbours=_products(there, there, here),
            truth_neighbours=_products(there_true, there_true, here),
        )
    return total if beside else Grain(result=_products(ours, ours, flat), truth=_products(true, true, flat))


def _grain(frame: Array, where: Mask) -> Array:
    level, weight = luma(frame), where.astype(np.float32)
    inner = cv2.GaussianBlur(level * weight, (0, 0), _GRAIN_SIGMA)
    mass = cv2.GaussianBlur(weight, (0, 0), _GRAIN_SIGMA)
    return np.asarray((level - inner / np.maximum(mass, 1e-6)) * weight, np.float32)


def _flat(frame: Array) -> Mask:
    soft = cv2.GaussianBlur(luma(frame), (0, 0), 2.0)
    right = cv2.Scharr(soft, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(soft, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(np.hypot(right, down) < _FLAT)


def _products(first: Array, second: Array, where: Mask) -> Pool:
    values = first[where].astype(np.float64) * second[where]
    return Pool(float(values.sum()), values.size)


def _correlation(here: Pool, across: Pool, there: Pool) -> float | None:
    if across.count < _LEAST_GRAIN_PIXELS or here.total <= 0 or there.total <= 0:
        return None
    return across.total / float(np.sqrt(here.total * there.total))
