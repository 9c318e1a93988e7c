"""Upright things under a still camera: shutters, shelves, window frames, wires, the pleats of a curtain.

They stand as long and as straight as a scratch. What tells them apart is that they belong to the picture: they end
where the thing ends, lean a little, come in rows, and weave with the frame. A restorer that never saw any paints them
over.
"""

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array
from frdm_engine.data.shapes import Points

MOST = 12
"""Bars in one row."""
THINNEST, WIDEST = 0.8, 6.0
"""Width of a bar, pixels."""
SHORTEST, LONGEST = 0.15, 0.9
"""Length, share of the frame's height: what runs through the whole frame could be a scratch."""
_BITS = 4


def stand_uprights(rng: np.random.Generator, clip: Array) -> Array:
    """The clip (T, H, W, 3), RGB code values 0..1, with one or two rows of upright bars that do not move."""
    height, width = clip.shape[1:3]
    for _ in range(1 + int(rng.integers(2))):
        cover = _row(rng, height, width)[..., None]
        paint = _paint(rng, clip)
        clip = np.asarray(clip + cover * (paint - clip), np.float32)
    return clip


def _paint(rng: np.random.Generator, clip: Array) -> Array:
    """The colour of a row (3,): darker or lighter than the picture, hardly coloured."""
    middle = clip.mean(axis=(0, 1, 2))
    step = rng.choice([-1, 1]) * rng.uniform(0.08, 0.5)
    return np.clip(middle + step + rng.normal(0, 0.02, 3), 0.0, 1.0).astype(np.float32)


def _row(rng: np.random.Generator, height: int, width: int) -> Array:
    """Cover (H, W), 0..1, of bars that share width, length, lean and softness."""
    count = 1 if rng.random() < 0.4 else int(rng.integers(2, MOST + 1))
    thick = float(np.exp(rng.uniform(np.log(THINNEST), np.log(WIDEST))))
    step = thick + float(np.exp(rng.uniform(np.log(2.0), np.log(24.0))))
    length = rng.uniform(SHORTEST, LONGEST) * height
    top = rng.uniform(-0.3 * length, height - 0.7 * length)
    left = rng.uniform(0, width)
    lean = rng.normal(0, 0.012) * length
    mask = np.zeros((height, width), np.uint8)
    for bar in range(count):
        x = left + bar * step
        corners: Points = np.array(
            [[x, top], [x + thick, top], [x + thick + lean, top + length], [x + lean, top + length]]
        )
        cv2.fillConvexPoly(mask, np.rint(corners * (1 << _BITS)).astype(np.int32), 255, cv2.LINE_AA, _BITS)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.3, 1.2))
    return np.asarray(soft * (rng.uniform(0.4, 1.0) / 255), np.float32)
