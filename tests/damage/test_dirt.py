"""Dirt has the density asked for, is mostly small, and is gone by the next frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage import Damager, Recipe
from frdm_engine.damage.dirt import KIND, Dirt, DirtSettings
from frdm_engine.damage.drawing import Canvas, Shot

SHOT = Shot(seed=3, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)


@pytest.mark.parametrize(("name", "low", "high"), [("light", 3, 14), ("archive-mixed", 22, 55), ("heavy", 100, 260)])
def test_density_of_a_full_frame(name: str, low: float, high: float) -> None:
    settings = Recipe.load(name).dirt
    shots = [Dirt(settings, replace(SHOT, seed=seed)) for seed in range(20)]
    counts = [dirt.count(frame) for dirt in shots for frame in range(8)]
    assert low < np.mean(counts) < high


def test_density_follows_the_area() -> None:
    recipe = Recipe.load("archive-mixed")
    small = [Damager(recipe, seed=s, height=240, width=427).shot.area for s in range(2)]
    assert small == pytest.approx([0.25, 0.25], rel=0.01)
    # A wider frame has larger defects, not more of them.
    large = Damager(recipe, seed=1, height=960, width=1708).shot
    assert large.area == pytest.approx(1.0)
    assert large.scale == pytest.approx(2 * Damager(recipe, seed=1, height=480, width=854).shot.scale)


def test_most_dirt_is_small(plate: npt.NDArray[np.float32]) -> None:
    settings = DirtSettings(density=1, faint=0, burst=0, soft=(0.4, 0.4), defocus=0, halo=0)
    sizes = []
    for seed in range(60):
        canvas = Canvas(np.full_like(plate, 0.5))
        dirt = Dirt(settings, replace(SHOT, seed=seed))
        dirt.draw(0, canvas)
        if dirt.count(0) == 1:
            sizes.append(float((canvas.mattes[..., KIND] > 0.3).sum()))
    assert len(sizes) > 10
    assert np.median(sizes) < 16


def test_some_dirt_stays_for_a_second_frame() -> None:
    plate = np.full((144, 208, 3), 0.5, np.float32)
    always = Dirt(DirtSettings(density=20, repeat=1), SHOT)
    never = Dirt(DirtSettings(density=20, repeat=0), SHOT)

    def shared(dirt: Dirt) -> float:
        mattes = []
        for frame in (4, 5):
            canvas = Canvas(plate.copy())
            dirt.draw(frame, canvas)
            mattes.append(canvas.mattes[..., KIND] > 0.1)
        return float((mattes[0] & mattes[1]).sum() / mattes[0].sum())

    assert shared(always) > 0.4
    assert shared(never) < 0.1


def test_black_on_black_is_no_damage() -> None:
    canvas = Canvas(np.zeros((20, 20, 3), np.float32))
    alpha = np.ones((6, 6), np.float32)
    canvas.blend("dust", alpha, top=-2, left=17, colour=np.zeros(3, np.float32))
    assert not canvas.mattes.any()
    canvas.blend("dust", alpha, top=-2, left=17, colour=np.ones(3, np.float32))
    assert (canvas.mattes[:4, 17:, KIND] > 0.3).all()
    assert canvas.mattes[..., KIND].astype(bool).sum() == 4 * 3


def test_no_dirt_where_a_recipe_asks_for_none(plate: npt.NDArray[np.float32]) -> None:
    for settings in (DirtSettings(presence=0), DirtSettings(density=0)):
        assert Dirt(settings, SHOT).count(0) == 0
