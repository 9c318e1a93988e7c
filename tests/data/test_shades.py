"""Shades belong to the picture: soft, dark or light, drawn alike from one key, and moving with a still."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from frdm_engine.data.frames import Pixels
from frdm_engine.data.shades import shade

HEIGHT, WIDTH = 120, 200


def grey(value: int = 128) -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


@pytest.mark.parametrize("seed", range(6))
def test_a_seed_always_draws_alike(seed: int) -> None:
    still = grey()
    one, other = (shade(np.random.default_rng(seed), still) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.dtype == np.uint8
    assert one.shape == still.shape
    assert (still == 128).all()


def test_most_stills_get_some_and_keep_most_of_themselves() -> None:
    changed = [np.abs(shade(np.random.default_rng(seed), grey()).astype(int) - 128).max(axis=2) for seed in range(40)]
    shares = [float((change > 3).mean()) for change in changed]
    assert np.mean([share > 0 for share in shares]) > 0.8
    assert 0.02 < np.mean(shares) < 0.6
    assert max(int(change.max()) for change in changed) > 25


def test_some_are_dark_and_some_are_light() -> None:
    made = np.stack([shade(np.random.default_rng(seed), grey()) for seed in range(40)]).astype(int) - 128
    assert made.min() < -15
    assert made.max() > 15


def test_they_are_soft() -> None:
    for seed in range(20):
        made = shade(np.random.default_rng(seed), grey()).astype(np.float32)
        fine = made - cv2.GaussianBlur(made, (0, 0), 2.0)
        assert float(np.abs(fine).mean()) < 2.0
