"""Fading lifts black, pales the worst layer and keeps gray plates gray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import Shot
from frdm_engine.damage.fading import Fading, FadingSettings
from frdm_engine.damage.film import density

Array = npt.NDArray[np.float32]
SHOT = Shot(seed=3, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)
ALWAYS = FadingSettings(presence=1, common=(0.2, 0.2), dye=(0.4, 0.4), cyan=1, stain=(0.1, 0.1), gradient=0)


def test_density_is_scaled_and_the_base_stained(plate: Array) -> None:
    fading = Fading(ALWAYS, SHOT)
    inside = np.clip(plate, 0.02, 1)
    faded = fading.apply(3, inside)
    assert fading.kept[0] == pytest.approx(0.8 * 0.6)
    assert fading.kept[0] < fading.kept[1:].min()
    wanted = density(inside) * fading.kept + fading.stain
    dark = wanted < 1.5
    np.testing.assert_allclose(density(faded)[dark], wanted[dark], atol=0.02)


def test_a_shot_that_has_not_faded_is_left_alone(plate: Array) -> None:
    assert Fading(FadingSettings(presence=0), SHOT).apply(0, plate) is plate


def test_gray_stays_gray_and_order_is_kept() -> None:
    ramp = np.repeat(np.tile(np.linspace(-0.02, 1.04, 208, dtype=np.float32), (144, 1))[..., None], 3, axis=2)
    for seed in range(5):
        faded = Fading(ALWAYS, replace(SHOT, seed=seed, monochrome=True)).apply(0, ramp)
        assert np.ptp(faded, axis=2).max() < 1e-6
        assert (np.diff(faded[0, :, 0]) > 0).all()
        assert faded[0, 6].min() > ramp[0, 6].max()


def test_the_gradient_breathes_slowly(plate: Array) -> None:
    fading = Fading(replace(ALWAYS, gradient=1, slope=(0.1, 0.1)), SHOT)
    now, next_, later = (fading.apply(frame, plate) for frame in (0, 1, 60))
    assert 0 < np.abs(now - next_).max() < 0.01 < np.abs(now - later).max()
