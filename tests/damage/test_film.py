"""The density model is its own inverse, and its laws do to light and shade what film does."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.damage import film

TONES = np.repeat(np.linspace(-0.02, 1.05, 108, dtype=np.float32)[None, :, None], 3, axis=2)


def test_density_and_back() -> None:
    codes = np.linspace(0, 1, 50)
    np.testing.assert_allclose(film.code(film.density(codes)), codes, atol=2e-3)
    assert film.density(1.0) == pytest.approx(0, abs=1e-6)
    assert film.density(0.0) == pytest.approx(film.BLACK)
    assert film.density(-0.1) == pytest.approx(film.BLACK)
    assert pytest.approx(2.398, abs=1e-3) == film.BLACK


def test_what_takes_light_is_a_filter() -> None:
    darker = film.takes_light(0.3)(TONES)
    lit = TONES[0, 40:100, 0]
    np.testing.assert_allclose(film.density(darker)[0, 40:100, 0] - film.density(lit), 0.3, atol=2e-3)
    # A code value of 0.3 D less is 0.7 of what it was, and black stays black.
    assert darker[0, 80, 0] == pytest.approx(TONES[0, 80, 0] * 10**-0.15, rel=0.01)
    assert darker[0, 2].max() < 0.01


def test_what_gives_light_ends_at_clear_film() -> None:
    lighter = film.gives_light(0.3)(TONES)
    assert (lighter >= TONES).all()
    assert lighter[0, 50:70].mean() == pytest.approx(TONES[0, 50:70].mean() * 10**0.15, rel=0.01)
    assert lighter[TONES <= 1].max() == pytest.approx(1)
    np.testing.assert_array_equal(lighter[TONES > 1], TONES[TONES > 1])


def test_lost_dye_is_a_share_of_the_density() -> None:
    half = film.loses_dye(0.5)(TONES)
    np.testing.assert_allclose(film.density(half)[0, 2:100], film.density(TONES)[0, 2:100] / 2, atol=0.02)
    assert film.loses_dye(1.0)(TONES).min() == pytest.approx(1)


def test_scratches_take_the_layers_in_their_order() -> None:
    np.testing.assert_allclose(film.depth(1 / 3, film.PRINT_LAYERS), [0, 1, 0], atol=1e-6)  # magenta gone: green
    np.testing.assert_allclose(film.depth(2 / 3, film.PRINT_LAYERS), [1, 1, 0], atol=1e-6)  # and cyan: yellow
    np.testing.assert_allclose(film.depth(1 / 3, film.NEGATIVE_LAYERS), [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(film.depth(1.0, film.NEGATIVE_LAYERS), 1)


def test_bleaching_follows_lost_dye() -> None:
    inside = slice(15, 95)
    little = (film.loses_dye(0.02)(TONES) - TONES)[0, inside, 0] / 0.02
    np.testing.assert_allclose(film.bleached(TONES)[0, inside, 0], little, atol=0.06)
