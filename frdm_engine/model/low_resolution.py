"""The low-resolution pass: what is broad, found and mended once for the whole frame.

HaineiFRDM (arXiv 2512.24946) restores the whole frame at low resolution first and adds its residual against blocky
seams. A stain or a colour cast is a smooth filter over the picture, so what is handed up is not the small picture's
difference but the filter itself: gain and offset of each channel, which hold for the detail of the full frame too
(as in Gharbi et al. 2017, Deep Bilateral Learning, arXiv 1707.02880).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.frame_fusion import Evidence, out_of_range
from frdm_engine.model.layers import Residual, conv, pointwise


@dataclass(frozen=True)
class Broad:
    """Of a small whole frame: gain and offset (B, 3, h, w), model encoding, and logits (B, 4, h, w) by class."""

    gain: Tensor
    offset: Tensor
    logits: Tensor

    def mend(self, frame: Tensor) -> Tensor:
        """The frame (B, 3, h, w) as if all of it were stained."""
        return self.gain * frame + self.offset


class LowResolution(nn.Module):
    """Evidence of small whole frames (B, ..., h, w), multiples of 8 -> Broad; a U-Net from half size down."""

    def __init__(self, *, neighbours: int, classes: int, width: int = 32) -> None:
        super().__init__()
        self.classes = classes
        widths = (width, 2 * width, 3 * width, 4 * width)
        self.enter = conv(4 * (3 + 3 * neighbours + 3 * 2 + 3 + 2) + neighbours, width)
        self.before = nn.ModuleList([nn.ModuleList([Residual(w), Residual(w)]) for w in widths])
        self.down = nn.ModuleList([conv(a, b, stride=2) for a, b in pairwise(widths)])
        self.up = nn.ModuleList([pointwise(b, a) for a, b in pairwise(widths)])
        self.after = nn.ModuleList([nn.ModuleList([Residual(w), Residual(w)]) for w in widths[:-1]])
        self.leave = conv(width, 6 + classes, zero=True)
        with torch.no_grad():
            self.leave.bias[6:] = -3.0  # type: ignore[index]  # at first: nothing is broad

    def forward(self, evidence: Evidence) -> Broad:
        centre, aligned = evidence.centre, evidence.aligned
        full = torch.cat(
            (
                centre - 0.5,
                (aligned - centre[:, None]).flatten(1, 2),
                (evidence.raw - centre[:, None]).flatten(1, 2),
                out_of_range(centre, aligned),
                evidence.columns,
            ),
            dim=1,
        )
        x = self.enter(torch.cat((F.pixel_unshuffle(full, 2), evidence.doubt), dim=1))
        kept = []
        for level, blocks in enumerate(self.before):
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x)
            if level < len(self.down):
                kept.append(x)
                x = self.down[level](F.relu(x))
        for level in range(len(self.down) - 1, -1, -1):
            x = kept[level] + F.interpolate(self.up[level](F.relu(x)), size=kept[level].shape[-2:], mode="nearest")
            for block in self.after[level]:  # type: ignore[attr-defined]
                x = block(x)
        out = F.interpolate(self.leave(F.relu(x)).float(), scale_factor=2.0, mode="bilinear", align_corners=False)
        gain, offset, logits = out.split([3, 3, self.classes], dim=1)
        return Broad(1 + gain, offset, logits)
