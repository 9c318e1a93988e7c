"""What boils is stirred anew in each frame, in one region, and the same by the same seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from frdm_engine.data.boiling import Floats, boil
from frdm_engine.data.frames import Pixels
from frdm_engine.data.motion import smooth_mask

HEIGHT, WIDTH = 120, 160
SEEDS = range(12)


def still(length: int = 6) -> Pixels:
    """A texture that stands still, (T, H, W, 3)."""
    noise = np.random.default_rng(9).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    picture = np.clip(128 + 500 * (cv2.GaussianBlur(noise, (0, 0), 2) - 0.5), 0, 255).astype(np.uint8)
    return np.repeat(picture[None], length, axis=0)


def boiled(seed: int, length: int = 6) -> Pixels:
    frames = still(length)
    boil(np.random.default_rng(seed), frames)
    return frames


def region_of(seed: int) -> Floats:
    """The region (H, W), 0..1, that this seed stirs: the first thing it draws."""
    return smooth_mask(np.random.default_rng(seed), height=HEIGHT, width=WIDTH, cells=2, steepness=6.0)


def change(one: Pixels, other: Pixels) -> Floats:
    """Mean difference (..., H, W) over the colours."""
    return np.asarray(np.abs(one.astype(np.float32) - other).mean(axis=-1), np.float32)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_always_boils_alike(seed: int) -> None:
    frames = boiled(seed)
    assert np.array_equal(frames, boiled(seed))
    assert not np.array_equal(frames, boiled(seed + 100))
    assert frames.shape == (6, HEIGHT, WIDTH, 3)
    assert frames.dtype == np.uint8


@pytest.mark.parametrize("seed", SEEDS)
def test_no_frame_looks_like_another(seed: int) -> None:
    """Where the region is, every pair of frames differs, though the plate stood still: it never comes to rest."""
    region = region_of(seed) > 0.7
    frames = boiled(seed)
    assert region.sum() > 100
    for first in range(len(frames)):
        for second in range(first):
            assert float(change(frames[first], frames[second])[region].mean()) > 0.5, (first, second)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if (region_of(seed) < 0.01).sum() > 50])
def test_far_from_the_region_hardly_anything_moves(seed: int) -> None:
    region = region_of(seed)
    inside, outside = region > 0.7, region < 0.01
    moved = change(boiled(seed), still()).mean(axis=0)
    assert float(moved[outside].mean()) < 0.12 * float(moved[inside].mean())
