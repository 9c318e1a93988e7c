"""Damage seen from afar: the frame looked at once more at half its size, and what that finds told to every tile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from frdm_engine.model.denoiser import AFAR_LESS, seen_from_afar
from frdm_engine.restore import plans as planning
from frdm_engine.restore.bars import BARS
from frdm_engine.restore.finishing import Masks
from frdm_engine.restore.plans import plans_of
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.tiles import Held
from tests.restore.on_disk import Array, Make, Pictures
from tests.restore.results import alike, restore_all

NOTHING = Masks(None, None, None)


@pytest.fixture
def nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames from 24 pixels of height on are seen from afar."""
    monkeypatch.setattr(planning, "NEAREST", 12)


def logits_of(by: Restorer, window: dict[int, Array], frame: int) -> Array:
    return by.look(window, frame, NOTHING)._found.logits


def test_sizes_are_halved_as_long_as_there_is_something_to_see(restorer: Make) -> None:
    limits = restorer().model.limits
    sizes = {
        (854, 480): [(854, 480), (427, 240)],
        (1920, 1080): [(1920, 1080), (960, 540), (480, 270)],
        (359, 1000): [(359, 1000)],
        (4096, 3113): [(4096, 3113), (2048, 1557), (1024, 779), (512, 390), (256, 195)],
    }
    for size, wanted in sizes.items():
        assert [(one.width, one.height) for one in plans_of(*size, limits, Settings())] == wanted


def test_odds_are_added_up() -> None:
    here = torch.tensor([-30.0, -30.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 1, 4)
    afar = torch.tensor([-30.0, 5.0, -30.0, AFAR_LESS]).reshape(1, 1, 1, 4)
    told = seen_from_afar(here, afar).flatten()
    assert told[:3].tolist() == pytest.approx([-30, 5 - AFAR_LESS, 2], abs=0.3)
    assert told[3].sigmoid() == pytest.approx(2 / 3)  # an even chance here and one from afar: two to one
    assert told[4:].tolist() == [1, 2, 3, 4]  # scratches
    assert seen_from_afar(here, None) is here


def test_more_is_found_never_less(restorer: Make, pictures: Pictures, nearer: None) -> None:
    window = pictures(61, 91, range(1, 6))
    both = logits_of(restorer(), window, 3)
    planning.NEAREST = 1000
    here = logits_of(restorer(), window, 3)
    assert both.shape == here.shape == (2, 61, 91)
    assert (both[0] >= here[0] - 1e-5).all()
    assert 0.01 < (both[0] > here[0] + 0.1).mean() < 0.99
    np.testing.assert_array_equal(both[1], here[1])


@pytest.mark.parametrize("size", [(61, 91), (64, 96), (100, 130)])
@pytest.mark.parametrize("tile", [None, 64])
def test_what_is_found_from_afar_lands_where_it_lies(
    restorer: Make,
    pictures: Pictures,
    nearer: None,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    tile: int | None,
) -> None:
    """One pixel of half the size is four of the frame's, in every tile that holds them, at odd sizes too."""
    y, x = size[0] // 2 - 3, size[1] // 3

    def one(self: Restorer, held: Held) -> torch.Tensor:
        out = torch.full((1, 1, held.plan.height, held.plan.width), -30.0)
        if held.plan.height > size[0] // 4 + 1:
            out[..., y, x] = 40.0
        return out

    monkeypatch.setattr(Restorer, "_from_afar", one)
    found = logits_of(restorer(bias=-60.0, settings=Settings(tile=tile)), pictures(*size, range(1, 6)), 3)
    rows, columns = np.nonzero(found[0] > 0)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (2 * y + down, 2 * x + right) for down in (0, 1) for right in (0, 1)
    }


def test_order_and_chunks_change_nothing(restorer: Make, pictures: Pictures, nearer: None) -> None:
    window = pictures(60, 90, range(1, 9))
    settings = Settings(tile=64)
    once = restore_all(restorer(settings=settings), window, range(1, 9))
    backwards = restore_all(restorer(settings=settings), window, range(8, 0, -1))
    fresh = {number: restorer(settings=settings).restore(window, number) for number in (1, 4, 8)}
    for runs in (backwards, fresh):
        for number, made in runs.items():
            alike(made, once[number])


def test_each_frame_is_encoded_once_at_each_size(restorer: Make, pictures: Pictures, nearer: None) -> None:
    window = pictures(60, 90, range(8))
    used = restorer()
    for number in range(8):
        used.restore(window, number)
        ((plans, kept),) = used.kept.encoded.values()
        assert [(one.width, one.height) for one in plans] == [(90, 60), (45, 30), (23, 15)]
        assert len(kept) <= 5
        assert {len(sizes) for sizes in kept.values()} == {3}
    used.rehearse(window, 4)()


def test_what_is_broad_is_taken_back_before_the_look_from_afar(
    restorer: Make, pictures: Pictures, nearer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Array, Array]] = []
    plain = Restorer._from_afar

    def look(self: Restorer, held: Held) -> torch.Tensor:
        middle = held.window[len(held.window) // 2].planes
        seen.append((held.centre.numpy().copy(), middle.numpy().copy()))
        return plain(self, held)

    monkeypatch.setattr(Restorer, "_from_afar", look)
    monkeypatch.setitem(BARS, "stain", replace(BARS["stain"], most=1.0))
    used = restorer(bias=-1e4, stains=1e4)  # all of the frame is one stain
    with torch.no_grad():
        leave = used.model.low_resolution.leave  # type: ignore[union-attr]
        leave.weight[:6] = 0
        leave.get_parameter("bias")[:6] = torch.tensor([0.0, 0.0, 0.0, 0.125, 0.125, 0.125])
    used.restore(pictures(60, 90, range(1, 6)), 3)
    assert [mended.shape[-2:] for mended, _ in seen] == [(15, 23), (30, 45)]
    for mended, found in seen:
        np.testing.assert_allclose(mended, found + 0.125, rtol=0, atol=1e-5)
