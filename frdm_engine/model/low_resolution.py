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

from frdm_engine.model.fixed_pattern import CHANNELS
from frdm_engine.model.frame_fusion import Evidence, out_of_range
from frdm_engine.model.layers import Normed, Residual, conv, pointwise
from frdm_engine.model.planes import grown

RARE = -3.0
"""Logits of a new network: at first nothing is broad."""


@dataclass(frozen=True)
class Broad:
    """Of a small whole frame: gain and offset (B, 3, h, w), model encoding, and the logit of a stain (B, 1, h, w).

    hints (B, 4, h, w): logits of all classes, which the denoiser is told.
    """

    gain: Tensor
    offset: Tensor
    stain: Tensor
    hints: Tensor

    def mend(self, frame: Tensor) -> Tensor:
        """The frame (B, 3, h, w) as if all of it were stained."""
        return self.gain * frame + self.offset


class SmallNet(nn.Module):
    """Planes of small whole frames (B, P, h/2, w/2), h and w multiples of 8 -> (B, C, h, w): a U-Net.

    The planes are those of ``planes_of`` and some ``extra``. With norms it learns many times faster.
    """

    def __init__(self, *, neighbours: int, outputs: int, extra: int = 0, width: int = 32, normed: bool = False) -> None:
        super().__init__()
        block = Normed if normed else Residual
        widths = (width, 2 * width, 3 * width, 4 * width)
        self.enter = conv(4 * (3 + 3 * neighbours + 3 * 2 + 3 + 2) + neighbours + extra, width)
        self.before = nn.ModuleList([nn.ModuleList([block(w), block(w)]) for w in widths])
        self.down = nn.ModuleList([conv(a, b, stride=2) for a, b in pairwise(widths)])
        self.up = nn.ModuleList([pointwise(b, a) for a, b in pairwise(widths)])
        self.after = nn.ModuleList([nn.ModuleList([block(w), block(w)]) for w in widths[:-1]])
        self.leave = conv(width, outputs, zero=True)

    def forward(self, planes: Tensor) -> Tensor:
        x = self.enter(planes)
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
        return grown(self.leave(F.relu(x)).float(), 2)


def planes_of(evidence: Evidence) -> Tensor:
    """What evidence (B, ..., h, w) tells a network from half size down: (B, P, h/2, w/2)."""
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
    return torch.cat((F.pixel_unshuffle(full, 2), evidence.doubt), dim=1)


class LowResolution(SmallNet):
    """Finds and mends stains: planes, the fixed pattern last -> gain less 1 and offset (3 each), logit of a stain."""

    def __init__(self, *, neighbours: int, normed: bool = False) -> None:
        super().__init__(neighbours=neighbours, outputs=7, extra=CHANNELS, normed=normed)
        with torch.no_grad():
            self.leave.get_parameter("bias")[6] = RARE


class Hints(SmallNet):
    """What the small frame shows, for the denoiser to go by: planes -> logits of dirt, scratches, stains, flicker.

    A network of its own, so that stains can be learned further without the denoiser being told otherwise than before.
    """

    def __init__(self, *, neighbours: int) -> None:
        super().__init__(neighbours=neighbours, outputs=4)
        nn.init.constant_(self.leave.get_parameter("bias"), RARE)


def broad_of(low_resolution: LowResolution, hints: Hints, evidence: Evidence, pattern: Tensor) -> Broad:
    """What both say of small whole frames: ``pattern`` (B, 6, h/2, w/2) is their ``fixed_pattern``."""
    planes = planes_of(evidence)
    gain, offset, stain = low_resolution(torch.cat((planes, pattern), dim=1)).split([3, 3, 1], dim=1)
    return Broad(1 + gain, offset, stain, hints(planes))
