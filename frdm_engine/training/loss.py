"""The loss: picture, frequencies, matte, and the composite that the artist will see; apart from it, what is broad."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.denoiser import LOCAL, Prediction
from frdm_engine.model.low_resolution import Broad

DIRT, SCRATCH = 12.0, 8.0
"""Weight of a damaged pixel in the fill's loss."""
DOUBTED = 2.0
"""The same of a sound pixel that was taken for a hole. The composite and the matte weigh all pixels alike: harm done to
a sound pixel costs what a mended one earns, so that probabilities mean what they say.
"""
TOLD = 3.0
"""Weight of the matte: nearly all error that is left lies where damage was not found, not in how it was filled."""
STAINED = 8.0
"""Weight of a stained pixel in the loss of the low-resolution pass."""
SEEN_SMALL = (0.3, 0.3, 1.0, 0.1)
"""Weight of each class in the loss of what the denoiser is told of the small frame."""
STAIN_TOLD = 2.0
"""Weight of the matte of stains that are taken back."""
STRONG = 16 / 255
"""Model encoding: a stain that alters a pixel by this much weighs as much as a sound pixel in that matte, others by
the square of it: a pass that is to find all alike learns the strong ones, which cost the most, no better than faint.
Its odds are told apart from that weight, so that they are honest for the strongest and too low for faint ones."""
FAINTER, STRONGER = 0.05, 4.0
"""What a stained pixel weighs at least and at most."""
SQUARED = 10.0
"""Weight of squared beside absolute error in stains: most of what they cost is in a few strong ones."""
CHARBONNIER = 2e-3
"""Where the loss turns from squared to absolute, model encoding."""


def charbonnier(difference: Tensor) -> Tensor:
    """Smooth absolute value."""
    return (difference.square() + CHARBONNIER**2).sqrt() - CHARBONNIER


def restoration_loss(prediction: Prediction, *, clean: Tensor, matte: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Loss of a prediction, frames (B, 3, H, W) in model encoding, truth matte (B, 4, H, W).

    ``clean`` differs from what the network was shown by dirt and scratches alone.

    Returns the scalar to minimise and its parts for the log.
    """
    dirt, scratch = matte[:, :1], matte[:, 1:2]
    weight = torch.maximum(torch.maximum(DIRT * dirt, SCRATCH * scratch), DOUBTED * prediction.hole)
    image = (weight * (charbonnier(prediction.fill - clean) + 0.5 * charbonnier(prediction.mixed - clean))).mean()
    error = prediction.clean - clean
    seen = charbonnier(error).mean()
    frequency = torch.fft.rfft2(error, norm="ortho").abs().mean()
    matting = F.binary_cross_entropy_with_logits(prediction.logits, matte[:, :LOCAL])
    total = image + 3 * seen + 0.25 * frequency + TOLD * matting
    parts = {"image": image, "composite": seen, "frequency": frequency, "matte": matting, "sharp": matting}
    return total, {name: float(value.detach()) for name, value in parts.items()}


def broad_loss(broad: Broad, *, lit: Tensor, clean: Tensor, matte: Tensor) -> Tensor:
    """Loss of what is broad in small frames (B, 3, h, w): ``lit``, flicker taken back; truth; matte (B, 4, h, w)."""
    stain = matte[:, 2:3]
    mended = broad.mend(lit)
    own = ((0.2 + STAINED * stain) * _both(mended - clean)).mean()
    probability = broad.stain.sigmoid()
    seen = _both(lit + probability * (mended - lit) - clean).mean()
    weights = torch.tensor(SEEN_SMALL, device=matte.device).view(1, -1, 1, 1)
    entropy = F.binary_cross_entropy_with_logits(broad.hints, matte, reduction="none")
    cost = ((lit - clean).abs().amax(dim=1, keepdim=True) / STRONG).square().clamp(FAINTER, STRONGER)
    cost = torch.where(stain > 0.02, cost, 1.0)
    found = F.binary_cross_entropy_with_logits(broad.stain + math.log(STRONGER), stain, weight=cost)
    return own + 3 * seen + (entropy * weights).mean() + STAIN_TOLD * found


def _both(difference: Tensor) -> Tensor:
    return charbonnier(difference) + SQUARED * difference.square()


@torch.no_grad()
def figures(prediction: Prediction, *, damaged: Tensor, clean: Tensor, matte: Tensor) -> dict[str, float]:
    """Squared errors and matte counts of a batch, to be summed over many before they are read."""
    out: dict[str, float] = {}
    for index, name in enumerate(("dirt", "scratch", "stain")):
        inside = (matte[:, index : index + 1] > 0.5).float()
        out |= _errors(name, inside, before=damaged - clean, after=prediction.clean - clean)
        if index < LOCAL:
            out |= _counts(name, inside, prediction.logits[:, index : index + 1])
    return out


@torch.no_grad()
def broad_figures(broad: Broad, *, lit: Tensor, damaged: Tensor, clean: Tensor, matte: Tensor) -> dict[str, float]:
    """The same of the stains in small frames: ``lit`` has flicker taken back, ``damaged`` has not."""
    inside = (matte[:, 2:3] > 0.5).float()
    mended = lit + broad.stain.sigmoid() * (broad.mend(lit) - lit)
    errors = _errors("stain", inside, before=damaged - clean, after=mended - clean)
    return errors | _counts("stain", inside, broad.stain)


def _errors(name: str, inside: Tensor, *, before: Tensor, after: Tensor) -> dict[str, float]:
    return {
        f"{name}_area": float(inside.sum()),
        f"{name}_before": float((inside * before.square()).sum() / 3),
        f"{name}_after": float((inside * after.square()).sum() / 3),
    }


def _counts(name: str, inside: Tensor, logits: Tensor) -> dict[str, float]:
    found = (logits > 0).float()
    return {f"{name}_found": float(found.sum()), f"{name}_hit": float((found * inside).sum())}
