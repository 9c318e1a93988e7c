"""What the small whole frame tells every window: the paper's low-resolution result as global residual.

HaineiFRDM (arXiv 2512.24946) adds the residual of a low-resolution result against blocky seams. Here it is a filter
that is laid over the frame before any window looks at it: the *level*, a smooth field that takes back flicker and is
measured, and the gain and offset of stains, which the low-resolution pass has learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.alignment import luma
from frdm_engine.model.box import box_mean
from frdm_engine.model.frame_fusion import Evidence
from frdm_engine.model.low_resolution import Broad
from frdm_engine.model.small import grow

SMOOTH = 21
"""Side of the two box means, small pixels, that make the level smooth: flicker has no detail, damage leaves no halo."""
FAINT, PLAIN = 0.6 / 255, 1.6 / 255
"""Change of level, model encoding, that is left alone, and that is wholly taken back."""
LEAST = 0.1
"""Share of the frame that must flicker; wholly from twice that. A lesser one is a thing that passes, not the film."""
STAIN_FAINT, STAIN_PLAIN = 0.3, 0.6
"""Probability of a stain from which it is taken back, and wholly; the restorer's mattes have bars of their own."""


@dataclass(frozen=True)
class Guide:
    """level (B, 3, h, w), model encoding, is added where there is flicker (B, 1, h, w), 0..1.

    gain and offset (B, 3, h, w) are a stain's, where there is stain (B, 1, h, w), a probability. found (B, 4, h, w)
    probabilities of all classes, as the denoiser is told.
    """

    level: Tensor
    flicker: Tensor
    gain: Tensor
    offset: Tensor
    stain: Tensor
    found: Tensor

    def lit(self, frame: Tensor) -> Tensor:
        """The frame (B, 3, h, w) with flicker taken back."""
        return frame + self.flicker * self.level

    def base(self, frame: Tensor) -> Tensor:
        """The frame (B, 3, h, w) with what is broad taken back."""
        lit = self.lit(frame)
        stain = ((self.stain - STAIN_FAINT) / (STAIN_PLAIN - STAIN_FAINT)).clamp(0, 1)
        return lit + stain * (self.gain * lit + self.offset - lit)

    def grown(self, height: int, width: int, box: Tensor, owner: Tensor | None = None) -> Guide:
        """The guide of windows ``box`` (N, 4), height x width pixels; window n lies in frame owner[n], or n."""

        def own(plane: Tensor) -> Tensor:
            return grow(plane if owner is None else plane[owner], height, width, box)

        return Guide(**{name: own(plane) for name, plane in vars(self).items()})


def guide_of(broad: Broad, evidence: Evidence) -> Guide:
    """The guide of a small whole frame, from its evidence and what is broad in it; no gradient passes."""
    found, stain = (logits.detach().float().sigmoid() for logits in (broad.hints, broad.stain))
    hidden = 1 - (1 - found[:, :2]).prod(dim=1, keepdim=True)
    level, flicker = level_of(evidence, sound=1 - hidden.clamp(max=0.98))
    return Guide(level, flicker, broad.gain.detach(), broad.offset.detach(), stain, found)


def level_of(evidence: Evidence, *, sound: Tensor) -> tuple[Tensor, Tensor]:
    """By how much the centre's level is off, (B, 3, h, w) to be added, and where that is flicker (B, 1, h, w), 0..1.

    The neighbourhood of every place is compared with the aligned past and the aligned future. A frame flickers where
    it differs from both in the same sense: a lamp that is switched on differs from one only. The level then moves to
    the mean of the window, which leaves a fifth of the variance of a flicker that knows no memory.

    Near the ends of a shot the window repeats a frame on its far side. A pair of neighbours that are one frame says
    nothing and is left out; where all are pairs, what lies beyond the end is taken to go on in a straight line, so
    that a fade is none. (A lamp lit on the second frame cannot be told from a first frame that flickers.)
    """
    half = evidence.aligned.shape[1] // 2
    offset = evidence.aligned - evidence.centre[:, None]
    doubt = F.interpolate(evidence.doubt, size=offset.shape[-2:], mode="nearest")[:, :, None]
    common = offset.flatten(3).median(dim=3).values[..., None, None]  # a strong flicker must not pass for a bad match
    unlike = (offset - common).abs().amax(dim=2, keepdim=True)
    weight = sound[:, None] / (1 + (doubt / 0.2).square()) / (1 + (unlike / 0.1).square())
    means = (_mean(offset * weight) / _mean(weight).clamp(min=1e-4)).detach()
    before, after = means[:, :half].flip(1), means[:, half:]  # nearest first
    own = (before != after).flatten(2).any(dim=2).to(means.dtype)[:, :, None, None, None]
    known = own.sum(dim=1)
    past, future = ((side * own).sum(dim=1) / known.clamp(min=1) for side in (before, after))
    line = 2 * after[:, 0] - after[:, 1] if half > 1 else torch.zeros_like(after[:, 0])
    at_end = known == 0
    past, future = torch.where(at_end, line, past), torch.where(at_end, after.mean(dim=1), future)
    size = torch.where(at_end, torch.full_like(known, half), 2 * known)
    level = torch.where(at_end, future, 0.5 * (past + future)) * size / (size + 1)
    one, other = luma(past), luma(future)
    plain = ((torch.minimum(one.abs(), other.abs()) - FAINT) / (PLAIN - FAINT)).clamp(0, 1)
    told = ((_mean(weight.mean(dim=1)) - 0.25) / 0.25).clamp(0, 1)  # where little could be followed, nothing is known
    flicker = torch.where(one * other > 0, plain * told, torch.zeros_like(plain))
    return level, flicker * ((flicker.mean(dim=(1, 2, 3), keepdim=True) - LEAST) / LEAST).clamp(0, 1)


def _mean(x: Tensor) -> Tensor:
    """(B, K, C, h, w) smoothed by two box means; only what lies inside the frame counts."""
    flat = x.flatten(0, 1)
    for _ in range(2):
        flat = box_mean(flat, SMOOTH, edges="none")
    return flat.view_as(x)
