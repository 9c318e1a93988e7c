"""Frame Fusion: merges the window, with aligned evidence and a learned distrust of it.

HaineiFRDM (arXiv 2512.24946, Frame Fusion) fuses the neighbouring frames of a patch because earlier methods
lose fast limbs to noisy flow. Here alignment (``alignment.py``) only proposes: each aligned neighbour comes
with its matching cost, and the fusion learns a *trust* for every neighbour at every pixel. The raw, unaligned
neighbours and the column maps come along: a scratch that stays put moves against the aligned picture, and
shows only in those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.alignment import COST_CEILING, align, upsample_flow_window, warp
from frdm_engine.model.layers import Enter, conv, pointwise
from frdm_engine.model.planes import shuffled, whole


@dataclass(frozen=True)
class Evidence:
    """What the window says about its centre frame, before anything learned. K = 2 * radius neighbours, in time order.

    All float32, model encoding, full frame or a crop of it (``crop``).
    """

    centre: Tensor  # (B, 3, H, W)
    aligned: Tensor  # (B, K, 3, H, W) neighbours moved onto the centre
    raw: Tensor  # (B, 2, 3, H, W) the two nearest neighbours as they are
    columns: Tensor  # (B, 2, H, W) column map of the centre, and its mean over the window
    doubt: Tensor  # (B, K, H/2, W/2) matching cost of each aligned neighbour, 0..1

    def crop(self, x0: int, y0: int, x1: int, y1: int) -> Evidence:
        """The same for a window in pixels; corners are even."""

        def cut(x: Tensor, n: int = 1) -> Tensor:
            return x[..., y0 // n : y1 // n, x0 // n : x1 // n].contiguous()

        return Evidence(cut(self.centre), cut(self.aligned), cut(self.raw), cut(self.columns), cut(self.doubt, 2))


@dataclass(frozen=True)
class Motion:
    """Alignment of a window: flow (B, K, 2, H/2, W/2) in half-size pixels, and its doubt (B, K, H/2, W/2), 0..1.

    Of whole frames, or of a part of them whose corner is ``at``, in full-size pixels, multiples of 4.
    """

    flow: Tensor
    doubt: Tensor
    at: tuple[int, int] = (0, 0)


Window = Tensor | Sequence[Tensor]
"""Frames of a window in time order: (B, T, ...), or T of (B, ...)."""


def split(window: Window) -> tuple[Tensor, list[Tensor]]:
    """Centre and neighbours of a window of T frames, T odd, without copying."""
    frames = list(window.unbind(1)) if isinstance(window, Tensor) else list(window)
    return frames.pop(len(frames) // 2), frames


def window_motion(window: Window) -> Motion:
    """Aligns each neighbour of the window, frames (B, 3, H, W), H and W multiples of 8, to its centre."""
    return motion_between(*split(window))


def motion_between(centre: Tensor, others: Sequence[Tensor]) -> Motion:
    """Aligns other frames of a shot, one at least, to one of them, all (B, 3, H, W), H and W multiples of 8."""
    shape = (centre.shape[0], len(others))
    flow, cost = align(
        centre.repeat_interleave(len(others), dim=0).float(), torch.stack(list(others), dim=1).flatten(0, 1).float()
    )
    return Motion(flow.unflatten(0, shape), cost.unflatten(0, shape)[:, :, 0] / COST_CEILING)


Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, ends exclusive."""


def part_of(image: Tensor, box: Box) -> Tensor:
    """A part (B, C, y1 - y0, x1 - x0) of an image (B, C, H, W); right of it and below, edges repeat."""
    x0, y0, x1, y1 = box
    part = image[..., y0:y1, x0:x1]
    right, below = x1 - x0 - part.shape[-1], y1 - y0 - part.shape[-2]
    return F.pad(part, (0, right, 0, below), mode="replicate") if right or below else part


def both_columns(maps: Window) -> Tensor:
    """Column map of the centre and its mean over the window (B, 2, H, W), from maps (B, 1, H, W)."""
    centre, others = split(maps)
    return torch.cat((centre, torch.stack([centre, *others]).mean(dim=0)), dim=1)


