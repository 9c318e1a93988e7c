"""The loss: picture, frequencies, matte, and the composite that the artist will see."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.denoiser import Prediction

PICTURE_WEIGHT = (12.0, 8.0, 4.0, 0.0)
"""How much more a pixel of each class counts than a sound one in the clean frame: small things must not drown.

The composite and the matte weigh all pixels alike: harm done to a sound pixel costs what a mended one earns, so that
probabilities mean what they say.
"""
MATTE_WEIGHT = (1.0, 1.0, 0.3, 0.1)
"""How much each class counts in the matte's loss."""
CHARBONNIER = 2e-3
"""Where the loss turns from squared to absolute, model encoding."""


def charbonnier(difference: Tensor) -> Tensor:
    """Smooth absolute value."""
    return (difference.square() + CHARBONNIER**2).sqrt() - CHARBONNIER


def alpha_of(logits: Tensor) -> Tensor:
    """Any damage (B, 1, H, W) in 0..1 from class logits (B, 4, H, W)."""
    return 1 - (1 - logits.sigmoid()).prod(dim=1, keepdim=True)


def restoration_loss(
    prediction: Prediction, *, damaged: Tensor, clean: Tensor, matte: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Loss of a prediction, frames (B, 3, H, W) in model encoding, truth matte (B, 4, H, W).

    Returns the scalar to minimise and its parts for the log.
    """

    def of(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=matte.device).view(1, -1, 1, 1)

    weight = 1 + (of(PICTURE_WEIGHT) * matte).amax(dim=1, keepdim=True)
    error = prediction.clean - clean
    image = (weight * charbonnier(error)).mean()
    composite = damaged + alpha_of(prediction.logits) * (prediction.clean - damaged)
    seen = charbonnier(composite - clean).mean()
    frequency = torch.fft.rfft2(error, norm="ortho").abs().mean()
    entropy = F.binary_cross_entropy_with_logits(prediction.logits, matte, reduction="none")
    matting = (entropy * of(MATTE_WEIGHT)).mean()
    total = image + 3 * seen + 0.25 * frequency + 0.5 * matting
    parts = {"image": image, "composite": seen, "frequency": frequency, "matte": matting}
    return total, {name: float(value.detach()) for name, value in parts.items()}


@torch.no_grad()
def figures(prediction: Prediction, *, damaged: Tensor, clean: Tensor, matte: Tensor) -> dict[str, float]:
    """Squared errors and matte counts of a batch, to be summed over many before they are read."""
    composite = damaged + alpha_of(prediction.logits) * (prediction.clean - damaged)
    out: dict[str, float] = {}
    for index, name in enumerate(("dirt", "scratch", "stain")):
        inside = (matte[:, index : index + 1] > 0.5).float()
        out[f"{name}_area"] = float(inside.sum())
        out[f"{name}_before"] = float((inside * (damaged - clean).square()).sum() / 3)
        out[f"{name}_after"] = float((inside * (composite - clean).square()).sum() / 3)
        found = (prediction.logits[:, index : index + 1] > 0).float()
        out[f"{name}_found"] = float(found.sum())
        out[f"{name}_hit"] = float((found * inside).sum())
    return out
