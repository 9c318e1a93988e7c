"""Where the restorer looks: all that is marked, repairs to their ends, the tiles where these come cheaper."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given

from frdm_engine.model.denoiser import LOCAL
from frdm_engine.model.scout import CELL, Scout
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.scouting import NOTHING, Grid, look_around, marked, patches
from frdm_engine.restore.settings import Settings
from frdm_engine.tiling import Plan, plan
from tests.restore.results import alike

Array = npt.NDArray[np.float32]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]
SURE = 9.0


def large(width: int = 1000, height: int = 700) -> Plan:
    return plan(width, height, halo=32, multiple=32)


@given(st.integers(0, 10_000), st.floats(0, 0.1))
def test_patches_hold_all_cells_and_do_not_touch(seed: int, share: float) -> None:
    cells = np.random.default_rng(seed).random((22, 32)) < share
    grid = Grid(large())
    assert grid.shape == cells.shape
    made = patches(cells, grid)
    if made is None:
        assert cells.sum() > 10
        return
    held = np.zeros_like(cells)
    for patch in made:
        held[patch.y0 : patch.y1, patch.x0 : patch.x1] = True
        assert grid.fits(patch)
        x0, y0, x1, y1 = grid.window(patch)
        assert 0 <= x0 <= 32 * patch.x0
        assert 32 * patch.y1 <= y1 <= 32 * grid.shape[0]
        assert min(patch.x0, 1) <= patch.x0 - x0 // 32 <= 1
        assert min(grid.shape[1] - patch.x1, 1) == x1 // 32 - patch.x1
        assert y0 // 32 == max(patch.y0 - 1, 0)
    assert held[cells].all()
    assert not any(one.touches(other) for one, other in combinations(made, 2))
    assert sum(grid.cost(patch) for patch in made) < grid.dense()


def test_near_specks_share_a_window_and_far_ones_do_not() -> None:
    cells = np.zeros((22, 32), bool)
    cells[3, 3] = cells[3, 5] = cells[15, 20] = True
    made = patches(cells, Grid(large()))
    assert made is not None
    assert [(p.x0, p.y0, p.x1, p.y1) for p in made] == [(3, 3, 6, 4), (20, 15, 21, 16)]


def test_much_to_look_at_is_for_the_tiles() -> None:
    cells = np.zeros((22, 32), bool)
    cells[::2, ::2] = True
    assert patches(cells, Grid(large())) is None


GROUND = np.random.default_rng(1).random((700, 1000, 3), np.float32)
"""The frame itself."""


class Looker:
    """Looks at a frame of logits: dirt where the frame says so."""

    def __init__(self, dirty: npt.NDArray[np.bool_], cut: Plan) -> None:
        height, width = dirty.shape
        self.values = np.zeros((3 + LOCAL, height + cut.pad_bottom, width + cut.pad_right), np.float32)
        self.values[:3, :height, :width] = np.random.default_rng(0).random((3, height, width), np.float32)
        self.values[3:] = -SURE
        self.values[3, :height, :width][dirty] = SURE
        self.boxes: list[tuple[int, int, int, int]] = []

    def __call__(self, box: tuple[int, int, int, int]) -> Array:
        self.boxes.append(box)
        x0, y0, x1, y1 = box
        return self.values[:, y0:y1, x0:x1]


def test_a_repair_is_followed_to_its_end() -> None:
    """One piece of a long scratch and of a blotch is pointed at; a speck elsewhere is not, and stays unseen."""
    cut = large()
    dirty = np.zeros((700, 1000), bool)
    dirty[60:640, 500:503] = True  # a scratch
    dirty[400:470, 100:260] = True  # a blotch
    dirty[100:104, 900:904] = True  # a speck
    cells = np.zeros((22, 32), bool)
    cells[3, 500 // 32] = cells[420 // 32, 110 // 32] = True
    looker = Looker(dirty, cut)
    found = look_around(cut, cells, looker, strength=1, base=GROUND)
    assert found is not None
    values, looked = found
    known = dirty.copy()
    known[100:104, 900:904] = False
    np.testing.assert_array_equal(values.logits[0] > 0, known)
    np.testing.assert_array_equal(values.fill[:, known], looker.values[:3, :700, :1000][:, known])
    np.testing.assert_array_equal(values.fill[:, 100:104, 900:904], GROUND[100:104, 900:904].transpose(2, 0, 1))
    assert (values.logits[:, 100:104, 900:904] == NOTHING).all()
    assert 0 < looked < 1
    assert looked == pytest.approx(sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in looker.boxes) / cut.computed_pixels)
    again = look_around(cut, cells, Looker(dirty, cut), strength=1, base=GROUND)
    assert again is not None
    np.testing.assert_array_equal(again[0].fill, values.fill)
    np.testing.assert_array_equal(again[0].logits, values.logits)


def test_a_repair_without_end_is_for_the_tiles() -> None:
    cut = large()
    cells = np.zeros((22, 32), bool)
    cells[10, 10] = True
    assert look_around(cut, cells, Looker(np.ones((700, 1000), bool), cut), strength=1, base=GROUND) is None


def test_what_may_be_damage_but_is_no_repair_is_not_followed() -> None:
    """Faint odds of damage that hold no sure pixel change nothing, so where they end does not matter."""
    cut = large()
    looker = Looker(np.zeros((700, 1000), bool), cut)
    looker.values[3, :, 400:420] = -1.0  # over the low threshold, never over the high one
    cells = np.zeros((22, 32), bool)
    cells[10, 12] = True
    assert look_around(cut, cells, looker, strength=1, base=GROUND) is not None
    assert len(looker.boxes) == 1


def test_nothing_marked_is_nothing_looked_at() -> None:
    cut = large()
    looker = Looker(np.ones((700, 1000), bool), cut)
    found = look_around(cut, np.zeros((22, 32), bool), looker, strength=1, base=GROUND)
    assert found is not None
    values, looked = found
    assert looked == 0
    assert not looker.boxes
    assert (values.logits == NOTHING).all()


def test_strength_makes_the_scout_point_at_more_and_holes_by_hand_count() -> None:
    cut = large()
    logits = np.full((704 // CELL, 1024 // CELL), -1.0, np.float32)
    logits[0, 0] = 0.5
    assert marked(cut, logits, 1, None).sum() == 1
    assert marked(cut, logits, 4, None).all()
    assert not marked(cut, logits, 0, None).any()
    force = np.zeros((700, 1000), np.float32)
    force[699, 999] = 0.2
    both = marked(cut, logits, 1, force)
    assert both.sum() == 2
    assert both[0, 0]
    assert both[21, 31]


@pytest.fixture
def scouting(restorer: Make) -> Make:
    """A restorer whose scout says the same of every square."""

    def make(says: float, **kwargs: object) -> Restorer:
        made = restorer(**kwargs)
        made.model.scout = Scout(neighbours=2 * made.model.limits.radius).eval()
        made.model.scout.leave.get_parameter("bias").data.fill_(says)
        return made

    return make


def test_a_scout_that_points_at_all_changes_nothing(restorer: Make, scouting: Make, pictures: Pictures) -> None:
    window = pictures(72, 100, range(5))
    settings = Settings(tile=64)
    made = scouting(5.0, settings=settings).restore(window, 2)
    assert made.sampled == 1
    assert made.alpha.any()
    alike(made, restorer(settings=settings).restore(window, 2))


def test_where_it_points_nowhere_nothing_is_done(scouting: Make, pictures: Pictures) -> None:
    window = pictures(72, 100, range(5))
    shy = scouting(-5.0, bias=10.0, stains=-1e4)
    made = shy.restore(window, 2)
    assert made.sampled == 0
    np.testing.assert_array_equal(made.picture, window[2])
    shy.everywhere = True
    everywhere = shy.restore(window, 2)
    assert everywhere.sampled == 1
    assert (everywhere.alpha > 0).mean() > 0.5


def test_a_hole_by_hand_is_filled_whatever_the_scout_says(scouting: Make, pictures: Pictures) -> None:
    window = pictures(160, 352, range(5))
    force = np.zeros((160, 352), np.float32)
    force[70:76, 300:310] = 1
    made = scouting(-5.0, bias=-1e4).restore(window, 2, force=force)
    assert 0 < made.sampled < 1
    np.testing.assert_array_equal(made.alpha > 0, force > 0)
    assert (made.picture[force > 0] != window[2][force > 0]).any()


def test_steps_seeds_and_order_are_those_of_windows_alone(scouting: Make, pictures: Pictures) -> None:
    """C2 where little is looked at: a frame comes out alike in any order, from a restorer that is fresh or is not."""
    window = pictures(160, 352, range(1, 8))
    force = np.zeros((160, 352), np.float32)
    force[20:26, 30:40] = force[120:124, 310:330] = 1
    settings = Settings(steps=2, seed=3)

    def run(order: tuple[int, ...]) -> dict[int, object]:
        used = scouting(-5.0, bias=-1e4, settings=settings)
        return {number: used.restore(window, number, force=force) for number in order}

    forwards, backwards = run((3, 4, 5)), run((5, 3, 4))
    for number, made in forwards.items():
        alike(made, backwards[number])  # type: ignore[arg-type]


def test_lessons_look_everywhere_and_leave_the_settings_alone(scouting: Make, pictures: Pictures) -> None:
    window = pictures(64, 96, range(5))
    shy = scouting(-5.0, bias=10.0, settings=Settings(fix=("flicker",)))
    seen, made = shy.lesson(window, 2)
    assert seen.shape == (1, 23, 32, 48)
    assert (made.alpha > 0).mean() > 0.5
    assert shy.settings.fix == ("flicker",)
    assert not shy.everywhere
    assert torch.isfinite(seen).all()
