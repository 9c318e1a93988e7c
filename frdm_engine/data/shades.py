"""Shades: soft dark and light regions that belong to the picture and move with it, as shadows, clouds and smoke do.

They are drawn as stains are, so that nothing but their movement tells the two apart. A low-resolution pass that never
saw any learns what stains look like on the footage it knows, and finds few of them on footage it does not.
"""

import numpy as np

from frdm_engine.damage.drawing import REFERENCE_WIDTH, Canvas, Shot
from frdm_engine.damage.stains import Stains, StainSettings
from frdm_engine.data.frames import Pixels

SHADES = StainSettings(presence=1.0, alive=(1.0, 5.0), density=(0.05, 0.4))


def shade(rng: np.random.Generator, still: Pixels) -> Pixels:
    """The still (H, W, 3), uint8 RGB, with a few shades, each up to half as wide as it is."""
    height, width = still.shape[:2]
    shot = Shot(
        seed=int(rng.integers(2**31)),
        height=height,
        width=width,
        scale=width / REFERENCE_WIDTH,
        area=1.0,
        across=1.0,
        monochrome=bool(rng.random() < 0.5),
        templates=None,
    )
    canvas = Canvas(still.astype(np.float32) / np.float32(255))
    Stains(SHADES, shot).draw(0, canvas)
    return np.asarray(np.rint(np.clip(canvas.plate, 0, 1) * 255), np.uint8)
