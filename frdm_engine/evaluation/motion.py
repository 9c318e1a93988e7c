"""How steady a restored clip is, where its motion is fast, and what on real film still looks like damage.

Clips are (T, H, W, 3) float32, display-like code values about 0..1. Warping error alone rewards smoothing and
frame differences alone reward standing still, so the measures belong together, each beside the clean clip's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from frdm_engine.evaluation.flow import consistent, flow, gray8, gray_flow, inside, warp
from frdm_engine.evaluation.picture import VISIBLE_CHANGE, Array, Mask, Pool, Sums, changed, dilate, luma

SPIKE = 14 / 255
"""How far outside both neighbours' range a luma counts as a spike."""

FAST = 8 / 854
"""Speed a frame, in frame widths, over which motion counts as fast."""


@dataclass(frozen=True)
class Steadiness(Sums):
    """Sums over the pairs of neighbouring frames of a clip."""

    warping: Pool = field(default_factory=Pool)
    """Squared difference of a frame and its predecessor brought along the truth's motion; `.mean`."""
    warping_clean: Pool = field(default_factory=Pool)
    """The same of the truth itself: what motion estimation and grain leave."""
    motion: Pool = field(default_factory=Pool)
    """Mean absolute difference of the result's flow and the truth's, in pixels: tOF of TecoGAN (Chu et al., 2020)."""
    difference: Pool = field(default_factory=Pool)
    """Mean absolute difference of the result's frame differences and the truth's."""

    @property
    def warping_ratio(self) -> float | None:
        """The warping error over the truth's own: under 1 is smoother than the film was, over 1 flickers."""
        ours, clean = self.warping.mean, self.warping_clean.mean
        return None if ours is None or not clean else ours / clean


def steadiness(result: Array, truth: Array) -> Steadiness:
    """Measure a whole clip (T, H, W, 3) against the truth's; empty sums for a single frame."""
    total = Steadiness()
    for frame in range(1, len(truth)):
        total += steadiness_of_pair(result[frame - 1 : frame + 1], truth[frame - 1 : frame + 1])
    return total


def steadiness_of_pair(result: Array, truth: Array) -> Steadiness:
    """Measure two neighbouring frames (2, H, W, 3) against the truth's: for clips that are not held in memory."""
    grays = [gray8(frame) for frame in truth]
    back, onward = gray_flow(grays[1], grays[0]), gray_flow(grays[0], grays[1])
    valid = consistent(back, onward)
    ours = flow(result[1], result[0])
    apart = np.linalg.norm(ours - back, axis=-1)
    differing = np.abs((result[1] - result[0]) - (truth[1] - truth[0]))
    return Steadiness(
        warping=_warping(result, back, valid),
        warping_clean=_warping(truth, back, valid),
        motion=Pool(float(apart.sum(dtype=np.float64)), apart.size),
        difference=Pool(float(differing.sum(dtype=np.float64)), differing.size),
    )


def fast_regions(clean: Array, frame: int, *, fastest_slow: float = FAST) -> Mask:
    """Where the clean clip (T, H, W, 3) moves faster than `fastest_slow` frame widths at a frame, (H, W)."""
    here = gray8(clean[frame])
    fast = np.zeros(here.shape, np.bool_)
    for other in (frame - 1, frame + 1):
        if 0 <= other < len(clean):
            speed = np.linalg.norm(gray_flow(here, gray8(clean[other])), axis=-1)
            fast |= speed > fastest_slow * here.shape[1]
    return fast


def spikes(frames: Array, frame: int, *, over: float = SPIKE) -> Mask:
    """Where a frame's luma leaves the range of both motion-compensated neighbours by more than `over`, (H, W).

    It needs no truth, so it tells how much single-frame damage real film still shows. Motion is sought on median
    filtered frames, which specks disturb less. Where motion leads outside, and at the ends of a clip, there is no
    telling, and none is marked.
    """
    height, width = frames.shape[1:3]
    if not 0 < frame < len(frames) - 1:
        return np.zeros((height, width), np.bool_)
    here, level = gray8(frames[frame], median=5), luma(frames[frame])
    seen, valid = [], np.ones((height, width), np.bool_)
    for other in (frame - 1, frame + 1):
        motion = gray_flow(here, gray8(frames[other], median=5))
        seen.append(warp(luma(frames[other]), motion))
        valid &= inside(motion)
    above = level - np.maximum(seen[0], seen[1]) > over
    below = np.minimum(seen[0], seen[1]) - level > over
    return np.asarray((above | below) & valid)


def changed_away_from_spikes(result: Array, source: Array, marked: Mask, *, reach: int = 3) -> Pool:
    """How many pixels farther than `reach` from the source's spikes changed visibly; `.mean` is the share.

    `result` and `source` are one frame (H, W, 3), `marked` (H, W) is `spikes` of the source.
    """
    return changed(result, source, where=~dilate(marked, radius=reach), over=VISIBLE_CHANGE)


def level_flicker(frames: Array) -> float | None:
    """The standard deviation of the steps of mean luma from frame to frame; None of fewer than three frames.

    Deviation, not size, so that a steady fade is none.
    """
    if len(frames) < 3:
        return None
    levels = [float(luma(frame).mean(dtype=np.float64)) for frame in frames]
    return float(np.std(np.diff(levels)))


def _warping(pair: Array, back: Array, valid: Mask) -> Pool:
    error = (pair[1] - warp(pair[0], back))[valid]
    return Pool(float(np.square(error, dtype=np.float64).sum()), error.size)
