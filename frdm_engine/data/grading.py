"""Random grades, one a window: exposure, contrast, gamma, saturation, monochrome, sepia, faded prints."""

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import Pixels

Floats = npt.NDArray[np.float32]

_REC709 = (0.2126, 0.7152, 0.0722)
_ORTHOCHROMATIC = (0.06, 0.54, 0.40)


def grade(rng: np.random.Generator, frames: Pixels, *, monochrome: float = 0.35, faded: float = 0.2) -> Floats:
    """Regrade (T, H, W, 3) uint8 RGB alike in every frame: float32, 0..1, sRGB code values.

    `monochrome` and `faded` are the probabilities of a grey or toned picture and of a low-contrast print.
    """
    length, height, width, _ = frames.shape
    curve = tone_curve(rng, faded=rng.random() < faded)
    mono = rng.random() < monochrome
    balance = np.ones(3) if mono else np.exp(rng.normal(0, 0.04, 3))
    table = np.clip(curve[:, None] * balance, 0, 1).astype(np.float32).reshape(1, 256, 3)
    graded = cv2.LUT(frames.reshape(length * height, width, 3), table)
    if mono or rng.random() < 0.6:
        graded = cv2.transform(graded, _mixture(rng, mono=mono))
        np.clip(graded, 0, 1, out=graded)
    return np.asarray(graded, np.float32).reshape(length, height, width, 3)


def tone_curve(rng: np.random.Generator, *, faded: bool) -> npt.NDArray[np.float64]:
    """256 code values 0..1 for 8-bit input: gamma, contrast about a pivot, exposure, shoulder."""
    x = np.arange(256) / 255
    x = x ** np.exp(rng.normal(0, 0.18))
    pivot = rng.uniform(0.3, 0.55)
    x = pivot + (x - pivot) * np.exp(rng.normal(0.0, 0.14))
    x = x * np.exp(rng.normal(-0.05, 0.15))
    knee = 0.85
    over = np.maximum(x - knee, 0)
    x = np.minimum(x, knee) + (1 - knee) * (1 - np.exp(-over / (1 - knee)))
    x = np.maximum(x, 0)
    if faded:
        black, white = rng.uniform(0.02, 0.2), rng.uniform(0.65, 0.95)
        x = black + x * (white - black)
    return np.asarray(x)


def _mixture(rng: np.random.Generator, *, mono: bool) -> npt.NDArray[np.float32]:
    """The 3x3 matrix from graded to final RGB: saturation, or grey by some emulsion, or toned grey."""
    grey = np.array(_REC709)
    if not mono:
        amount = float(np.clip(rng.normal(0.95, 0.22), 0.3, 1.5))
        return (amount * np.eye(3) + (1 - amount) * np.tile(grey, (3, 1))).astype(np.float32)
    blend = rng.uniform(0, 1)
    weights = (1 - blend) * grey + blend * np.array(_ORTHOCHROMATIC)
    tone = np.ones(3)
    if rng.random() < 0.3:
        warmth = rng.uniform(0.2, 1.0)
        tone = 1 + warmth * np.array([0.06, -0.02, -0.18])
    return np.outer(tone, weights).astype(np.float32)
