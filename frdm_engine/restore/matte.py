"""From defect logits to mattes: what may change, by how much, and nothing else (C1, C11)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.model.denoiser import CLASSES, LOCAL, Worth

Plane = npt.NDArray[np.float32]

HIGH = {"dirt": 0.4, "scratch": 0.98, "stain": 0.8}
"""A repair of a class needs a pixel at least this probable ..."""
LOW = {"dirt": 0.1, "scratch": 0.1, "stain": 0.3}
"""... and then reaches as far as pixels this probable hang together (hysteresis)."""
LEAST = 1e-6
"""Opacity under which nothing is changed."""
FULL = {"dirt": 0.3, "scratch": 0.3, "stain": 0.5}
"""Probability from which a pixel is wholly replaced."""
CERTAIN = {"dirt": 0.9, "scratch": 0.0, "stain": 0.0}
"""Probability of its surest pixel from which a repair is laid in wholly; a less sure one is fainter by as much.

So often is it right, and harm done where it is not costs what a mended speck earns.
"""
LEAST_SHARE = {"dirt": 0.0, "scratch": 0.0, "stain": 0.0005}
"""Share of the frame a connected repair must cover: what is called a stain in the size of a speck is a speck."""
MOST_SHARE = {"dirt": 1.0, "scratch": 1.0, "stain": 0.25}
"""Share of the frame a connected repair may cover: a stain on half the frame is smoke, mist or a fade."""
LEAST_ELONGATION = {"dirt": 0.0, "scratch": 6.0, "stain": 0.0}
"""How many times higher than wide, on average, a repair must be: a scratch is a line, a horse's leg is none."""


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
        for level in (min(bar[name] for name in CLASSES[:LOCAL]) for bar in (LOW, HIGH))
    )
    return Worth(0.95 * low, 0.95 * high)


def _may_be_sure(logits: Plane, strength: float, high: float) -> bool:
    """False where no pixel's probability can reach ``high``, told from the largest logit, with a margin."""
    return strength > 0 and float(logits.max()) + float(np.log(strength)) > float(np.log(high / (1 - high))) - 0.01


def hysteresis(
    plane: Plane,
    *,
    high: float = HIGH["dirt"],
    low: float = LOW["dirt"],
    full: float = FULL["dirt"],
    least: float = 0.0,
    most: float = 1.0,
    elongation: float = 0.0,
    certain: float = 0.0,
) -> Plane:
    """Opacity (H, W) in 0..1 of a probability plane: whole connected repairs that hold at least one sure pixel.

    Exactly 0 everywhere else, and in repairs that cover less than the share ``least`` of the plane or more than
    ``most``, or are less than ``elongation`` times as high as they are wide on average. Where no pixel of a repair
    is as probable as ``certain`` it is fainter by as much.
    """
    out = np.zeros_like(plane)
    sure = plane >= high
    if not sure.any():
        return out
    count, labels, stats, _ = cv2.connectedComponentsWithStats((plane > low).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, dtype=bool)
    kept[np.unique(labels[sure])] = True
    area, height = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_HEIGHT].astype(np.int64)
    kept &= (area >= least * plane.size) & (area <= most * plane.size) & (height * height >= elongation * area)
    kept[0] = False
    inside = kept[labels]
    ramp = np.clip((plane[inside] - low) / (full - low), 0, 1)
    out[inside] = ramp * ramp * (3 - 2 * ramp)
    if certain:
        peak = np.zeros(count, np.float32)
        np.maximum.at(peak, labels[inside], plane[inside])
        out[inside] *= np.minimum(peak / np.float32(certain), 1)[labels[inside]]
    return out


def mattes(
    names: Sequence[str],
    logits: Plane,
    *,
    fix: Collection[str],
    strength: float,
    flicker: Plane | None = None,
    protect: Plane | None = None,
    force: Plane | None = None,
    usable: npt.NDArray[np.bool_] | None = None,
    out: Plane | None = None,
) -> Plane:
    """Opacity (C, H, W) in 0..1 of the classes ``names`` from their logits (C, H, W), written to ``out`` where given.

    ``flicker`` (H, W) in 0..1 is told by the levels of the window instead of a logit, and then comes last; strength
    thins it out below 1.
    ``protect`` and ``force`` (H, W) in 0..1 take out and put in (force as the first class); protect wins. Where
    ``usable`` is False (pixels that hold no finite value) nothing is changed.
    """
    count = len(names) + (flicker is not None)
    out = np.empty((count, *logits.shape[1:]), np.float32) if out is None else out
    for plane, name, own in zip(out[: len(names)], names, logits, strict=True):
        plane[:] = (
            hysteresis(
                probability(own, strength),
                high=HIGH[name],
                low=LOW[name],
                full=FULL[name],
                least=LEAST_SHARE[name],
                most=MOST_SHARE[name],
                elongation=LEAST_ELONGATION[name],
                certain=CERTAIN[name],
            )
            if name in fix and _may_be_sure(own, strength, HIGH[name])
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
