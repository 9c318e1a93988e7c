"""What belongs where damage is: a mixture of candidates, weighed by a small network that is told where the hole lies.

HaineiFRDM (arXiv 2512.24946) restores and finds at once. Here the look finds damage first and the fill is made for what
was found: told of the hole, nothing of the damage need be let in, and the candidates can be judged by how they agree
with the sound pixels around it. The candidates are

- the sound surroundings (normalised convolution, Knutsson and Westin 1993): for what is small, or moves too fast;
- each aligned neighbour, as it is and moved to the level of the surroundings: real film, grain included;
- the middle of the moved neighbours;
- the centre itself, its level moved to one of these: what lies under translucent damage keeps its own grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.alignment import luma
from frdm_engine.model.box import box_mean
from frdm_engine.model.frame_fusion import Evidence, Fused, middle_of
from frdm_engine.model.layers import Residual, conv

LARGEST_SHIFT = 0.15
"""Model encoding: how far a neighbour is moved to the level of the surroundings at most."""
NEAR, AROUND, FAR = 5, 13, 52
"""Sides in pixels of the squares over which surroundings are averaged, each with a thirtieth of the weight before."""
FAINTEST, PLAIN = 0.06, 0.3
"""Probability of damage from which a pixel is taken for part of a hole, and wholly so."""


@dataclass(frozen=True)
class Candidates:
    """What a hole may be filled with.

    pictures (B, C, 3, H, W); cut (B, 3, H, W): the centre with its surroundings in its holes.
    disagree (B, K, H, W): how far each aligned neighbour is from the sound pixels around, model encoding.
    """

    pictures: Tensor
    cut: Tensor
    disagree: Tensor


def hole_of(damage: Tensor) -> Tensor:
    """The hole (B, 1, H, W) in 0..1 that probabilities of damage (B, 1, H, W) come to."""
    return ((damage - FAINTEST) / (PLAIN - FAINTEST)).clamp(0, 1)


def around(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of what is near, (B, C, H, W): values alike, weight (B, 1, H, W) over 0, sides multiples of 4.

    A mean over ``NEAR`` pixels, where these weigh nothing over ``AROUND``, and at last over ``FAR``.
    """
    both = torch.cat((values * weight, weight), dim=1)
    coarse = box_mean(F.avg_pool2d(both, 4), FAR // 4, edges="zero")
    far = F.interpolate(coarse, scale_factor=4.0, mode="bilinear", align_corners=False)
    total = box_mean(both, NEAR, edges="zero") + 0.03 * box_mean(both, AROUND, edges="zero") + 0.001 * far
    return total[:, :-1] / total[:, -1:]


@torch.no_grad()
def candidates(evidence: Evidence, hole: Tensor) -> Candidates:
    """What may fill a ``hole`` (B, 1, H, W) of the evidence's centre; no gradient passes."""
    centre, aligned = evidence.centre, evidence.aligned
    count = aligned.shape[1]
    sound = (1 - F.max_pool2d(hole, 3, stride=1, padding=1)).square() + 1e-6
    apart = centre[:, None] - aligned
    values = torch.cat((centre, apart.flatten(1, 2), luma(apart).abs()[:, :, 0]), dim=1)
    near = around(values, sound)
    surroundings, disagree = near[:, :3], near[:, 3 + 3 * count :]
    shift = near[:, 3 : 3 + 3 * count].unflatten(1, (count, 3)).clamp(-LARGEST_SHIFT, LARGEST_SHIFT)
    moved = aligned + shift
    middle = middle_of(moved)
    inside = hole.square() + 1e-6
    offsets = torch.cat((middle - centre, surroundings - centre), dim=1) * inside
    near_by = box_mean(torch.cat((offsets[:, :3], inside), dim=1), NEAR, edges="zero")
    close = near_by[:, :3] / near_by[:, 3:]
    further = box_mean(torch.cat((offsets, inside), dim=1), AROUND, edges="zero")
    wide = further[:, :6] / further[:, 6:]
    lifted = [centre + close, centre + wide[:, :3], centre + wide[:, 3:]]
    pictures = torch.stack([surroundings, middle, *lifted, *aligned.unbind(1), *moved.unbind(1)], dim=1)
    return Candidates(pictures, centre + hole * (surroundings - centre), disagree)


class Filler(nn.Module):
    """Evidence, fused features, the denoiser's features (B, F, H/2, W/2), a hole (B, 1, H, W) -> what belongs there."""

    def __init__(self, *, neighbours: int, features: int, width: int = 48) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.count = 5 + 2 * neighbours
        full = 3 + 1 + 3 + 3 * 4 + 3 * neighbours + neighbours
        self.enter = conv(4 * full + neighbours + features, width)
        self.down = conv(width, 2 * width, stride=2)
        self.middle = nn.ModuleList([Residual(2 * width), Residual(2 * width)])
        self.up = nn.Conv2d(2 * width, width, 1)
        self.last = nn.ModuleList([Residual(width), Residual(width)])
        self.leave = conv(width, 4 * (self.count + 3), zero=True)

    def idle(self, frame: Tensor) -> Tensor:
        """The candidates' weights (B, C, H, W) where there is no hole in a frame (B, 3, H, W): all alike."""
        return torch.full_like(frame[:, :1], 1 / self.count).expand(-1, self.count, -1, -1)

    def forward(
        self, evidence: Evidence, fused: Fused, features: Tensor, hole: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fill (B, 3, H, W), the same without the network's own paint, and the candidates' weights (B, C, H, W)."""
        found = candidates(evidence, hole)
        cut = found.cut
        offered = found.pictures - cut[:, None]
        # All but the surroundings, which are the cut, and the neighbours as they are, which the fused features know.
        chosen = torch.cat((offered[:, 1:5], offered[:, 5 + self.neighbours :]), dim=1).flatten(1, 2)
        full = torch.cat((cut - 0.5, hole, evidence.centre - cut, chosen, found.disagree), dim=1)
        x = self.enter(torch.cat((F.pixel_unshuffle(full, 2), evidence.doubt, features.float()), dim=1))
        deep = self.down(F.relu(x))
        for block in self.middle:
            deep = block(deep)
        x = x + F.interpolate(self.up(F.relu(deep)), size=x.shape[-2:], mode="nearest")
        for block in self.last:
            x = block(x)
        out = F.pixel_shuffle(self.leave(F.relu(x)), 2).float()
        logits, paint = out.split([self.count, 3], dim=1)
        trust = fused.trust.float()
        logits = torch.cat((logits[:, :5], logits[:, 5:] + torch.cat((trust, trust), dim=1)), dim=1)
        weights = logits.softmax(dim=1)
        mixed = (weights[:, :, None] * found.pictures).sum(dim=1)
        return mixed + paint, mixed, weights