def gather_evidence(window: Window, motion: Motion, column_maps: Tensor, box: Box | None = None) -> Evidence:
    """Evidence of a window, frames (B, 3, H, W), with its motion; ``column_maps`` (B, 2, h, w) as ``both_columns``.

    ``box``, even corners, asks for a part of the frame alone, to which the column maps belong; what moves into it from
    outside it is still seen.
    """
    centre, neighbours = split(window)
    x0, y0, x1, y1 = box = box or (0, 0, centre.shape[-1], centre.shape[-2])
    left, top = x0 - motion.at[0], y0 - motion.at[1]
    right, bottom = left + x1 - x0, top + y1 - y0
    flow = upsample_flow_window(motion.flow.flatten(0, 1), left, top, right, bottom)
    flow = flow.unflatten(0, motion.flow.shape[:2])
    aligned = [warp(image, flow[:, k], at=(x0, y0)) for k, image in enumerate(neighbours)]
    half = len(neighbours) // 2
    return Evidence(
        centre=whole(part_of(centre, box).float()),
        aligned=torch.stack(aligned, dim=1),
        raw=torch.stack([whole(part_of(n, box).float()) for n in neighbours[half - 1 : half + 1]], dim=1),
        columns=column_maps,
        doubt=motion.doubt[..., top // 2 : bottom // 2, left // 2 : right // 2],
    )


def quarter_flow(motion: Motion, box: Box | None = None) -> Tensor:
    """The motion's flow (B, K, 2, h/4, w/4) in quarter-size pixels, of all of it or of a box in the frame."""
    flow = motion.flow
    if box is not None:
        x0, y0, x1, y1 = box
        left, top = (x0 - motion.at[0]) // 2, (y0 - motion.at[1]) // 2
        flow = flow[..., top : top + (y1 - y0) // 2, left : left + (x1 - x0) // 2]
    return 0.5 * F.avg_pool2d(flow.flatten(0, 1), 2).unflatten(0, motion.flow.shape[:2])


def move_features(features: Window, flow: Tensor, *, at: tuple[int, int] = (0, 0)) -> Tensor:
    """Features of a window, (B, C, H/4, W/4) each -> (B, T, C, h, w): the centre's, then those of moved neighbours.

    ``flow`` (B, K, 2, h, w), in quarter-size pixels, covers the window of the features whose corner is ``at``.
    """
    centre, neighbours = split(features)
    x, y = at
    height, width = flow.shape[-2:]
    own = centre[..., y : y + height, x : x + width].float()
    return torch.stack([own, *(warp(f, flow[:, k], at=at) for k, f in enumerate(neighbours))], dim=1)


def blind(evidence: Evidence) -> Evidence:
    """The evidence of a still frame: what is left when Frame Fusion is switched off."""
    centre = evidence.centre[:, None]
    return Evidence(
        centre=evidence.centre,
        aligned=centre.expand_as(evidence.aligned),
        raw=centre.expand_as(evidence.raw),
        columns=evidence.columns[:, :1].expand_as(evidence.columns),
        doubt=torch.zeros_like(evidence.doubt),
    )


def out_of_range(centre: Tensor, aligned: Tensor) -> Tensor:
    """By how much (B, 3, H, W) the centre leaves the range of the aligned neighbours (B, K, 3, H, W); 0 inside it.

    The spike detector of the field (rank-ordered differences, Nadenau and Mitra 1997) as evidence, not as verdict.
    """
    return centre - centre.clamp(aligned.amin(dim=1), aligned.amax(dim=1))


def middle_of(aligned: Tensor) -> Tensor:
    """Mean (B, 3, H, W) of the aligned neighbours (B, K, 3, H, W) less their highest and lowest, K at least 3."""
    count = aligned.shape[1]
    if count < 3:
        return aligned.mean(dim=1)
    return (aligned.sum(dim=1) - aligned.amax(dim=1) - aligned.amin(dim=1)) / (count - 2)


@dataclass(frozen=True)
class Fused:
    """half (B, C, H/2, W/2), quarter (B, 2C, H/4, W/4), trust logits (B, K, H, W)."""

    half: Tensor
    quarter: Tensor
    trust: Tensor

    def crop(self, x0: int, y0: int, x1: int, y1: int) -> Fused:
        """The same for a window in pixels; corners are multiples of 4."""

        def cut(x: Tensor, n: int) -> Tensor:
            return x[..., y0 // n : y1 // n, x0 // n : x1 // n]

        return Fused(cut(self.half, 2), cut(self.quarter, 4), cut(self.trust, 1))


class FrameFusion(nn.Module):
    """Evidence, moved features (B, K + 1, C, H/4, W/4) -> fused features, a trust logit per neighbour and pixel."""

    def __init__(self, *, neighbours: int, features: int, channels: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.half_in = Enter(3 + 3 * neighbours + 3 * 2 + 2 + 6, neighbours, 48)
        self.half_out = conv(48, channels)
        self.trust = conv(channels, 4 * neighbours, zero=True)
        self.query = pointwise(features, 32)
        self.key = pointwise(features, 32)
        self.doubt = nn.Parameter(torch.tensor(2.0))
        self.quarter = pointwise(3 * features, 2 * channels)

    def forward(self, evidence: Evidence, features: Tensor) -> Fused:
        centre, aligned = evidence.centre, evidence.aligned
        nearest = aligned[:, self.neighbours // 2 - 1 : self.neighbours // 2 + 1]
        full = (
            centre - 0.5,
            (aligned - centre[:, None]).flatten(1, 2),
            out_of_range(centre, aligned),
            out_of_range(centre, nearest),
            (evidence.raw - centre[:, None]).flatten(1, 2),
            evidence.columns,
        )
        half = self.half_out(self.half_in(full, [evidence.doubt], positive=True))
        trust = shuffled(self.trust(F.relu(half)))

        own, others = features[:, 0], features[:, 1:]
        count = others.shape[1]
        query = self.query(own)
        keys = self.key(others.flatten(0, 1)).unflatten(0, (-1, count))
        score = (query[:, None] * keys).mean(dim=2) - self.doubt * F.avg_pool2d(evidence.doubt, 2)
        weight = score.softmax(dim=1)
        merged = (weight[:, :, None] * others).sum(dim=1)
        quarter = self.quarter(torch.cat((own, merged, merged - own), dim=1))
        return Fused(half, quarter, trust)
