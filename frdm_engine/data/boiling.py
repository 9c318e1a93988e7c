"""Water, foliage, smoke, spray: what never looks the same twice and yet is no damage.

No alignment can follow it, so every frame of it leaves the range of its neighbours, as dirt does. A region of the
window gets a new displacement in each frame, and often the glints of a wet surface; all of it is part of the truth.
"""

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import Pixels
from frdm_engine.data.motion import smooth_mask

Floats = npt.NDArray[np.float32]


def boil(rng: np.random.Generator, frames: Pixels) -> None:
    """Stir a region of (T, H, W, 3) uint8 RGB in place, every frame differently."""
    height, width = frames.shape[1:3]
    region = smooth_mask(rng, height=height, width=width, cells=2, steepness=6.0)
    cell = np.exp(rng.uniform(np.log(5.0), np.log(40.0)))
    reach = np.exp(rng.uniform(np.log(0.15), np.log(0.6))) * cell
    memory = rng.uniform(0.0, 0.8)
    glints = _Glints(rng) if rng.random() < 0.5 else None
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    field = [_noise(rng, height, width, cell, 1.0) for _ in range(2)]
    for frame in frames:
        new = [_noise(rng, height, width, cell, 1.0) for _ in range(2)]
        field = [memory * old + (1 - memory**2) ** 0.5 * own for old, own in zip(field, new, strict=True)]
        map_x, map_y = (at + np.float32(reach) * region * part for at, part in zip((x, y), field, strict=True))
        frame[...] = cv2.remap(frame, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        if glints is not None:
            glints.lay(rng, frame, region)


class _Glints:
    """Small lights on a moving surface: lying ellipses, dense, new in each frame."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.cell = rng.uniform(1.5, 5.0)
        self.flat = rng.uniform(1.0, 3.0)
        self.share = np.exp(rng.uniform(np.log(0.004), np.log(0.08)))
        self.light = rng.uniform(120, 255)
        self.opacity = rng.uniform(0.4, 1.0)

    def lay(self, rng: np.random.Generator, frame: Pixels, region: Floats) -> None:
        """Lay this frame's glints over `frame` (H, W, 3) where `region` (H, W) is."""
        height, width = frame.shape[:2]
        noise = _noise(rng, height, width, self.cell, self.flat)
        level = float(np.quantile(noise[::3, ::3], 1 - self.share))
        cover = np.clip((noise - level) * 3, 0, 1) * (region * np.float32(self.opacity))
        light = np.full_like(frame, round(self.light))
        frame[...] = cv2.blendLinear(light, frame, cover, 1 - cover)


def _noise(rng: np.random.Generator, height: int, width: int, cell: float, flat: float) -> Floats:
    """Smooth noise (H, W) of unit strength whose features are `cell` pixels high and `flat` times as wide."""
    size = max(2, round(width / (cell * flat))), max(2, round(height / cell))
    coarse = rng.standard_normal((size[1], size[0]), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
