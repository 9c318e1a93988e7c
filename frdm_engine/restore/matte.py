"""From defect logits to mattes: what may change, by how much, and nothing else (C1, C11)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.model.denoiser import CLASSES, LOCAL, Worth
from frdm_engine.restore.bars import BARS, Bars
from frdm_engine.restore.lines import Laid, Lines

Plane = npt.NDArray[np.float32]

LEAST = 1e-6
"""Opacity under which nothing is changed."""
LOCAL_BARS = [BARS[name] for name in CLASSES[:LOCAL]]


def probability(logits: Plane, strength: float) -> Plane:
    """Probabilities of logits, their odds multiplied by ``strength``; 0 where strength is 0."""
    if strength == 0:
        return np.zeros_like(logits)
    out = np.asarray(logits + np.float32(np.log(strength)), dtype=np.float32)
    np.clip(out, -30, 30, out=out)
    np.exp(np.negative(out, out=out), out=out)
    return np.reciprocal(np.add(out, 1, out=out), out=out)


def worth_filling(strength: float) -> Worth:
    """Damage from which a matte can be over 0 at this strength, and how sure some of it must be, with a margin."""
    low, high = (
        level / (level + (1 - level) * strength)
        for level in (min(bars.low for bars in LOCAL_BARS), min(bars.high for bars in LOCAL_BARS))
    )
    return Worth(0.95 * low, 0.95 * high)


def _may_be_sure(logits: Plane, strength: float, high: float) -> bool:
    """False where no pixel's probability can reach ``high``, told from the largest logit, with a margin."""
    return strength > 0 and float(logits.max()) + float(np.log(strength)) > float(np.log(high / (1 - high))) - 0.01


def hysteresis(plane: Plane, bars: Bars, change: Plane | None = None, laid: Laid | None = None) -> Plane:
    """Opacity (H, W) in 0..1 of a probability plane: whole connected repairs that pass the bars, exactly 0 elsewhere.

    ``change`` (H, W), model encoding: by how much the repair would alter each pixel; without it none is asked to earn.
    ``laid``: what is laid in on what; without it the sides of a line are not compared.
    """
    out = np.zeros_like(plane)
    sure = plane >= bars.high
    if not sure.any():
        return out
    likely = plane > bars.low
    count, labels, area, height = _connected(likely, gap=bars.line.gap if bars.line else 0)
    kept = np.zeros(count, dtype=bool)
    kept[np.unique(labels[sure])] = True
    kept &= (area >= bars.least * plane.size) & (area <= bars.most * plane.size)
    kept &= height * height >= bars.elongation * area
    if change is not None and bars.earns:
        chance, repair = plane[likely], labels[likely]
        earned = np.bincount(repair, np.square(chance * change[likely]), count)
        kept &= earned >= bars.earns * np.bincount(repair, 1 - chance, count)
    kept[0] = False
    inside = kept[labels]
    chance, repair = plane[inside], labels[inside]
    ramp = np.clip((chance - bars.low) / (bars.full - bars.low), 0, 1)
    out[inside] = ramp * ramp * (3 - 2 * ramp)
    surest = np.zeros(count, np.float32)
    np.maximum.at(surest, repair, chance)
    if bars.certain:
        out[inside] *= np.minimum(surest / np.float32(bars.certain), 1)[repair]
    if bars.line:
        y, x = np.nonzero(inside)
        lines = Lines.of(y, x, repair, chance, count)
        out[inside] *= lines.opacity(bars.line, laid).astype(np.float32)[repair]
    return out


def _connected(
    likely: npt.NDArray[np.bool_], *, gap: int
) -> tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What hangs together, and pieces of it with up to ``gap`` rows between them, an even number: count and labels
    (H, W), 0 where nothing is likely; area and height (count) of each."""
    half = gap // 2
    joined: cv2.typing.MatLike = likely.view(np.uint8)
    if half:
        padded = cv2.copyMakeBorder(joined, half, half, 0, 0, cv2.BORDER_CONSTANT)
        joined = cv2.dilate(padded, np.ones((2 * half + 1, 1), np.uint8))
    count, found, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    labels = np.asarray(found, np.int32)
    area, height = (stats[:, column].astype(np.int64) for column in (cv2.CC_STAT_AREA, cv2.CC_STAT_HEIGHT))
    if half:
        labels = labels[half:-half]
        labels *= likely
        area, height = np.bincount(labels[likely], minlength=count), height - 2 * half
    return count, labels, area, height


def mattes(
    names: Sequence[str],
    logits: Plane,
    *,
    fix: Collection[str],
    strength: float,
    flicker: Plane | None = None,
    change: Plane | None = None,
    laid: Laid | None = None,
    protect: Plane | None = None,
    force: Plane | None = None,
    usable: npt.NDArray[np.bool_] | None = None,
    out: Plane | None = None,
) -> Plane:
    """Opacity (C, H, W) in 0..1 of the classes ``names`` from their logits (C, H, W), written to ``out`` where given.

    ``flicker`` (H, W) in 0..1 is told by the levels of the window instead of a logit, and then comes last; strength
    thins it out below 1. ``change`` and ``laid`` as in ``hysteresis``, where they are known.
    ``protect`` and ``force`` (H, W) in 0..1 take out and put in (force as the first class); protect wins. Where
    ``usable`` is False (pixels that hold no finite value) nothing is changed.
    """
    count = len(names) + (flicker is not None)
    out = np.empty((count, *logits.shape[1:]), np.float32) if out is None else out
    for plane, name, own in zip(out[: len(names)], names, logits, strict=True):
        plane[:] = (
            hysteresis(probability(own, strength), BARS[name], change, laid)
            if name in fix and _may_be_sure(own, strength, BARS[name].high)
            else 0
        )
    if flicker is not None:
        np.multiply(flicker, np.float32(min(1.0, strength) if "flicker" in fix else 0.0), out=out[-1])
    if force is not None:
        out[0] = np.maximum(out[0], np.clip(force, 0, 1))
    if protect is not None:
        out *= 1 - np.clip(protect, 0, 1)
    if usable is not None:
        out *= usable
    out[out < LEAST] = 0  # what the opacity of all cannot tell must not be changed either (C1)
    return out


def opacity(classes: Plane) -> Plane:
    """Opacity (H, W) of the whole repair from mattes per class (C, H, W)."""
    through = 1 - classes[0]
    for plane in classes[1:]:
        through *= 1 - plane
    return np.subtract(1, through, out=through)
