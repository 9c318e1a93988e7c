"""Grain is strongest in the mid-tones and new in every frame."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.damage.drawing import Shot, stream
from frdm_engine.damage.grain import TILE, Grain, GrainSettings, cut, noise_tile

SHOT = Shot(seed=0, height=200, width=300, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)
STRONG = GrainSettings(presence=1, strength=(0.03, 0.03))


def level(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.full((200, 300, 3), value, np.float32)


def test_grain_is_strongest_in_the_mid_tones_and_has_no_mean() -> None:
    grain = Grain(STRONG, SHOT)
    dark, middle, bright = (grain.add(0, level(v)) - level(v) for v in (0.02, 0.5, 0.98))
    assert middle.std() == pytest.approx(0.03, rel=0.15)
    assert dark.std() < 0.7 * middle.std()
    assert bright.std() < 0.7 * middle.std()
    assert abs(middle.mean()) < 0.001


def test_grain_is_new_in_each_frame_and_partly_common_to_the_channels() -> None:
    grain = Grain(STRONG, SHOT)
    first, second = (grain.add(n, level(0.5)) - level(0.5) for n in (0, 1))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    between = np.corrcoef(first[..., 0].ravel(), first[..., 1].ravel())[0, 1]
    assert 0.1 < between < 0.95


def test_a_shot_without_grain_returns_its_plate() -> None:
    plate = level(0.5)
    assert Grain(GrainSettings(presence=0), SHOT).add(0, plate) is plate


def test_tiles_are_periodic_and_serve_any_size() -> None:
    tile = noise_tile(0.8)
    assert tile.std() == pytest.approx(1, abs=0.01)
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() == pytest.approx(inside, rel=0.2)
    assert cut(tile, stream(0, 1), 2 * TILE + 3, 700).shape == (2 * TILE + 3, 700, 4)
