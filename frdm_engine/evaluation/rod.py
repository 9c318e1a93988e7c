"""ROD fill with line repair: the strongest cheap method known here, tuned to do its best.

Dirt is found by a rank order detector (Nadenau and Mitra, 1996): a pixel is a spike where it leaves the range of
three pixels in either aligned neighbour. Spikes are filled with the median of the aligned neighbours. A standing
scratch is in all frames and so no spike: it is found as a column that deviates from the columns beside it, and
inpainted from the sides. Known failings: what moves too fast to be aligned is taken for dirt, and an upright
spoke or wire for a scratch.

Frames are (H, W, 3) float32, display-like code values about 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.evaluation.flow import aligned, nearest, trusted
from frdm_engine.evaluation.picture import Array, Mask, dilate, luma


@dataclass(frozen=True)
class RodSettings:
    """The detector's bounds; the defaults were chosen on clips outside every test set."""

    seed: float = 24 / 255
    """How far outside the neighbours' range a pixel must be to start a repair."""
    grow: float = 10 / 255
    """How far pixels joined to such a one must be."""
    agree: float = 48 / 255
    """The neighbours must be nearer than this to each other, or the motion is not to be trusted."""
    line: float = 2 / 255
    """How far a piece of a column must deviate from the columns beside it."""
    stands_out: float = 4.0
    """And by how much more than what is usual there."""
    line_frames: int = 5
    """Frames over which columns are averaged."""
    line_height: float = 0.15
    """Length of the pieces that are averaged, in frame heights."""
    line_width: float = 9 / 854
    """Widest line that is repaired, in frame widths."""
    least_length: float = 0.25
    """Shortest line that is repaired, in frame heights."""


def rod_fill(frames: Array, *, settings: RodSettings | None = None) -> list[Array]:
    """Restore the frames (T, H, W, 3) of a shot; see the module."""
    settings = settings or RodSettings()
    results = []
    for frame, damaged in enumerate(frames):
        beside = aligned(frames, frame, count=4)
        filled = damaged.copy()
        if len(beside) >= 2:
            median = np.asarray(np.median(np.stack(beside), axis=0), np.float32)
            spikes = find_spikes(damaged, beside[0], beside[1], settings=settings) & trusted(frames, frame)
            filled = np.where(dilate(spikes)[..., None], median, damaged)
        results.append(repair_lines(filled, find_lines(frames, frame, settings=settings)))
    return results


def find_spikes(frame: Array, before: Array, after: Array, *, settings: RodSettings) -> Mask:
    """Where a frame leaves the range of both aligned neighbours, (H, W)."""
    here, sides = luma(frame), (luma(before), luma(after))
    upright = np.ones((3, 1), np.uint8)
    high = np.maximum(*(np.asarray(cv2.dilate(side, upright), np.float32) for side in sides))
    low = np.minimum(*(np.asarray(cv2.erode(side, upright), np.float32) for side in sides))
    agreeing = cv2.blur(np.asarray(np.abs(sides[0] - sides[1]), np.float32), (3, 3)) < settings.agree
    marked = np.zeros(here.shape, np.bool_)
    for beyond in (here - high, low - here):
        outside = np.maximum(beyond, 0) * agreeing
        marked |= hysteresis(outside, low=settings.grow, high=settings.seed)
    return marked


def find_lines(frames: Array, frame: int, *, settings: RodSettings) -> Mask:
    """Thin, nearly upright lines of a clip's frame, brighter or darker than both sides for long, (H, W).

    Columns are averaged along a piece of their height and over the frames beside it where they lie: a scratch
    stays put while the picture moves.
    """
    near = [frame, *nearest(frame, length=len(frames), count=settings.line_frames - 1)]
    level = np.asarray(np.mean([luma(frames[other]) for other in near], axis=0), np.float32)
    height, width = level.shape
    widest = max(3, round(settings.line_width * width))
    piece = max(5, round(settings.line_height * height)) | 1
    along = np.asarray(cv2.blur(level, (1, piece)), np.float32)
    bar = np.ones((1, widest + 2), np.uint8)
    marked = np.zeros(level.shape, np.bool_)
    for tone in (along, -along):
        # What an opening takes away is thinner than its element: unlike a blur it does not answer to mere edges.
        thin = tone - np.asarray(cv2.morphologyEx(tone, cv2.MORPH_OPEN, bar), np.float32)
        # Fences and grass are full of lines: one must stand out among those beside it.
        usual = np.asarray(cv2.blur(thin, (16 * widest + 1, piece)), np.float32)
        marked |= _long_ones(
            thin > settings.line + settings.stands_out * usual, least=settings.least_length * height, widest=widest
        )
    return marked


def repair_lines(frame: Array, lines: Mask) -> Array:
    """A frame whose upright `lines` (H, W), and a pixel on either side, are inpainted; the rest stays bit for bit."""
    if not lines.any():
        return frame
    hole = np.asarray(cv2.dilate(lines.astype(np.uint8), np.ones((1, 3), np.uint8)), np.bool_)
    return inpaint(frame, hole, radius=3.0)


def inpaint(frame: Array, hole: Mask, *, radius: float) -> Array:
    """A frame (H, W, 3) whose `hole` (H, W) is filled from around it by Telea's method; the rest stays bit for bit."""
    coded = np.rint(np.clip(np.nan_to_num(frame, nan=0.0, posinf=1.0), 0, 1) * 255).astype(np.uint8)
    filled = cv2.inpaint(coded, hole.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    return np.where(hole[..., None], np.asarray(filled, np.float32) / np.float32(255), frame)


def hysteresis(strength: Array, *, low: float, high: float) -> Mask:
    """Regions over `low` that hold a pixel over `high`, eight-connected, (H, W)."""
    count, labels = cv2.connectedComponents((strength > low).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[np.asarray(labels)[strength > high]] = True
    kept[0] = False
    return np.asarray(kept[np.asarray(labels)])


def _long_ones(mask: Mask, *, least: float, widest: int) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    stats = np.asarray(stats)
    tall = stats[:, cv2.CC_STAT_HEIGHT]
    breadth = stats[:, cv2.CC_STAT_AREA] / np.maximum(tall, 1)
    kept = (tall >= least) & (breadth <= widest)
    kept[0] = False
    return np.asarray(kept[np.asarray(labels)]) if count else mask
