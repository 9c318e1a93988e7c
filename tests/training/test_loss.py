"""The loss is nothing for the truth, grows with each kind of error, and weighs what is small."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import CLASSES, Prediction, damage_of
from frdm_engine.training.loss import CHARBONNIER, SMALL, WINDOW, charbonnier, figures, restoration_loss

SIDE = 16


def prediction(fill: Tensor, logits: Tensor, mixed: Tensor | None = None) -> Prediction:
    weights = torch.full((fill.shape[0], 6, *fill.shape[-2:]), 1 / 6)
    return Prediction(fill, fill, fill if mixed is None else mixed, logits, weights)


def sure(matte: Tensor) -> Tensor:
    """Logits that say the matte."""
    return 40 * (matte - 0.5)


@pytest.fixture
def truth() -> dict[str, Tensor]:
    """Frames with a spot of dirt, a scratch and a stain."""
    clean, matte = torch.rand(2, 3, SIDE, SIDE), torch.zeros(2, 4, SIDE, SIDE)
    matte[:, 0, 2:5, 2:5] = 1
    matte[:, 1, :, 9] = 1
    matte[:, 2, 8:14, 11:15] = 1
    damaged = torch.where(matte.amax(dim=1, keepdim=True) > 0, 1 - clean, clean)
    return {"damaged": damaged, "clean": clean, "matte": matte, "even": torch.zeros_like(clean)}


def loss_of(clean: Tensor, logits: Tensor, truth: dict[str, Tensor]) -> tuple[float, dict[str, float]]:
    total, parts = restoration_loss(prediction(clean, logits), weights=WINDOW, **truth)
    return float(total), parts


def test_the_truth_costs_nothing(truth: dict[str, Tensor]) -> None:
    total, parts = loss_of(truth["clean"], sure(truth["matte"]), truth)
    assert total < 1e-6
    assert set(parts) == {"image", "composite", "frequency", "matte", "sharp"}
    assert all(0 <= value < 1e-6 for value in parts.values())


def test_leaving_the_damage_costs_in_every_part(truth: dict[str, Tensor]) -> None:
    _, parts = loss_of(truth["damaged"], sure(torch.zeros_like(truth["matte"])), truth)
    assert min(parts.values()) > 0.01


def test_what_the_matte_hides_does_not_reach_the_composite(truth: dict[str, Tensor]) -> None:
    wrong = truth["clean"].clone()
    wrong[:, :, 12:, :6] += 0.3  # sound, and not in the matte
    _, parts = loss_of(wrong, sure(truth["matte"]), truth)
    assert parts["composite"] < 1e-6
    assert parts["image"] > 1e-3  # as if all were damaged: what the fill is mixed from is trained everywhere


def test_the_networks_own_paint_is_judged_in_damage_alone(truth: dict[str, Tensor]) -> None:
    def image(y: int, x: int) -> float:
        wrong = truth["clean"].clone()
        wrong[:, :, y, x] += 0.2
        guess = prediction(wrong, sure(truth["matte"]), mixed=truth["clean"])
        return restoration_loss(guess, weights=WINDOW, **truth)[1]["image"]

    assert image(14, 2) == pytest.approx(0, abs=1e-9)
    assert image(3, 3) > 1e-3


def test_flicker_is_evened_out_before_the_composite_is_judged(truth: dict[str, Tensor]) -> None:
    even = torch.full_like(truth["clean"], 0.1)
    dark = truth | {"damaged": truth["clean"] - 0.1, "even": even}
    guess = prediction(truth["clean"], sure(torch.zeros_like(truth["matte"])))
    assert restoration_loss(guess, weights=WINDOW, **dark)[1]["composite"] < 1e-6
    assert restoration_loss(guess, weights=WINDOW, **truth | {"damaged": dark["damaged"]})[1]["composite"] > 0.09


def test_the_small_frame_cares_for_what_is_broad() -> None:
    assert SMALL.matte[2] / SMALL.matte[0] > WINDOW.matte[2] / WINDOW.matte[0]


@pytest.mark.parametrize(("place", "index"), [((3, 3), 0), ((1, 9), 1), ((9, 12), 2)])
def test_a_damaged_pixel_counts_by_its_class(place: tuple[int, int], index: int, truth: dict[str, Tensor]) -> None:
    def image(y: int, x: int) -> float:
        wrong = truth["clean"].clone()
        wrong[:, :, y, x] += 0.2
        return loss_of(wrong, sure(truth["matte"]), truth)[1]["image"]

    assert image(*place) == pytest.approx((1 + WINDOW.picture[index]) * image(14, 2), rel=1e-3)


def test_missed_damage_costs_what_false_damage_costs_and_dirt_more_than_stains(truth: dict[str, Tensor]) -> None:
    def matting(index: int, y: int, x: int) -> float:
        claimed = truth["matte"].clone()
        claimed[:, index, y, x] = 1 - claimed[:, index, y, x]
        return loss_of(truth["clean"], sure(claimed), truth)[1]["matte"]

    assert matting(0, 3, 3) == pytest.approx(matting(0, 14, 2))
    assert matting(0, 14, 2) > 2 * matting(2, 2, 2)


def test_the_composite_weighs_harm_like_help(truth: dict[str, Tensor]) -> None:
    def composite(y: int, x: int) -> float:
        wrong = truth["clean"].clone()
        wrong[:, :, y, x] += 0.2
        return loss_of(wrong, sure(torch.ones_like(truth["matte"])), truth)[1]["composite"]

    assert composite(3, 3) == pytest.approx(composite(14, 2), rel=1e-3)


def test_one_sharp_error_and_one_broad_error_weigh_alike_in_the_spectrum(truth: dict[str, Tensor]) -> None:
    """Parseval does not hold for amplitudes: what is spread over frequencies costs more."""
    sharp, broad = truth["clean"].clone(), truth["clean"].clone()
    sharp[:, :, 14, 2] += 0.16
    broad += 0.16 / SIDE
    everywhere = sure(torch.ones_like(truth["matte"]))  # the spectrum is that of the composite
    costs = [loss_of(wrong, everywhere, truth)[1]["frequency"] for wrong in (sharp, broad)]
    assert costs[0] > 5 * costs[1] > 0


def test_gradients_are_finite_everywhere(truth: dict[str, Tensor]) -> None:
    for clean in (truth["clean"], truth["damaged"], torch.full_like(truth["clean"], 50.0)):
        for logits in (torch.zeros_like(truth["matte"]), sure(truth["matte"]), 1e4 * truth["matte"] - 5e3):
            guess, say = clean.clone().requires_grad_(), logits.clone().requires_grad_()
            total, _ = restoration_loss(prediction(guess, say), weights=WINDOW, **truth)
            total.backward()
            assert guess.grad is not None
            assert say.grad is not None
            assert torch.isfinite(guess.grad).all()
            assert torch.isfinite(say.grad).all()


def test_charbonnier_is_squared_near_zero_and_absolute_far_from_it() -> None:
    x = torch.tensor([0.0, CHARBONNIER / 100, 1.0, -1.0], dtype=torch.float64)
    values = charbonnier(x)
    assert float(values[0]) == pytest.approx(0, abs=1e-12)
    assert float(values[1]) == pytest.approx((CHARBONNIER / 100) ** 2 / (2 * CHARBONNIER), rel=1e-3)
    assert float(values[2]) == float(values[3]) == pytest.approx(1 - CHARBONNIER, rel=1e-3)


def test_damage_is_any_class_but_flicker() -> None:
    logits = 3 * torch.randn(2, 4, 5, 6)
    assert torch.equal(damage_of(logits), damage_of(torch.cat((logits[:, :3], -logits[:, 3:]), dim=1)))
    assert float(damage_of(torch.zeros(1, 4, 1, 1))) == pytest.approx(1 - 0.5**3)


def test_figures_count_what_they_say(truth: dict[str, Tensor]) -> None:
    logits = sure(truth["matte"])
    logits[:, 0, 2, 2:5] = -20  # a third of the dirt missed
    logits[:, 0, 14, :10] = 20  # and ten pixels of it seen where none is
    found: dict[str, Any] = figures(prediction(truth["clean"], logits), **truth)
    assert set(found) == {f"{n}_{what}" for n in CLASSES[:3] for what in ("area", "before", "after", "found", "hit")}
    assert (found["dirt_area"], found["dirt_hit"], found["dirt_found"]) == (18, 12, 32)
    assert (found["scratch_area"], found["scratch_hit"], found["scratch_found"]) == (32, 32, 32)
    inside = truth["matte"][:, :1]
    error = float((inside * (truth["damaged"] - truth["clean"]).square()).sum() / 3)
    assert found["dirt_before"] == pytest.approx(error, rel=1e-5)
    missed = (inside * (truth["damaged"] - truth["clean"]).square())[:, :, 2].sum() / 3
    assert found["dirt_after"] == pytest.approx(float(missed), rel=1e-3)
    assert found["scratch_after"] == pytest.approx(0, abs=1e-6)
    assert math.isfinite(sum(found.values()))
