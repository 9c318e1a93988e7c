"""What stays in its place while the picture moves: the pattern a stain lays over the film, measured.

A stain takes a share of the light, so in density it is added to the picture. Where the picture moves by v to a
neighbour, the difference of the two along the motion is that of the pattern at the two places, and what the pattern is
at one place follows from what it is at the other: scene-based nonuniformity correction by registration (Ratliff et al.
2002, "An algebraic algorithm for nonuniformity correction in focal-plane arrays"; Hardie et al. 2000). Not in the
paper. It is evidence for the low-resolution pass, which learns how far to trust it: bad matches leave marks of their
own, and where nothing moves nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.alignment import warp
from frdm_engine.model.box import box_mean
from frdm_engine.model.frame_fusion import Motion, Window, motion_between, split

CHANNELS = 6
"""Three of the loose solution, which finds most, and three of the stiff one, which is rarely wrong."""
BASE = 0.03
"""Added to code values before the logarithm: black has no density that could be compared."""
ROUNDS = 40
"""What is known at one place reaches its neighbour along the motion in one round."""
STIFFNESS = (1.0, 4.0)
"""Weight of a place's surroundings beside that of a perfect match: of the loose and of the stiff solution."""
PULL = 0.02
"""Weight of nothing being there."""
THRESHOLD = 0.002
"""By how much a round draws every place to nothing: noise stays nothing, a stain loses little."""
UNLIKE = 0.03
"""Difference, logarithm of code values, at which a match counts half."""
DOUBTED = 0.2
"""Doubt of the motion at which a match counts half."""


@torch.no_grad()
def fixed_pattern(window: Window, motion: Motion, beyond: Sequence[Tensor] = ()) -> Tensor:
    """The pattern (B, 6, h/2, w/2) over the centre of a small window of frames (B, 3, h, w): logarithm of gain, twice.

    Positive where something bleached the film. float32. ``beyond``: more frames of the shot, (B, 3, h, w) each, as
    near as may be. A stain lives longer than a window, and what is farther off has moved farther.
    """
    centre, others = split(window)
    flow, doubt = motion.flow.float(), motion.doubt.float()
    if beyond:
        more = motion_between(centre, beyond)
        others, flow, doubt = [*others, *beyond], torch.cat((flow, more.flow), 1), torch.cat((doubt, more.doubt), 1)
    batch, count = flow.shape[:2]
    flow = flow.flatten(0, 1)
    here = _log(centre)
    away = torch.stack([_log(other) for other in others], dim=1).flatten(0, 1)

    def along(images: Tensor) -> Tensor:
        """(B * K, 3, h, w) moved onto the centre, (B, K, 3, h, w)."""
        return warp(images, flow).unflatten(0, (batch, count))

    change = here[:, None] - along(away)
    change = change - change.flatten(3).median(dim=3).values[..., None, None]  # flicker is no pattern
    far = flow.square().sum(dim=1).clamp(max=1).unflatten(0, (batch, count))[:, :, None]
    sure = 1 / (1 + (doubt / DOUBTED).square())[:, :, None]
    trust = _inside(flow).unflatten(0, (batch, count)) * far * sure
    return torch.cat([_solve(change, trust, along, stiffness) for stiffness in STIFFNESS], dim=1)


def _log(frame: Tensor) -> Tensor:
    """Logarithm (B, 3, h/2, w/2) of a frame (B, 3, h, w) of half the size."""
    return torch.log(F.avg_pool2d(frame.float(), 2).clamp(min=0) + BASE)


def _solve(change: Tensor, trust: Tensor, along: Callable[[Tensor], Tensor], stiffness: float) -> Tensor:
    """The pattern (B, 3, h, w) whose differences along the motion are ``change`` (B, K, 3, h, w): fixed-point rounds.

    ``trust`` (B, K, 1, h, w) in 0..1; what disagrees with the solution so far counts for less.
    """
    pattern = torch.zeros_like(change[:, 0])
    for _ in range(ROUNDS):
        told = change + along(pattern.repeat_interleave(change.shape[1], dim=0))
        unlike = (told - pattern[:, None]).abs().amax(dim=2, keepdim=True)
        weight = trust * UNLIKE / (UNLIKE + unlike)
        pattern = (weight * told).sum(dim=1).add_(box_mean(pattern, 3), alpha=stiffness)
        pattern = pattern / (weight.sum(dim=1) + (stiffness + PULL))
        size = pattern.abs().amax(dim=1, keepdim=True)
        pattern = pattern * (1 - THRESHOLD / size.clamp(min=THRESHOLD))
    return pattern


def _inside(flow: Tensor) -> Tensor:
    """1 where a flow (N, 2, h, w) ends inside the frame, else 0: (N, 1, h, w)."""
    height, width = flow.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    return ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float()[:, None]
