"""What a restoration changed: its shift and grade against the scan, and the damage it took out, by class.

HaineiFRDM (arXiv 2512.24946) trains on real pairs beside synthetic ones. A real restoration comes without a matte, so
the matte is derived: where the restored frame still differs once a grade common to the whole shot is undone.

Classes, by geometry and persistence:

- flicker: the frame's own tone curve and a smooth gain field that differ from the shot's, over 80 % of the frame;
- scratch: upright, eight times as high as wide on average, and either 30 % of the frame high or in columns where the
  frame before or after has one too; pieces in such a column count with it;
- stain: 0.05 % of the frame or more, and most of it faint beside its core, or as strong in the next frame;
- dirt: all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LEVELS = 33
SURE, FAINT = 4 / 255, 1.5 / 255
"""A repair needs a pixel that changed by the first, and reaches as far as pixels that changed by the second."""
FLICKER_LEVEL, FLICKER_GAIN, FLICKER_SHARE = 2 / 255, 0.005, 0.8
STAIN_SHARE, STAIN_SOFT = 0.0005, 0.55
SCRATCH_HIGH, SCRATCH_ALONE, SCRATCH_THIN = 0.06, 0.3, 8.0
_CROP, _MARGIN, _LEAST_TEXTURE = 192, 8, 2e-5
_OFFSET = 0.05  # keeps ratios of dark values calm


# Registration


def displacement(damaged: Picture, restored: Picture) -> npt.NDArray[np.float64]:
    """Shift of the restored frame at up to nine places: (N, 2) x, y in pixels; flat places are left out.

    Frames (H, W, 3) float32, code values. Phase correlation finds whole pixels, Gauss-Newton steps that distrust
    what differs (the damage) the rest.
    """
    before, after = _luma(damaged), _luma(restored)
    height, width = before.shape
    tall, wide = min(_CROP, height), min(_CROP, width)
    found = []
    for top in sorted({0, (height - tall) // 2, height - tall}):
        for left in sorted({0, (width - wide) // 2, width - wide}):
            place = np.s_[top : top + tall, left : left + wide]
            shift = _shift(before[place], after[place])
            if shift is not None:
                found.append(shift)
    return np.array(found, np.float64).reshape(-1, 2)


def likeness(damaged: Picture, restored: Picture) -> float:
    """Correlation of two frames' detail at a quarter of a thousand pixels across, -1..1; flat frames count as alike."""
    small = []
    for frame in (damaged, restored):
        luma = _luma(frame)
        scale = min(1.0, 256 / max(luma.shape))
        shrunk = cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        detail = shrunk - cv2.GaussianBlur(shrunk, (0, 0), 8)
        usual = float(np.median(np.abs(detail)))
        if usual < 1e-4:
            return 1.0
        small.append(np.clip(detail / usual, -2, 2))  # damage is strong, but it has one vote a pixel
    return float((small[0] * small[1]).mean() / np.sqrt((small[0] ** 2).mean() * (small[1] ** 2).mean()))


def _luma(frame: Picture) -> Picture:
    return np.asarray(frame.mean(axis=-1), np.float32)


