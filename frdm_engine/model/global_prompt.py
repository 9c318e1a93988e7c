"""Position-aware Global Prompt: a patch asks the small whole frame, knowing where it sits.

HaineiFRDM (arXiv 2512.24946, Global Prompt): a low-resolution whole frame guides each patch. A scratch nearly
vanishes when the frame is made very small, so the small frame, and better still its restoration, is a clean guide.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.layers import conv, fourier, pointwise

BANDS = 5


def _positions(box: Tensor, height: int, width: int) -> Tensor:
    """Normalised centres (B, height * width, 2) of a grid of cells over ``box`` (B, 4) = x0, y0, x1, y1 in 0..1."""
    ys = (torch.arange(height, device=box.device) + 0.5) / height
    xs = (torch.arange(width, device=box.device) + 0.5) / width
    y = box[:, 1:2] + ys[None] * (box[:, 3:4] - box[:, 1:2])
    x = box[:, 0:1] + xs[None] * (box[:, 2:3] - box[:, 0:1])
    grid = torch.stack((x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)), dim=-1)
    return grid.flatten(1, 2)


@dataclass(frozen=True)
class Prompt:
    """What the small whole frame has to say: keys and values (B, N, D) and a feature map (B, C, h/4, w/4)."""

    key: Tensor
    value: Tensor
    map: Tensor


class PromptEncoder(nn.Module):
    """Small whole frame, as found and as restored, (B, 3, h, w) each, h and w multiples of 8 -> Prompt."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = conv(6 * 16, dim)
        self.second = conv(dim, dim, stride=2)
        self.position = nn.Linear(4 * BANDS, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)

    def forward(self, small: Tensor, restored: Tensor) -> Prompt:
        x = F.pixel_unshuffle(torch.cat((small - 0.5, restored - small), dim=1), 4)
        feature_map = self.first(x)
        tokens = self.second(F.relu(feature_map))
        height, width = tokens.shape[-2:]
        box = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=small.device)
        where = self.position(fourier(_positions(box, height, width), BANDS))
        tokens = F.relu(tokens.flatten(2).transpose(1, 2))
        return Prompt(self.key(tokens + where), self.value(tokens), feature_map)


class GlobalPrompt(nn.Module):
    """Cross-attention from patch features (B, C, h, w) of a window ``box`` (B, 4) to the prompt's tokens."""

    def __init__(self, channels: int, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = pointwise(channels, dim)
        self.position = nn.Linear(4 * BANDS, dim)
        self.out = pointwise(dim, channels, zero=True)

    def forward(self, x: Tensor, box: Tensor, prompt: Prompt) -> Tensor:
        height, width = x.shape[-2:]
        query = self.query(F.relu(x)).flatten(2).transpose(1, 2)
        query = query + self.position(fourier(_positions(box, height, width), BANDS))

        def split(t: Tensor) -> Tensor:
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2).to(query.dtype)

        asked = F.scaled_dot_product_attention(split(query), split(prompt.key), split(prompt.value))
        asked = asked.transpose(1, 2).flatten(2).transpose(1, 2).unflatten(2, (height, width))
        answer: Tensor = self.out(asked)
        return x + answer
