"""The artist decides (C11): masks, switches, strength, grain; and flicker is taken back as far as they let it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from frdm_engine.errors import SettingError
from frdm_engine.model.denoiser import CLASSES, LOCAL
from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import GIB, Settings
from tests.restore.results import alike, differ

Array = npt.NDArray[np.float32]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]
NO_STAINS = -1e4
"""A bias by which the tiny network finds none."""


@pytest.mark.parametrize("stains", [None, NO_STAINS], ids=["stained", "unstained"])
def test_protect_and_force(stains: float | None, restorer: Make, pictures: Pictures) -> None:
    window = pictures(72, 100, range(5))
    free = restorer(stains=stains).restore(window, 2)
    protect, force = np.zeros((72, 100), np.float32), np.zeros((72, 100), np.float32)
    protect[:, :50], force[:, 40:60] = 1, 1
    made = restorer(stains=stains).restore(window, 2, protect=protect, force=force)
    np.testing.assert_array_equal(made.picture[:, :50], window[2][:, :50])
    assert not made.mattes[:, :, :50].any()
    assert (made.mattes[0, :, 50:60] == 1).all()
    np.testing.assert_array_equal(made.mattes[2:, :, 50:], free.mattes[2:, :, 50:])
    if stains is not None:  # nothing broad was held back, so what is looked at is the same
        np.testing.assert_array_equal(made.mattes[:, :, 60:], free.mattes[:, :, 60:])


def test_each_kind_has_its_switch(restorer: Make, pictures: Pictures) -> None:
    """What is broad does not ask for the others' switches; without it, dirt and scratches do not either."""
    window = pictures(72, 100, range(5))
    for stains in (0.0, NO_STAINS):
        free = restorer(stains=stains).restore(window, 2)
        assert free.mattes[0].any()
        assert free.mattes[2].any() == (stains != NO_STAINS)
        for index, name in enumerate(CLASSES):
            alone = restorer(stains=stains, settings=Settings(fix=(name,))).restore(window, 2)
            if index >= LOCAL or stains == NO_STAINS:
                np.testing.assert_array_equal(alone.mattes[index], free.mattes[index])
            assert not np.delete(alone.mattes, index, axis=0).any()


def test_a_forced_hole_is_filled_from_around_it(restorer: Make, pictures: Pictures) -> None:
    """What the artist paints over need not be found: nothing of it is let in, whatever it is."""
    window = pictures(72, 100, range(5))
    force = np.zeros((72, 100), np.float32)
    force[30:42, 50:62] = 1
    spoiled = window | {2: window[2].copy()}
    spoiled[2][30:42, 50:62] = 1 - window[2][30:42, 50:62].round()
    kept, told = (restored_evenly(restorer, frames, force) for frames in (window, spoiled))
    found = np.abs(told.picture - kept.picture)[32:40, 52:60].mean()
    assert found < 0.35 * np.abs(spoiled[2] - window[2])[32:40, 52:60].mean()
    unforced = restored_evenly(restorer, spoiled, None)
    np.testing.assert_array_equal(unforced.picture, spoiled[2])


def restored_evenly(restorer: Make, window: dict[int, Array], force: Array | None, **settings: Any) -> Restored:
    """The third frame by a network that finds no damage and mixes all candidates evenly."""
    averaging = restorer(bias=-1e4, settings=Settings(**settings))
    with torch.no_grad():
        for layer in (averaging.model.denoiser.filler.leave, averaging.model.fusion.trust):
            for parameter in layer.parameters():
                parameter.zero_()
    return averaging.restore(window, 2, force=force)


def test_settings_decide_the_pixels(restorer: Make, pictures: Pictures) -> None:
    window = pictures(72, 100, range(5))
    plain = restorer().restore(window, 2)
    alike(plain, restorer(settings=Settings(vram=8 * GIB)).restore(window, 2))
    for other in (Settings(seed=1), Settings(steps=2), Settings(strength=2)):
        assert differ(plain, restorer(settings=other).restore(window, 2)), other


def test_a_repair_too_smooth_gets_grain(restorer: Make) -> None:
    rng = np.random.default_rng(0)
    window = {number: (0.5 + 0.03 * rng.standard_normal((72, 100, 3))).astype(np.float32) for number in range(5)}
    force = np.zeros((72, 100), np.float32)
    force[20:50, 30:70] = 1

    def spread(share: float) -> float:
        return float(restored_evenly(restorer, window, force, grain=share).picture[20:50, 30:70].std())

    assert spread(0.0) < 0.02
    assert 0.025 < spread(1.0) < 0.035


# Flicker


def flickering(pictures: Pictures, by: float = 0.03) -> tuple[dict[int, Array], Array]:
    """Nine frames of which the fifth is brighter, and the fifth as it was."""
    window = pictures(72, 100, range(9))
    sound = window[4].copy()
    window[4] = window[4] + np.float32(by)
    return window, sound


@pytest.mark.parametrize("by", [0.03, -0.03])
def test_flicker_is_taken_back_and_the_detail_stays(by: float, restorer: Make, pictures: Pictures) -> None:
    window, sound = flickering(pictures, by)
    made = restorer(bias=-1e4, small_side=96).restore(window, 4)
    assert not made.mattes[:3].any()
    assert made.mattes[3].mean() > 0.9
    off = float((window[4] - sound).mean())
    # The level moves to the mean of the window, a fifth of which is the frame itself.
    assert abs(float((made.picture - sound).mean()) - off / 5) < 0.12 * abs(by)
    added = made.picture - window[4]
    assert np.abs(np.diff(added, axis=0)).max() < 0.002
    assert np.abs(np.diff(added, axis=1)).max() < 0.002


def test_strength_and_masks_hold_for_flicker(restorer: Make, pictures: Pictures) -> None:
    window, _ = flickering(pictures)
    whole = restorer(bias=-1e4, small_side=96).restore(window, 4)
    half = restorer(bias=-1e4, small_side=96, settings=Settings(strength=0.5)).restore(window, 4)
    np.testing.assert_allclose(half.picture - window[4], (whole.picture - window[4]) / 2, atol=1e-6)
    protect, usable = np.zeros((72, 100), np.float32), np.ones((72, 100), np.bool_)
    protect[:, :40], usable[60:] = 1, False
    held = restorer(bias=-1e4, small_side=96).restore(window, 4, protect=protect, usable=usable)
    free = (protect == 0) & usable
    np.testing.assert_array_equal(held.picture[~free], window[4][~free])
    np.testing.assert_array_equal(held.picture[free], whole.picture[free])
    off = restorer(bias=-1e4, small_side=96, settings=Settings(fix=("dirt", "scratch", "stain"))).restore(window, 4)
    np.testing.assert_array_equal(off.picture, window[4])


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": -0.1},
        {"strength": 17},
        {"strength": float("nan")},
        {"steps": 0},
        {"steps": 65},
        {"grain": -1},
        {"grain": 5},
        {"fix": ()},
        {"fix": ("dirt", "dust")},
    ],
    ids=str,
)
def test_a_setting_out_of_range_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=f"--{next(iter(wrong))} "):
        Settings(**wrong)


def test_the_record_holds_what_decides_the_pixels() -> None:
    record = Settings(fix=("dirt",), steps=2, vram=5).record()
    wanted = {"fix": ["dirt"], "strength": 1.0, "steps": 2, "seed": 0, "grain": 1.0, "tile": None}
    assert record == wanted
