"""Which frames stand in for a window, and what is kept of each while the window slides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.diffusion.noise import gaussian
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.encoder import columns
from frdm_engine.model.small import shrink
from frdm_engine.tiling import Plan

Picture = npt.NDArray[np.float32]


def window_frames(frame: int, radius: int, available: Collection[int]) -> tuple[int, ...]:
    """The 2 * radius + 1 frames that serve as the window of ``frame``; ``available`` are those of its shot.

    Where a neighbour is missing (end of a shot, gap) its mirror image serves, else the nearest neighbour there is,
    else the frame itself: ends of shots are restored with a full window, never across a cut.
    """
    there = set(available)
    near = sorted((n for n in there if 0 < abs(n - frame) <= radius), key=lambda n: (abs(n - frame), n))
    chosen = []
    for offset in range(-radius, radius + 1):
        if offset == 0 or frame + offset in there:
            chosen.append(frame + offset)
        elif frame - offset in there:
            chosen.append(frame - offset)
        else:
            chosen.append(near[0] if near else frame)
    return tuple(chosen)


@dataclass(frozen=True)
class Encoded:
    """A frame as the device keeps it: padded planes (1, 3, H, W), column map, features, small whole frame."""

    planes: Tensor
    columns: Tensor
    features: Tensor
    small: Tensor


def to_planes(picture: Picture, plan: Plan, device: torch.device) -> Tensor:
    """Picture (height, width, 3), model encoding -> planes (1, 3, H, W) float32, padded as the plan says."""
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].to(device)
    return F.pad(planes, (0, plan.pad_right, 0, plan.pad_bottom), mode="replicate")


def encode(model: FilmRestorer, picture: Picture, plan: Plan, device: torch.device) -> Encoded:
    """Encodes a frame once, window by window of the plan, so that memory does not grow with the frame."""
    planes = to_planes(picture, plan, device)
    maps = columns(planes)
    height, width = planes.shape[-2:]
    features: Tensor | None = None
    for tile in plan.tiles:
        rows, across = tile.window
        made = model.encode(planes[..., rows, across], maps[..., rows, across])
        if features is None:
            features = torch.zeros((1, made.shape[1], height // 4, width // 4), device=device)
        edge = plan.halo // 8  # features of the outer half of the halo belong to a neighbouring window
        top, left = (edge if tile.wy0 else 0), (edge if tile.wx0 else 0)
        features[..., tile.wy0 // 4 + top : tile.wy1 // 4, tile.wx0 // 4 + left : tile.wx1 // 4] = made[
            ..., top:, left:
        ]
    assert features is not None  # noqa: S101 - a plan always has tiles
    small = shrink(planes[..., : picture.shape[0], : picture.shape[1]], model.limits.small_side)
    return Encoded(planes, maps, features, small)


def noise_like(planes: Tensor, *, seed: int, frame: int, x: int, y: int, stream: int) -> Tensor:
    """Keyed standard normal noise (1, 3, h, w) on the planes' device."""
    height, width = planes.shape[-2:]
    made = gaussian(seed=seed, frame=frame, x=x, y=y, width=width, height=height, stream=stream)
    return torch.from_numpy(made)[None].to(planes.device)
