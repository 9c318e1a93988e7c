"""What the restored small whole frame tells every window: the paper's low-resolution result as global residual.

HaineiFRDM (arXiv 2512.24946) adds the residual of a low-resolution result against blocky seams. Here it is split:
the *level*, a smooth field, is what flicker changed and is laid over the frame as it is; the *correction*, with what
the network mended, is evidence for the windows, and so is what was *found*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.alignment import luma
from frdm_engine.model.denoiser import Prediction, damage_of
from frdm_engine.model.frame_fusion import Evidence

SMOOTH = 15
"""Side of the two box means, small pixels, that make the level smooth: flicker has no detail, damage leaves no halo."""
FAINT, PLAIN = 0.6 / 255, 1.6 / 255
"""Change of level, model encoding, that is left alone, and that is wholly taken back."""
LEAST = 0.1
"""Share of the frame that must flicker; wholly from twice that. A lesser one is a thing that passes, not the film."""


@dataclass(frozen=True)
class Guide:
    """correction (B, 3, h, w) in model encoding, to be added; found (B, 4, h, w) probabilities by class.

    level (B, 3, h, w) is what flicker gives way to, and flicker (B, 1, h, w), 0..1, where it does.
    """

    correction: Tensor
    level: Tensor
    flicker: Tensor
    found: Tensor


def guide_of(prediction: Prediction, evidence: Evidence) -> Guide:
    """The guide of a small whole frame, from its evidence and its restoration; no gradient passes."""
    found = prediction.logits.detach().float().sigmoid()
    local = damage_of(prediction.logits).detach()
    level, flicker = level_of(evidence, sound=1 - local.clamp(max=0.98))
    difference = (prediction.fill - evidence.centre).detach()
    even = flicker * level
    return Guide(even + local * (difference - even), level, flicker, found)


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


def composite(damaged: Tensor, prediction: Prediction, even: Tensor) -> Tensor:
    """What the artist will see, before thresholds: damaged (B, 3, H, W) evened out by ``even``, damage replaced."""
    level = damaged + even
    return level + damage_of(prediction.logits) * (prediction.fill - level)


def _mean(x: Tensor) -> Tensor:
    flat = x.flatten(0, 1)
    for side in ((1, SMOOTH), (SMOOTH, 1)) * 2:
        padding = side[0] // 2, side[1] // 2
        flat = F.avg_pool2d(flat, side, stride=1, padding=padding, count_include_pad=False)
    return flat.view_as(x)
