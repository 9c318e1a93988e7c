"""The few layers all parts share. No norms: statistics over a tile would make tiles disagree."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(inputs: int, outputs: int, *, stride: int = 1, zero: bool = False) -> nn.Conv2d:
    """3x3 convolution with He initialisation, or zeros where a branch must start silent."""
    layer = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def pointwise(inputs: int, outputs: int, *, zero: bool = False) -> nn.Conv2d:
    """1x1 convolution."""
    layer = nn.Conv2d(inputs, outputs, 1)
    if zero:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class Residual(nn.Module):
    """x + conv(relu(conv(x) + shift)): starts as the identity; ``shift`` (B, channels) carries the noise level."""

    def __init__(self, channels: int, condition: int = 0) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = conv(channels, channels, zero=True)
        self.shift = nn.Linear(condition, channels) if condition else None

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.first(F.relu(x))
        if self.shift is not None and condition is not None:
            h = h + self.shift(condition)[..., None, None].to(h.dtype)
        return x + self.second(F.relu(h))


def fourier(coordinates: Tensor, bands: int) -> Tensor:
    """Sines and cosines (..., 2 * bands * D) of coordinates (..., D) at octaves of half a period per unit."""
    scaled = coordinates[..., None] * (torch.pi * 2.0 ** torch.arange(bands, device=coordinates.device))
    return torch.cat((scaled.sin(), scaled.cos()), dim=-1).flatten(-2)
