"""What every kind of damage draws with: seeded streams, one shot's facts, and the canvas of one frame.

Plates are float32 (H, W, 3) display-like code values, about 0..1. Mattes are float32 (H, W, 4), 0..1, in the
order of `CLASSES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.damage.film import Law
from frdm_engine.damage.templates import Templates

Array: TypeAlias = npt.NDArray[np.float32]
Rng: TypeAlias = np.random.Generator

CLASSES = ("dirt", "scratch", "stain", "flicker")

#: What there is to see, finer than `CLASSES`, and the class whose matte each kind is entered in.
KINDS = (
    "dust",
    "blotch",
    "hair",
    "sparkle",
    "scratch",
    "standing scratch",
    "stain",
    "mould",
    "splice",
    "tear",
    "flicker",
)
CLASS_OF = {kind: CLASSES.index("dirt") for kind in KINDS} | {
    "scratch": CLASSES.index("scratch"),
    "standing scratch": CLASSES.index("scratch"),
    "stain": CLASSES.index("stain"),
    "mould": CLASSES.index("stain"),
    "flicker": CLASSES.index("flicker"),
}
BITS = {kind: np.uint16(1 << bit) for bit, kind in enumerate(KINDS)}

#: Opacity over which a pixel bears the label of what was drawn there.
LABELLED = 0.05

#: The frame in which sizes and densities are stated, in pixels.
REFERENCE_WIDTH, REFERENCE_HEIGHT = 854, 480

#: Opacity under which a pixel is left alone; the change of code value that nobody sees in a grainy picture, and the
#: one that counts as fully visible.
FAINTEST, UNSEEN, VISIBLE = 1 / 256, 1.5 / 255, 5 / 255


def stream(seed: int, *key: int) -> Rng:
    """The random stream of one thing: the same for the same seed and key, whatever was drawn before."""
    return np.random.default_rng([seed & (2**64 - 1), *(part & 0xFFFFFFFF for part in key)])


def between(rng: Rng, bounds: tuple[float, float]) -> float:
    """A uniform draw from a span."""
    return float(rng.uniform(*bounds))


def log_between(rng: Rng, bounds: tuple[float, float]) -> float:
    """A log-uniform draw from a span of positive numbers."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def log_mean(bounds: tuple[float, float]) -> float:
    """The mean of what `log_between` draws."""
    low, high = bounds
    return (high - low) / float(np.log(high / low)) if high > low else low


def largest(change: Array) -> Array:
    """The largest of three channels' magnitudes (h, w, 3) -> (h, w); `max` over an axis this short is slow."""
    size = np.abs(change)
    return np.asarray(np.maximum(np.maximum(size[..., 0], size[..., 1]), size[..., 2]), np.float32)


@dataclass(frozen=True)
class Shot:
    """What all frames of one shot share.

    `scale` is the pixels that one pixel of the reference frame takes here. Densities are multiplied by this
    frame's part of a reference frame: `area` for what lies anywhere, `across` for lines from top to bottom.
    """

    seed: int
    height: int
    width: int
    scale: float
    area: float
    across: float
    monochrome: bool
    templates: Templates | None


class Canvas:
    """One frame under damage: `plate` is drawn on in place, `mattes` remembers where and how strongly.

    `kinds` (H, W), uint16, has the bit of every kind drawn at a pixel.
    """

    def __init__(self, plate: Array) -> None:
        self.plate = plate
        self.mattes: Array = np.zeros((*plate.shape[:2], len(CLASSES)), np.float32)
        self.kinds = np.zeros(plate.shape[:2], np.uint16)

    def blend(
        self,
        kind: str,
        alpha: Array,
        *,
        top: int,
        left: int,
        colour: Array | Law,
        tint: Array | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Lay `colour`, of one of `KINDS`, over the plate with cover `alpha` (h, w), its corner at `top`, `left`.

        `colour` is (3,) or (h, w, 3) in code values, or a law of film that makes it out of the plate's; `tint`
        (3,) weighs each channel's cover. What lies outside the frame is cut. The matte gains `alpha` times
        `opacity`, how much a translucent `colour` hides, where the change shows: black on black is none.
        """
        height, width = self.plate.shape[:2]
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(top + alpha.shape[0], height), min(left + alpha.shape[1], width)
        if y0 >= y1 or x0 >= x1:
            return
        cut = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        alpha = alpha[cut]
        alpha = np.where(alpha < FAINTEST, np.float32(0), np.minimum(alpha, np.float32(1)))
        view = self.plate[y0:y1, x0:x1]
        change = (colour(view) if callable(colour) else colour if colour.ndim == 1 else colour[cut]) - view
        change *= alpha[..., None] if tint is None else alpha[..., None] * tint
        self.add(kind, change, alpha if opacity == 1 else alpha * np.float32(opacity), top=y0, left=x0)

    def add(self, kind: str, change: Array, alpha: Array, *, top: int, left: int) -> None:
        """Add `change` (h, w, 3), 0 where `alpha` (h, w) is, and enter `alpha` in the matte of `kind`'s class."""
        here = slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1])
        seen = largest(change)
        # A small mean, not the pixel's own change, so that grain does not speckle the matte.
        seen = np.asarray(cv2.blur(seen, (3, 3)), np.float32)
        # What nobody sees is still told, if only just: where all mattes are 0 the plate is as it was.
        told = (seen > 0) * np.float32(FAINTEST)
        seen = np.clip((seen - np.float32(UNSEEN)) * np.float32(1 / (VISIBLE - UNSEEN)), told, np.float32(1))
        self.plate[here] += change
        self.enter(kind, alpha * seen, here)

    def enter(self, kind: str, visible: Array, here: tuple[slice, slice]) -> None:
        """Enter the visible opacity (h, w) of one of `KINDS` in the matte and the labels of the part `here`."""
        matte = self.mattes[..., CLASS_OF[kind]][here]
        matte += visible * (1 - matte)
        self.kinds[here] |= (visible > LABELLED) * BITS[kind]
