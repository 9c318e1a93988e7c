"""Upright things stand in every frame alike, as thin and as straight as a scratch, and end within the frame."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.damage.drawing import Array
from frdm_engine.data.patches import _as_film
from frdm_engine.data.uprights import LONGEST, SHORTEST, stand_uprights

HEIGHT, WIDTH = 120, 160
SEEDS = range(12)


def grey(length: int = 3) -> Array:
    return np.full((length, HEIGHT, WIDTH, 3), 0.5, np.float32)


def drawn(seed: int) -> Array:
    """How far (H, W) a grey frame was changed."""
    clip = stand_uprights(np.random.default_rng(seed), grey())
    for frame in clip[1:]:
        np.testing.assert_array_equal(frame, clip[0])
    return np.asarray(np.abs(clip[0] - 0.5).max(axis=2), np.float32)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_always_draws_alike_and_in_range(seed: int) -> None:
    clip = stand_uprights(np.random.default_rng(seed), grey())
    np.testing.assert_array_equal(clip, stand_uprights(np.random.default_rng(seed), grey()))
    assert clip.dtype == np.float32
    assert clip.shape == (3, HEIGHT, WIDTH, 3)
    assert 0 <= float(clip.min()) <= float(clip.max()) <= 1


def test_bars_are_tall_and_show() -> None:
    changed = [drawn(seed) for seed in SEEDS]
    shown = [change for change in changed if (change > 0.03).any()]
    assert len(shown) >= 10  # the others lie at the frame's edge or are too faint
    for change in shown:
        plain = change > 0.03
        columns = plain.sum(axis=0)
        assert columns.max() >= 0.5 * SHORTEST * HEIGHT
        assert columns.max() <= 2 * LONGEST * HEIGHT + 12  # two rows of bars at most stand in one column


def test_no_bar_runs_through_the_whole_frame_often() -> None:
    whole = [bool(((drawn(seed) > 0.02).sum(axis=0) == HEIGHT).any()) for seed in range(40)]
    assert np.mean(whole) < 0.2


def test_only_a_camera_that_stands_still_sees_them() -> None:
    """Windows that move come back as they are, but for a border; some that are locked off have bars."""
    ramp = np.linspace(0.3, 0.6, 3, dtype=np.float32)[:, None, None, None] * np.ones((1, HEIGHT, WIDTH, 3), np.float32)
    upright = 0
    for seed in range(120):
        clip = _as_film(np.random.default_rng(seed), ramp)
        inner = clip[:, 30:-30, 30:-30]
        if np.array_equal(clip[0], clip[1]):
            upright += bool(np.ptp(inner) > 0.01)
        else:
            np.testing.assert_allclose(inner, ramp[:, 30:-30, 30:-30], atol=1e-6)
    assert upright >= 3
