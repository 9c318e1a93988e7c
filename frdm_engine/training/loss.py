"""The loss: picture, frequencies, matte, and the composite that the artist will see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.denoiser import Prediction
from frdm_engine.model.guide import composite


@dataclass(frozen=True)
class Weights:
    """How much the classes count, in the order of ``CLASSES``."""

    picture: tuple[float, float, float, float]
    """Weight of each class in the fill's loss; what the fill is mixed from counts 1 everywhere, as if damaged."""
    matte: tuple[float, float, float, float]
    """Weight of each class in the matte's loss."""


WINDOW = Weights(picture=(12.0, 8.0, 4.0, 0.0), matte=(1.0, 1.0, 0.3, 0.1))
"""Of windows: they own texture. The composite and the matte weigh all pixels alike: harm done to a sound pixel costs
what a mended one earns, so that probabilities mean what they say.
"""
SMALL = Weights(picture=(6.0, 6.0, 4.0, 1.0), matte=(0.5, 0.5, 0.3, 0.2))
"""Of the small whole frame: it owns what is broad."""
CHARBONNIER = 2e-3
"""Where the loss turns from squared to absolute, model encoding."""


def charbonnier(difference: Tensor) -> Tensor:
    """Smooth absolute value."""
    return (difference.square() + CHARBONNIER**2).sqrt() - CHARBONNIER


def restoration_loss(
    prediction: Prediction, *, damaged: Tensor, clean: Tensor, matte: Tensor, even: Tensor, weights: Weights = WINDOW
) -> tuple[Tensor, dict[str, float]]:
    """Loss of a prediction, frames (B, 3, H, W) in model encoding, truth matte (B, 4, H, W).

    ``even`` (B, 3, H, W) is what the guide adds against flicker.

    Returns the scalar to minimise and its parts for the log.
    """

    def of(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=matte.device).view(1, -1, 1, 1)

    weight = (of(weights.picture) * matte).amax(dim=1, keepdim=True)
    image = (weight * charbonnier(prediction.fill - clean)).mean() + charbonnier(prediction.mixed - clean).mean()
    error = composite(damaged, prediction, even) - clean
    seen = charbonnier(error).mean()
    frequency = torch.fft.rfft2(error, norm="ortho").abs().mean()
    entropy = F.binary_cross_entropy_with_logits(prediction.logits, matte, reduction="none")
    matting = (entropy * of(weights.matte)).mean()
    total = image + 3 * seen + 0.25 * frequency + 0.5 * matting
    parts = {
        "image": image,
        "composite": seen,
        "frequency": frequency,
        "matte": matting,
        "sharp": entropy[:, :2].mean(),
    }
    return total, {name: float(value.detach()) for name, value in parts.items()}


@torch.no_grad()
def figures(prediction: Prediction, *, damaged: Tensor, clean: Tensor, matte: Tensor, even: Tensor) -> dict[str, float]:
    """Squared errors and matte counts of a batch, to be summed over many before they are read."""
    mended = composite(damaged, prediction, even)
    out: dict[str, float] = {}
    for index, name in enumerate(("dirt", "scratch", "stain")):
        inside = (matte[:, index : index + 1] > 0.5).float()
        out[f"{name}_area"] = float(inside.sum())
        out[f"{name}_before"] = float((inside * (damaged - clean).square()).sum() / 3)
        out[f"{name}_after"] = float((inside * (mended - clean).square()).sum() / 3)
        found = (prediction.logits[:, index : index + 1] > 0).float()
        out[f"{name}_found"] = float(found.sum())
        out[f"{name}_hit"] = float((found * inside).sum())
    return out
