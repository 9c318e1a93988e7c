"""Where the filler runs: around what is worth it, with the answer it would have given everywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frdm_engine.model import denoiser
from frdm_engine.model.denoiser import CLASSES, EVERY_HOLE, LOCAL, NOWHERE, FilmRestorer, Worth, damage_of, fill_boxes
from frdm_engine.restore.matte import mattes, opacity, worth_filling
from tests.model.looking import answer, look_at

Lively = Callable[..., FilmRestorer]
HEIGHT, WIDTH = 256, 384
SURE = Worth(low=0.1, high=0.4)


def damage(*places: tuple[slice, slice, float]) -> Tensor:
    made = torch.zeros(1, 1, HEIGHT, WIDTH)
    for rows, columns, value in places:
        made[..., rows, columns] = value
    return made


def test_no_damage_asks_for_no_box() -> None:
    assert fill_boxes(damage(), EVERY_HOLE) == []


def test_a_speck_asks_for_its_square_and_a_margin() -> None:
    speck = damage((slice(70, 74), slice(100, 103), 0.9))
    assert fill_boxes(speck, SURE) == [(64, 32, 160, 128)]


def test_what_is_never_sure_is_not_worth_it() -> None:
    faint = damage((slice(70, 74), slice(100, 103), 0.3))
    assert fill_boxes(faint, SURE) == []
    assert len(fill_boxes(faint, EVERY_HOLE)) == 1


def test_what_hangs_together_with_something_sure_is_filled_to_its_end() -> None:
    tail = damage((slice(10, 200), slice(100, 103), 0.2), (slice(10, 14), slice(100, 103), 0.9))
    assert fill_boxes(tail, SURE) == [(64, 0, 160, 256)]


def test_what_meets_the_edge_of_the_window_may_be_sure_beyond_it() -> None:
    faint = damage((slice(0, 90), slice(100, 103), 0.3), (slice(150, 160), slice(300, 303), 0.3))
    assert fill_boxes(faint, SURE) == [(64, 0, 160, 128)]


def test_much_is_filled_at_once() -> None:
    assert fill_boxes(damage((slice(None), slice(None), 0.9)), SURE) == [(0, 0, WIDTH, HEIGHT)]


def test_places_far_apart_have_boxes_of_their_own() -> None:
    two = damage((slice(0, 4), slice(0, 4), 0.9), (slice(250, 254), slice(380, 384), 0.9))
    assert fill_boxes(two, SURE) == [(0, 0, 64, 64), (320, 192, 384, 256)]


LOGITS = st.tuples(st.integers(0, 10_000), st.sampled_from([0.25, 1.0, 4.0, 16.0]))


@given(LOGITS)
def test_every_pixel_a_matte_can_touch_is_worth_filling(drawn: tuple[int, float]) -> None:
    seed, strength = drawn
    rng = np.random.default_rng(seed)
    logits = np.full((LOCAL, HEIGHT, WIDTH), -8.0, np.float32)
    for _ in range(6):
        y, x, high, wide = (int(n) for n in rng.integers((0, 0, 1, 1), (HEIGHT, WIDTH, 60, 9)))
        logits[rng.integers(LOCAL), y : y + high, x : x + wide] = rng.uniform(-6, 6)
    local = mattes(CLASSES[:LOCAL], logits, fix=CLASSES, strength=strength)
    filled = np.zeros((HEIGHT, WIDTH), bool)
    for x0, y0, x1, y1 in fill_boxes(damage_of(torch.from_numpy(logits)[None]), worth_filling(strength)):
        filled[y0:y1, x0:x1] = True
    assert filled[opacity(local) > 0].all()


@pytest.fixture
def window() -> Tensor:
    return torch.rand(1, 5, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(3))


def test_around_a_hole_the_fill_is_that_of_the_whole_window(
    lively: Lively, window: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what lies farther off than the margin, which weighs little; away from it the frame stays."""
    model = lively()
    with torch.no_grad():
        model.denoiser.leave.weight.zero_()
        model.denoiser.leave.get_parameter("bias").fill_(-9)
    spot = damage((slice(100, 110), slice(200, 212), 1.0))
    made = answer(model, window, force=spot)
    monkeypatch.setattr(denoiser, "fill_boxes", lambda *_: [(0, 0, WIDTH, HEIGHT)])
    whole = answer(model, window, force=spot)
    inside = (..., slice(100, 110), slice(200, 212))
    changed = (whole.fill - window[:, 2])[inside].abs().mean()
    assert (made.fill - whole.fill)[inside].abs().mean() < 0.05 * changed
    torch.testing.assert_close(made.weights.sum(dim=1), torch.ones(1, HEIGHT, WIDTH))
    away = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    away[64:160, 160:256] = False
    for name in ("fill", "mixed", "clean"):
        assert torch.equal(getattr(made, name)[..., away], window[:, 2][..., away])
    assert torch.equal(made.hole, whole.hole)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("trained", [True, False])
def test_a_look_from_afar_finds_and_fills_nothing(lively: Lively, count: int, trained: bool) -> None:
    model = lively().train(trained)
    frames = torch.rand(count, 5, 3, 32, 48, generator=torch.Generator().manual_seed(4))
    with torch.set_grad_enabled(trained):
        look = look_at(model, frames)
        state = look.evidence.centre
        both = [model.denoise(state, torch.ones(count), look, worth=worth) for worth in (NOWHERE, EVERY_HOLE)]
    assert torch.equal(both[0].logits, both[1].logits)
    assert both[0].logits.requires_grad == trained
    for name in ("fill", "mixed", "clean"):
        assert torch.equal(getattr(both[0], name), state)
        assert not torch.equal(getattr(both[1], name), state)
