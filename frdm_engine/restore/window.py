"""Which frames stand in for a window, and what is kept of each while the window slides."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.diffusion.noise import gaussian_on
from frdm_engine.model.alignment import Pyramid, luma, pyramid_of
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.encoder import column_deviations, column_rows, grow_columns
from frdm_engine.model.frame_fusion import Box, part_of
from frdm_engine.tiling import Plan

Picture = npt.NDArray[np.float32]


REPEAT_TAIL, REPEAT_PEAK = 7.5 / 255, 11 / 255
"""Two frames repeat one photograph if their softened difference stays under these, at its 99.9th percentile and peak.

Measured on archive transfers: repeats reach 7 and 10 of 255 through compression, different photographs begin at 9 and
13 even where nothing moves. A speck on one of the two is enough to tell them apart.
"""


def is_repeat(a: Picture, b: Picture) -> bool:
    """Whether two pictures (H, W, 3) in model encoding show one photograph twice, as pulldown and slow film do."""
    difference: Picture = np.subtract(a[..., 0], b[..., 0])  # channel by channel: a picture of all three would be large
    for channel in (1, 2):
        np.add(difference, a[..., channel] - b[..., channel], out=difference)
    np.divide(difference, 3, out=difference)
    if min(difference.shape) >= 4:
        difference = np.asarray(cv2.resize(difference, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    soft = np.abs(cv2.GaussianBlur(difference, (0, 0), 1.0))
    return bool(soft.max() < REPEAT_PEAK and np.quantile(soft, 0.999) < REPEAT_TAIL)


def window_frames(
    frame: int, radius: int, available: Collection[int], repeats: Callable[[int, int], bool] = lambda a, b: False
) -> tuple[int, ...]:
    """The 2 * radius + 1 frames that serve as the window of ``frame``; ``available`` are those of its shot.

    Frames that repeat the one before them are passed over, as their dirt repeats too: up to 2 * radius frames away are
    looked at. Where a side has too few (end of a shot, gap) the other side's serve in mirror image, else the last of
    its own, else the frame itself: ends of shots are restored with a full window, never across a cut.
    """

    def side(direction: int) -> list[int]:
        near = [n for n in available if 0 < (n - frame) * direction <= 2 * radius]
        chosen, last = [], frame
        for number in sorted(near, key=lambda n: abs(n - frame)):
            if not repeats(last, number):
                chosen.append(number)
                last = number
        return chosen[:radius]

    before, after = side(-1), side(1)
    if not before and not after:
        before, after = ([n for n in available if 0 < (n - frame) * d <= radius] for d in (-1, 1))
        before.sort(reverse=True)
        after.sort()

    def fill(own: list[int], other: list[int]) -> list[int]:
        spare = own[-1] if own else other[-1] if other else frame
        return [own[k] if k < len(own) else other[k] if k < len(other) else spare for k in range(radius)]

    return (*reversed(fill(before, after)), frame, *fill(after, before))


STRIP = 256
"""Rows of a frame that are looked at together where not all of it is needed: what is made on the way stays small."""


@dataclass(frozen=True)
class Encoded:
    """A frame as the device keeps it.

    planes (1, 3, height, width), a view of the picture itself on a CPU; rows (1, 1, H / 8, W) of its column map;
    levels: its luma pyramid; features (1, C, H / 4, W / 4) in the type they are computed in. H and W are the frame's
    sides padded as the plan says.
    """

    planes: Tensor
    rows: Tensor
    levels: Pyramid
    features: Tensor


def to_planes(picture: Picture, device: torch.device) -> Tensor:
    """Picture (height, width, C) float32 -> planes (1, C, height, width): the same memory on a CPU, channels last."""
    return torch.from_numpy(np.require(picture, requirements=["C", "W"])).to(device).permute(2, 0, 1)[None]


def halved(planes: Tensor, height: int, width: int) -> Tensor:
    """A frame at half size (1, 3, height/2, width/2), its edges repeated up to an even height and width, in strips."""
    strips = [
        F.avg_pool2d(part_of(planes, (0, top, width, min(top + STRIP, height))).contiguous(), 2)
        for top in range(0, height, STRIP)
    ]
    return torch.cat(strips, dim=-2)


def encode(model: FilmRestorer, planes: Tensor, plan: Plan, *, pulse: Callable[[], None] = lambda: None) -> Encoded:
    """Encodes a frame (1, 3, height, width), window by window of the plan, so that memory does not grow with the frame.

    ``pulse`` is called before each window and may raise to end it there.
    """
    width, height = plan.width + plan.pad_right, plan.height + plan.pad_bottom
    halves, deviations = [], []
    for top in range(0, height, STRIP):
        strip = part_of(planes, (0, top, width, min(top + STRIP, height))).contiguous()
        halves.append(F.avg_pool2d(luma(strip), 2))
        deviations.append(column_deviations(strip))
    rows = column_rows(torch.cat(deviations, dim=-2))
    features: Tensor | None = None
    for tile in plan.tiles:
        pulse()
        box = (tile.wx0, tile.wy0, tile.wx1, tile.wy1)
        made = model.encode(part_of(planes, box), columns_of(rows, box))
        if features is None:
            features = made.new_zeros(1, made.shape[1], height // 4, width // 4)
        edge = plan.halo // 8  # features of the outer half of the halo belong to a neighbouring window
        top, left = (edge if tile.wy0 else 0), (edge if tile.wx0 else 0)
        features[..., tile.wy0 // 4 + top : tile.wy1 // 4, tile.wx0 // 4 + left : tile.wx1 // 4] = made[
            ..., top:, left:
        ]
    assert features is not None  # noqa: S101 - a plan always has tiles
    return Encoded(planes, rows, pyramid_of(torch.cat(halves, dim=-2)), features)


def columns_of(rows: Tensor, box: Box) -> Tensor:
    """The column map (1, 1, y1 - y0, x1 - x0) of a part of the frame, from its rows."""
    x0, y0, x1, y1 = box
    return grow_columns(rows[..., x0:x1], y0, y1)


def noise_like(planes: Tensor, *, seed: int, frame: int, x: int, y: int, stream: int) -> Tensor:
    """Keyed standard normal noise (1, 3, h, w) on the planes' device."""
    height, width = planes.shape[-2:]
    return gaussian_on(
        planes.device, seed=seed, frame=frame, x=x, y=y, width=width, height=height, channels=3, stream=stream
    )[None]
