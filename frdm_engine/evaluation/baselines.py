"""What a restorer must beat: cheap methods of known quality, and one oracle that is told where the damage is.

Clips are (T, H, W, 3) float32, display-like code values about 0..1. Every method looks at two frames on either side
at most; at the ends of a shot it takes the nearest frames there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np

from frdm_engine.damage import CLASSES
from frdm_engine.evaluation.flow import aligned, nearest, trusted
from frdm_engine.evaluation.mattes import DAMAGED
from frdm_engine.evaluation.picture import Array, dilate
from frdm_engine.evaluation.rod import inpaint, rod_fill


@dataclass(frozen=True)
class Shot:
    """What a method is given."""

    damaged: Array
    """(T, H, W, 3) frames."""
    truth_matte: Array
    """(T, H, W, 4) the damage's opacity by `CLASSES`; for oracles alone."""


Method: TypeAlias = Callable[[Shot], list[Array]]
"""Restores a shot: one (H, W, 3) float32 frame for every frame given, none of them the given array itself."""


@dataclass(frozen=True)
class Baseline:
    """A method by name."""

    name: str
    says: str
    """What it does, in one phrase for the report."""
    run: Method
    oracle: bool = False
    """Whether it is told where the damage is."""


def unrestored(shot: Shot) -> list[Array]:
    """The damaged frames as they are."""
    return [frame.copy() for frame in shot.damaged]


def temporal_median(shot: Shot) -> list[Array]:
    """Every pixel the median of itself and the neighbours where they lie, motion or not."""
    results = []
    for frame in range(len(shot.damaged)):
        beside = nearest(frame, length=len(shot.damaged), count=2)
        stack = shot.damaged[[frame, *beside]] if len(beside) == 2 else shot.damaged[[frame]]
        results.append(np.asarray(np.median(stack, axis=0), np.float32))
    return results


def compensated_median(shot: Shot, *, count: int, differs: float = 16 / 255, agree: float = 20 / 255) -> list[Array]:
    """The median of a frame and its `count` aligned neighbours, where it differs and the neighbours agree.

    In the spirit of SpotLess: a pixel takes the median where any channel of the two, smoothed over 3x3 pixels, is
    farther apart than `differs`, and the nearest two neighbours are less than `agree` apart there. The mask is
    grown by a pixel; elsewhere the frame stays.
    """
    results = []
    for frame, damaged in enumerate(shot.damaged):
        beside = aligned(shot.damaged, frame, count=count)
        if len(beside) < 2:
            # Of two frames nobody can tell which one is damaged.
            results.append(damaged.copy())
            continue
        median = np.asarray(np.median(np.stack([damaged, *beside]), axis=0), np.float32)
        mask = _apart(damaged, median) > differs
        mask &= (_apart(beside[0], beside[1]) < agree) & trusted(shot.damaged, frame)
        results.append(np.where(dilate(mask)[..., None], median, damaged))
    return results


def rod(shot: Shot) -> list[Array]:
    """`rod_fill` of the damaged frames."""
    return rod_fill(shot.damaged)


def telea_with_truth(shot: Shot, *, radius: float = 4.0) -> list[Array]:
    """Telea inpainting (2004) of one frame at a time, told where dirt and scratches are; stains stay.

    Only the holes get OpenCV's 8-bit values, and pixels beside them are left bit for bit.
    """
    kinds = [CLASSES.index("dirt"), CLASSES.index("scratch")]
    return [
        inpaint(frame, (matte[..., kinds] > DAMAGED).any(axis=-1), radius=radius)
        for frame, matte in zip(shot.damaged, shot.truth_matte, strict=True)
    ]


def _apart(first: Array, second: Array) -> Array:
    return np.asarray(cv2.blur(np.abs(first - second).max(axis=-1), (3, 3)), np.float32)


BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline("input", "the damaged frames as they are", unrestored),
        Baseline("temporal median of 3", "the median of three frames where they lie", temporal_median),
        Baseline(
            "motion-compensated median of 3",
            "the median of a frame and its aligned neighbours where it differs and they agree, after SpotLess",
            partial(compensated_median, count=2),
        ),
        Baseline(
            "motion-compensated median of 5",
            "the same with two neighbours on either side",
            partial(compensated_median, count=4),
        ),
        Baseline(
            "ROD fill with line repair",
            "spikes against aligned neighbours take their median, upright lines are inpainted",
            rod,
        ),
        Baseline(
            "Telea with the true matte",
            "inpainting told where dirt and scratches are, stains stay",
            telea_with_truth,
            oracle=True,
        ),
    )
}
