"""Variety of whole frames made small: alike in all frames of a film, drawn alike from one key, two films at once."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.data.frames import Pixels
from frdm_engine.data.variety import laid_over, varied

LENGTH, HEIGHT, WIDTH = 5, 72, 112


def film(seed: int, *, grey: bool = False) -> Pixels:
    """A still film of coarse random patches."""
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 1 if grey else 3), np.uint8)
    frame = np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)
    return np.repeat(np.broadcast_to(frame, (HEIGHT, WIDTH, 3))[None], LENGTH, axis=0)


def flat(value: int) -> Pixels:
    return np.full((LENGTH, HEIGHT, WIDTH, 3), value, np.uint8)


@pytest.mark.parametrize("seed", range(8))
def test_a_seed_always_makes_alike_and_what_it_is_made_of_stays(seed: int) -> None:
    one, other = film(1), film(2)
    bent, again = (varied(np.random.default_rng(seed), one) for _ in range(2))
    both, twice = (laid_over(np.random.default_rng(seed), one, other) for _ in range(2))
    for first, second in ((bent, again), (both, twice)):
        np.testing.assert_array_equal(first, second)
        assert first.shape == one.shape
        assert first.dtype == np.dtype(np.uint8)
    np.testing.assert_array_equal(one, film(1))
    np.testing.assert_array_equal(other, film(2))


def test_what_stands_still_and_what_is_grey_stay_so() -> None:
    changed = 0
    for seed in range(24):
        made = varied(np.random.default_rng(seed), film(3, grey=True))
        assert (made == made[:1]).all()
        assert int(np.ptp(made.astype(int), axis=-1).max()) <= 1
        changed += bool((made != film(3, grey=True)).any())
    assert changed > 16


def test_colours_change_places() -> None:
    red = flat(0)
    red[..., 0] = 200
    brightest = {int(varied(np.random.default_rng(seed), red)[0, 0, 0].argmax()) for seed in range(40)}
    assert brightest == {0, 1, 2}


def test_of_two_films_both_are_seen_and_nothing_else() -> None:
    shares = []
    for seed in range(24):
        made = laid_over(np.random.default_rng(seed), flat(40), flat(200))
        assert made.min() >= 40
        assert made.max() <= 200
        shares.append(float((made > 60).mean()))
    assert 0.2 < np.mean(shares) < 0.8
    assert np.mean([0.02 < share < 0.98 for share in shares]) > 0.8


def test_the_line_between_two_films_moves_by_itself() -> None:
    moved = [
        bool((made[0] != made[-1]).any())
        for made in (laid_over(np.random.default_rng(seed), flat(40), flat(200)) for seed in range(24))
    ]
    assert np.mean(moved) > 0.8