def _shift(before: Picture, after: Picture) -> tuple[float, float] | None:
    """Where `after` shows what `before` shows: after(x + shift) = before(x)."""
    inside = np.s_[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    if min(before.shape) <= 4 * _MARGIN:
        return None
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(before - before.mean(), after - after.mean(), window)
    shift = np.array([round(x), round(y)], np.float64)
    for _ in range(6):
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(
            after, move, (after.shape[1], after.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        rest = (before - moved)[inside]
        rest = rest - np.median(rest)
        along = np.stack([cv2.Sobel(moved, cv2.CV_32F, 1, 0, scale=1 / 8)[inside],
                          cv2.Sobel(moved, cv2.CV_32F, 0, 1, scale=1 / 8)[inside]])  # fmt: skip
        slope = np.hypot(along[0], along[1])
        if np.linalg.eigvalsh(np.einsum("ihw,jhw->ij", along, along) / rest.size)[0] < _LEAST_TEXTURE:
            return None
        # Only edges tell of a shift, so they say what difference is usual.
        usual = 2 * float(np.median(np.abs(rest[slope >= np.quantile(slope, 0.8)]))) + 1e-4
        weight = 1 / (1 + (rest / usual) ** 2) ** 2
        square = np.einsum("ihw,jhw,hw->ij", along, along, weight) / rest.size
        step = np.linalg.solve(square, np.einsum("ihw,hw->i", along, weight * rest) / rest.size)
        shift += np.clip(step, -0.5, 0.5)
        if float(np.abs(step).max()) < 0.003:
            break
    return float(shift[0]), float(shift[1])


# Grade


@dataclass(frozen=True)
class Grade:
    """One curve a channel from restored to damaged code values: `values` (3, LEVELS) at even steps of 0..1."""

    values: npt.NDArray[np.float64]
    deviation: float
    """Mean change of a pixel, code values."""

    @classmethod
    def fit(cls, damaged: Picture, restored: Picture) -> Grade:
        """The curve most pixels follow; both (..., 3) float32. What damage changed is outvoted level by level."""
        steps = np.linspace(0, 1, LEVELS)
        values, total = np.tile(steps, (3, 1)), 0.0
        for channel in range(3):
            source = restored[..., channel].ravel()
            change = damaged[..., channel].ravel() - source
            level = np.clip(np.rint(source * (LEVELS - 1)), 0, LEVELS - 1).astype(np.int64)
            order = np.argsort(level, kind="stable")
            edges = np.searchsorted(level[order], np.arange(LEVELS + 1))
            counts = np.diff(edges)
            known = np.flatnonzero(counts >= max(32, 0.0005 * source.size))
            if not len(known):
                continue
            middle = np.array([np.median(change[order[edges[k] : edges[k + 1]]]) for k in known])
            if float(np.abs(middle).max()) < FAINT / 3:  # rounding, not a grade: sound pixels stay bit for bit
                continue
            filled = np.interp(np.arange(LEVELS), known, middle)
            filled = np.convolve(np.pad(filled, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
            values[channel] = np.maximum.accumulate(steps + filled)
            total += float((np.abs(filled) * counts).sum() / counts.sum())
        return cls(values, total / 3)

    def apply(self, restored: Picture) -> Picture:
        """The frame (H, W, 3) under the curve; what lies outside of 0..1 is shifted like the end it lies beyond."""
        steps = np.linspace(0, 1, LEVELS)
        if np.array_equal(self.values, np.tile(steps, (3, 1))):
            return restored
        out = np.empty_like(restored)
        for channel in range(3):
            plane = restored[..., channel]
            out[..., channel] = plane + np.interp(plane, steps, self.values[channel] - steps)
        return out


# What was mended


@dataclass(frozen=True)
class Changes:
    """What differs between a scan and its restoration, graded alike, in one frame."""

    truth: Picture
    """(H, W, 3): restored where something was mended, the scan's own pixels elsewhere."""
    flicker: Mask
    amount: Picture
    """(H, W) largest change of a channel once flicker is undone, code values."""
    labels: npt.NDArray[np.int32]
    stats: npt.NDArray[np.int32]
    """Components of repairs as OpenCV gives them; label 0 is sound film."""
    noise: float
    """Usual difference of sound pixels, code values: 0 for a restoration that left them alone."""

    @property
    def support(self) -> Mask:
        """Every repaired pixel but those of flicker."""
        return np.asarray(self.labels > 0)


def changes(damaged: Picture, restored: Picture) -> Changes:
    """Compare a scan with its restoration, graded to match; both (H, W, 3) float32 code values."""
    flickered = _flickered(damaged, restored)
    moved = np.abs(flickered - restored).max(axis=-1)
    flickers = float((moved > FLICKER_GAIN * (restored.max(axis=-1) + _OFFSET)).mean()) >= FLICKER_SHARE
    broad = moved > FLICKER_LEVEL
    amount = np.abs(damaged - (flickered if flickers else restored)).max(axis=-1)
    noise = 1.4826 * float(np.median(amount))
    low, high = max(FAINT, 3 * noise), max(SURE, 6 * noise)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((amount > low).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[np.unique(labels[amount >= high])] = True
    kept &= stats[:, cv2.CC_STAT_AREA] >= (3 if noise > FAINT / 3 else 1)
    kept[0] = False
    renumbered = np.zeros(count, np.int32)
    renumbered[kept] = np.arange(1, kept.sum() + 1)
    labels = renumbered[labels]
    stats = np.concatenate([stats[:1], stats[kept]])
    if flickers:
        truth = restored
    else:
        near = cv2.dilate((labels > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        truth = np.where(near[..., None], restored, damaged)
    return Changes(
        truth=np.asarray(truth, np.float32),
        flicker=np.asarray(broad if flickers else np.zeros_like(broad)),
        amount=np.asarray(amount, np.float32),
        labels=labels,
        stats=np.asarray(stats, np.int32),
        noise=noise,
    )


def _flickered(damaged: Picture, restored: Picture) -> Picture:
    """The restored frame under the scan's own tone curve and a smooth gain: what flicker alone made of it."""
    stride = max(1, int(np.sqrt(restored.shape[0] * restored.shape[1] / 60_000)))
    curve = Grade.fit(damaged[::stride, ::stride], restored[::stride, ::stride])
    toned = curve.apply(restored)
    cell = max(8, min(restored.shape[:2]) // 16)
    tall, wide = max(1, restored.shape[0] // cell), max(1, restored.shape[1] // cell)
    ratio = (np.maximum(damaged, 0) + _OFFSET) / (np.maximum(toned, 0) + _OFFSET)
    whole = ratio[: tall * cell, : wide * cell] if min(restored.shape[:2]) >= cell else ratio[:1, :1]
    blocks = whole.reshape(tall, whole.shape[0] // tall, wide, whole.shape[1] // wide, 3)
    gain = np.asarray(np.median(blocks, axis=(1, 3)), np.float32)
    smooth = cv2.GaussianBlur(cv2.medianBlur(gain, 3), (3, 3), 0)
    gain = np.asarray(cv2.resize(smooth, (restored.shape[1], restored.shape[0])), np.float32)
    # A gain that nowhere shows is rounding or grain, and would only spread it.
    field = gain if float(np.abs(gain - 1).max()) > 0.01 else np.ones_like(gain)
    return np.asarray((toned + _OFFSET) * field - _OFFSET, np.float32)


def classify(now: Changes, *, before: Changes | None, after: Changes | None) -> npt.NDArray[np.uint8]:
    """Mattes (H, W, 4) uint8, 0 or 1: dirt, scratch, stain, flicker. `before` and `after` are the shot's neighbours."""
    height, width = now.labels.shape
    out = np.zeros((height, width, 4), np.uint8)
    out[..., 3] = now.flicker
    if len(now.stats) > 1:
        neighbours = [one for one in (before, after) if one is not None]
        scratch = _scratches(now, neighbours)
        stain = _stains(now, neighbours) & ~scratch
        kind = np.zeros(len(now.stats), np.uint8)
        kind[scratch], kind[stain] = 1, 2
        inside = now.support
        rows, columns = np.nonzero(inside)
        out[rows, columns, kind[now.labels[inside]]] = 1
    return out


def _upright(one: Changes, *, thin: float, high: float) -> Mask:
    """Components that are upright lines, at least `high` of the frame."""
    area = one.stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    tall = one.stats[:, cv2.CC_STAT_HEIGHT].astype(np.float64)
    wide = one.stats[:, cv2.CC_STAT_WIDTH].astype(np.float64)
    line = (tall * tall >= thin * area) & (tall >= high * one.labels.shape[0]) & (wide <= tall / 3)
    line[0] = False
    return np.asarray(line)


def _columns(one: Changes, chosen: Mask) -> Mask:
    """Columns (W,) in which a chosen component lies, and a little beside them."""
    width = one.labels.shape[1]
    reach = 2 + width // 400
    hit = np.zeros(width, bool)
    for left, wide in one.stats[chosen][:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH]]:
        hit[max(0, left - reach) : left + wide + reach] = True
    return hit


def _within(one: Changes, columns: Mask) -> Mask:
    middle = one.stats[:, cv2.CC_STAT_LEFT] + one.stats[:, cv2.CC_STAT_WIDTH] // 2
    return np.asarray(columns[np.clip(middle, 0, len(columns) - 1)])


def _scratches(now: Changes, neighbours: list[Changes]) -> Mask:
    line = _upright(now, thin=SCRATCH_THIN, high=SCRATCH_HIGH)
    lasting = np.zeros_like(line)
    for other in neighbours:
        lasting |= _within(now, _columns(other, _upright(other, thin=SCRATCH_THIN, high=SCRATCH_HIGH)))
    high = now.stats[:, cv2.CC_STAT_HEIGHT] >= SCRATCH_ALONE * now.labels.shape[0]
    found = line & (lasting | high)
    pieces = _upright(now, thin=SCRATCH_THIN / 2, high=0.0) & _within(now, _columns(now, found))
    return np.asarray(found | pieces)


def _stains(now: Changes, neighbours: list[Changes]) -> Mask:
    area = now.stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    count = len(area)
    broad = area >= STAIN_SHARE * now.labels.size
    broad[0] = False
    if not broad.any():
        return broad
    inside = now.support
    where, amount = now.labels[inside], now.amount[inside]
    size = np.maximum(np.bincount(where, minlength=count), 1)
    # The mean square over the mean lies near the strength of the core, and lone pixels do not move it.
    mean, square = (np.bincount(where, amount**power, count) / size for power in (1, 2))
    peak = square / np.maximum(mean, 1e-6)
    soft = np.bincount(where, amount < 0.5 * peak[where], count) / size > STAIN_SOFT
    stays = np.zeros(count, bool)
    for other in neighbours:
        alike = inside & other.support & (np.abs(other.amount - now.amount) < 0.4 * now.amount)
        stays |= np.bincount(now.labels[alike], minlength=count) >= 0.6 * area
    return np.asarray(broad & (soft | stays))
