"""The scout: a small network that says where in a frame the restorer needs to look at all.

Ours, not the paper's: HaineiFRDM looks at every patch. Damage is rare on most plates, so a hundredth of the restorer's
arithmetic, spent on the whole frame at half size, saves nearly all the rest of it. The scout learns from what the
restorer itself repairs, not from the truth: it only has to know what would be changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.alignment import upsample_flow, warp
from frdm_engine.model.convolve import compute_dtype
from frdm_engine.model.layers import Enter, Residual, conv

CELL = 16
"""Side in pixels of the squares the scout speaks of."""


def scouted(halves: Sequence[Tensor], motion: Sequence[Tensor | None], columns: Tensor) -> Tensor:
    """What the scout sees of a window: planes (B, 3 + 3 * K + 6 + 2, H/2, W/2), channels last.

    halves: T = K + 1 frames (B, 3, H/2, W/2) in time order, model encoding; motion: K coarse ones (B, 2, H/4, W/4) from
    the middle frame, or None; columns (B, 2, H/2, W/2): column map of the middle frame and its mean over the window.
    """
    middle = len(halves) // 2
    centre = halves[middle]
    batch, _, height, width = centre.shape
    shape = (batch, 3 * len(halves) + 8, height, width)
    out = torch.empty(shape, dtype=compute_dtype(centre), device=centre.device, memory_format=torch.channels_last)
    out[:, :3] = centre - 0.5
    at = 3
    others = [half for number, half in enumerate(halves) if number != middle]
    for other, coarse in zip(others, motion, strict=True):
        moved = other if coarse is None else warp(other, upsample_flow(coarse)[..., :height, :width])
        out[:, at : at + 3] = moved - centre
        at += 3
    for other in (halves[middle - 1], halves[middle + 1]):
        out[:, at : at + 3] = other - centre
        at += 3
    out[:, at:] = columns
    return out


class Scout(nn.Module):
    """What is seen (B, C, H/2, W/2), see ``scouted`` -> logits (B, 1, H/16, W/16) of a repair in each ``CELL``."""

    def __init__(self, *, neighbours: int, width: int = 32) -> None:
        super().__init__()
        w1, w2, w3 = width, 2 * width, 3 * width
        self.enter = Enter(3 + 3 * neighbours + 6 + 2, 0, w1)
        self.to8 = conv(w1, w2, stride=2)
        self.at8 = Residual(w2)
        self.to16 = conv(w2, w3, stride=2)
        self.at16 = nn.ModuleList([Residual(w3), Residual(w3)])
        self.leave = conv(w3, 1, zero=True)

    def forward(self, seen: Tensor) -> Tensor:
        x = self.at8(self.to8(F.relu(self.enter([seen], []))))
        x = self.to16(F.relu(x))
        for block in self.at16:
            x = block(x)
        out: Tensor = self.leave(F.relu(x)).float()
        return out
