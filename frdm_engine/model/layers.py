"""The few layers all parts share. No norms but for whole frames: statistics over a tile would make tiles disagree."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.convolve import convolve, convolve_by
from frdm_engine.model.planes import beside

GROUPS = 8
"""Of channels that are normed together."""


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


class Enter(nn.Conv2d):
    """3x3 convolution at half size over planes of full size, each 2x2 pixels of them four channels, and of half size.

    The sum is that of ``pixel_unshuffle`` and a convolution. On a CPU the planes of full size are not rearranged but
    met by the same weights as a 6x6 kernel of stride 2: moving numbers about costs more there than adding them up.
    """

    def __init__(self, full: int, half: int, outputs: int) -> None:
        super().__init__(4 * full + half, outputs, 3, padding=1)
        self.full = full
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(  # type: ignore[override]
        self, full: Sequence[Tensor], half: Sequence[Tensor], *, positive: bool = False
    ) -> Tensor:
        """Full (B, c, H, W) and half (B, c, H/2, W/2), H and W even -> (B, outputs, H/2, W/2), or what is positive."""
        planes = beside(full)
        if planes.device.type != "cpu":
            return convolve(self, beside([F.pixel_unshuffle(planes, 2), *half]), positive=positive)
        split = self.weight[:, : 4 * self.full].unflatten(1, (self.full, 2, 2))  # out, plane, y, x, row, column
        large = split.permute(0, 1, 4, 2, 5, 3).reshape(self.out_channels, self.full, 6, 6)
        out = convolve_by(large, self.bias, planes, stride=2, padding=2, positive=positive and not half)
        if half:
            rest = self.weight[:, 4 * self.full :]
            out = convolve_by(rest, None, beside(half), padding=1, add=out, positive=positive)
        return out


class Residual(nn.Module):
    """x + conv(relu(conv(x) + shift)): starts as the identity; ``shift`` (B, channels) carries the noise level."""

    def __init__(self, channels: int, condition: int = 0) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = conv(channels, channels, zero=True)
        self.shift = nn.Linear(condition, channels) if condition else None

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = F.relu(x)
        if self.shift is None or condition is None:
            h = convolve(self.first, h, positive=True)
        elif x.shape[0] == 1:  # one shift for all of it: the convolution's own
            bias = self.first.get_parameter("bias") + self.shift(condition)[0]
            h = convolve(self.first, h, bias=bias, positive=True)
        else:
            h = self.first(h)
            h = h + self.shift(condition)[..., None, None].to(h.dtype)
            h = F.relu(h, inplace=not torch.is_grad_enabled())
        return convolve(self.second, h, add=x)


class Normed(nn.Module):
    """As ``Residual``, each convolution behind a group norm (Wu and He 2018, arXiv 1803.08494): for whole frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before, self.between = nn.GroupNorm(GROUPS, channels), nn.GroupNorm(GROUPS, channels)
        self.first = conv(channels, channels)
        self.second = conv(channels, channels, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(F.relu(self.before(x)))
        return x + self.second(F.relu(self.between(h)))


def fourier(coordinates: Tensor, bands: int) -> Tensor:
    """Sines and cosines (..., 2 * bands * D) of coordinates (..., D) at octaves of half a period per unit."""
    scaled = coordinates[..., None] * (torch.pi * 2.0 ** torch.arange(bands, device=coordinates.device))
    return torch.cat((scaled.sin(), scaled.cos()), dim=-1).flatten(-2)
