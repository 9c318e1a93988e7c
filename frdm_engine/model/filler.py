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
from frdm_engine.model.box import box_max, box_mean, box_sums
from frdm_engine.model.frame_fusion import Evidence, Fused, middle_of
from frdm_engine.model.layers import Enter, Residual, conv
from frdm_engine.model.planes import grown, raised, shrunk, shuffled

LARGEST_SHIFT = 0.15
"""Model encoding: how far a neighbour is moved to the level of the surroundings at most."""
NEAR, AROUND, FAR = 5, 13, 52
"""Sides in pixels of the squares over which surroundings are averaged, each with a thirtieth of the weight before."""
FAINTEST, PLAIN = 0.06, 0.3
"""Probability of damage from which a pixel is taken for part of a hole, and wholly so."""


@dataclass(frozen=True)
class Candidates:
    """What a hole may be filled with.

    surroundings, middle (B, 3, H, W); lifted (B, 3, 3, H, W): the centre, its level moved; aligned (B, K, 3, H, W):
    the neighbours as they are; moved, alike: the same at the level of the surroundings. cut (B, 3, H, W): the centre
    with its surroundings in its holes. disagree (B, K, H, W): how far each aligned neighbour is from the sound pixels
    around, model encoding.
    """

    surroundings: Tensor
    middle: Tensor
    lifted: Tensor
    aligned: Tensor
    moved: Tensor
    cut: Tensor
    disagree: Tensor

    def pictures(self) -> tuple[Tensor, ...]:
        """All of them, (B, 3, H, W) each, in the order of the filler's weights."""
        lifted, aligned, moved = (pictures.unbind(1) for pictures in (self.lifted, self.aligned, self.moved))
        return self.surroundings, self.middle, *lifted, *aligned, *moved


def hole_of(damage: Tensor) -> Tensor:
    """The hole (B, 1, H, W) in 0..1 that probabilities of damage (B, 1, H, W) come to."""
    return ((damage - FAINTEST) / (PLAIN - FAINTEST)).clamp(0, 1)


@torch.no_grad()
def around(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of what is near, (B, C, H, W): values alike, weight (B, 1, H, W) over 0, sides multiples of 4.

    A mean over ``NEAR`` pixels, where these weigh nothing over ``AROUND``, at last over ``FAR``; no gradient passes.
    """
    batch, count, height, width = values.shape
    both = values.new_empty(batch, count + 1, height, width)
    torch.mul(values, weight, out=both[:, :-1])
    both[:, -1:] = weight
    coarse = box_mean(shrunk(both, 4), FAR // 4, edges="zero")
    total, wide = box_sums(both, NEAR, AROUND)
    total.add_(wide, alpha=0.03 * NEAR**2 / AROUND**2)
    total.add_(grown(coarse, 4), alpha=0.001 * NEAR**2)
    return total[:, :-1].div_(total[:, -1:])


@torch.no_grad()
def candidates(evidence: Evidence, hole: Tensor) -> Candidates:
    """What may fill a ``hole`` (B, 1, H, W) of the evidence's centre; no gradient passes."""
    centre, aligned = evidence.centre, evidence.aligned
    batch, count, _, height, width = aligned.shape
    sound = (1 - box_max(hole)).square_() + 1e-6
    values = centre.new_empty(batch, 3 + 4 * count, height, width)
    apart = values[:, 3 : 3 + 3 * count].unflatten(1, (count, 3))
    values[:, :3] = centre
    torch.sub(centre[:, None], aligned, out=apart)
    torch.abs(luma(apart)[:, :, 0], out=values[:, 3 + 3 * count :])
    near = around(values, sound)
    surroundings, disagree = near[:, :3], near[:, 3 + 3 * count :]
    shift = near[:, 3 : 3 + 3 * count].unflatten(1, (count, 3)).clamp_(-LARGEST_SHIFT, LARGEST_SHIFT)
    moved = shift.add_(aligned)
    middle = middle_of(moved)
    offsets = centre.new_empty(batch, 7, height, width)
    torch.sub(middle, centre, out=offsets[:, :3])
    torch.sub(surroundings, centre, out=offsets[:, 3:6])
    cut = centre + hole * offsets[:, 3:6]
    offsets[:, 6] = 1
    close, wide = box_sums(offsets.mul_(hole.square() + 1e-6), NEAR, AROUND)
    lifted = centre.new_empty(batch, 3, 3, height, width)
    torch.add(centre, close[:, :3].div_(close[:, 6:]), out=lifted[:, 0])
    lifts = wide[:, :6].div_(wide[:, 6:]).unflatten(1, (2, 3))
    torch.add(centre[:, None], lifts, out=lifted[:, 1:])
    return Candidates(surroundings, middle, lifted, aligned, moved, cut, disagree)


class Filler(nn.Module):
    """Evidence, fused features, the denoiser's features (B, F, H/2, W/2), a hole (B, 1, H, W) -> what belongs there."""

    def __init__(self, *, neighbours: int, features: int, width: int = 48) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.count = 5 + 2 * neighbours
        self.enter = Enter(3 + 1 + 3 + 3 * 4 + 3 * neighbours + neighbours, neighbours + features, width)
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
        # All but the surroundings, which are the cut, and the neighbours as they are, which the fused features know.
        chosen = [(pictures - cut[:, None]).flatten(1, 2) for pictures in (found.lifted, found.moved)]
        full = (cut - 0.5, hole, evidence.centre - cut, found.middle - cut, *chosen, found.disagree)
        x = self.enter(full, (evidence.doubt, features))
        deep = self.down(F.relu(x))
        for block in self.middle:
            deep = block(deep)
        x = raised(x, self.up(F.relu(deep)))
        for block in self.last:
            x = block(x)
        out = shuffled(self.leave(F.relu(x))).float()
        out[:, 5 : self.count].unflatten(1, (2, self.neighbours)).add_(fused.trust.float()[:, None])
        logits, paint = out.split([self.count, 3], dim=1)
        weights = logits.softmax(dim=1)
        first, *others = found.pictures()
        mixed = weights[:, :1] * first
        for index, picture in enumerate(others, 1):
            mixed = mixed.addcmul_(weights[:, index : index + 1], picture)
        return mixed + paint, mixed, weights
