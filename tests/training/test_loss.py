"""The loss is nothing for the truth, grows with each kind of error, and weighs what is small; apart, what is broad."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import LOCAL, Prediction, damage_of
from frdm_engine.model.low_resolution import Broad
from frdm_engine.training.loss import (
    CHARBONNIER,
    DIRT,
    DOUBTED,
    SCRATCH,
    broad_loss,
    charbonnier,
    figures,
    restoration_loss,
)

SIDE = 16


def sure(matte: Tensor) -> Tensor:
    """Logits that say the matte."""
    return 40 * (matte - 0.5)


def prediction(
    fill: Tensor, logits: Tensor, *, base: Tensor, mixed: Tensor | None = None, hole: Tensor | None = None
) -> Prediction:
    """What is said of a frame ``base``, which the fill is laid over as far as the logits say; no hole unless told."""
    weights = torch.full((fill.shape[0], 13, *fill.shape[-2:]), 1 / 13)
    clean = base + damage_of(logits) * (fill - base)
    none = torch.zeros_like(fill[:, :1])
    return Prediction(clean, fill, fill if mixed is None else mixed, logits, weights, none if hole is None else hole)


@pytest.fixture
def truth() -> dict[str, Tensor]:
    """Frames with a spot of dirt and a scratch, and a stain that was taken back before."""
    clean, matte = torch.rand(2, 3, SIDE, SIDE), torch.zeros(2, 4, SIDE, SIDE)
    matte[:, 0, 2:5, 2:5] = 1
    matte[:, 1, :, 9] = 1
    matte[:, 2, 8:14, 11:15] = 1
    damaged = torch.where(matte[:, :LOCAL].amax(dim=1, keepdim=True) > 0, 1 - clean, clean)
    return {"damaged": damaged, "clean": clean, "matte": matte}


def told(truth: dict[str, Tensor]) -> Tensor:
    """Logits that say the truth."""
    return sure(truth["matte"][:, :LOCAL])


def loss_of(fill: Tensor, logits: Tensor, truth: dict[str, Tensor], **given: Any) -> tuple[float, dict[str, float]]:
    guess = prediction(fill, logits, base=truth["damaged"], **given)
    total, parts = restoration_loss(guess, clean=truth["clean"], matte=truth["matte"])
    return float(total), parts


def wrong_at(truth: dict[str, Tensor], y: int, x: int) -> Tensor:
    """The clean frame but for one pixel."""
    wrong = truth["clean"].clone()
    wrong[:, :, y, x] += 0.2
    return wrong


# Dirt and scratches


def test_the_truth_costs_nothing(truth: dict[str, Tensor]) -> None:
    total, parts = loss_of(truth["clean"], told(truth), truth)
    assert total < 1e-6
    assert set(parts) == {"image", "composite", "frequency", "matte", "sharp"}
    assert all(0 <= value < 1e-6 for value in parts.values())


def test_leaving_the_damage_costs_in_every_part(truth: dict[str, Tensor]) -> None:
    _, parts = loss_of(truth["damaged"], torch.full_like(told(truth), -20.0), truth)
    assert min(parts.values()) > 0.01


def test_what_the_matte_hides_costs_nothing_but_in_a_hole(truth: dict[str, Tensor]) -> None:
    """Where there is no damage the fill is nobody's business, unless it was made for a hole there."""
    wrong = wrong_at(truth, 14, 2)
    total, _ = loss_of(wrong, told(truth), truth)
    assert total < 1e-6
    hole = torch.zeros(2, 1, SIDE, SIDE)
    hole[..., 14, 2] = 1
    total, parts = loss_of(wrong, told(truth), truth, hole=hole)
    assert parts["image"] > 1e-3
    assert parts["composite"] < 1e-6


@pytest.mark.parametrize(("place", "weight"), [((3, 3), DIRT), ((1, 9), SCRATCH)])
def test_a_damaged_pixel_counts_by_its_class(place: tuple[int, int], weight: float, truth: dict[str, Tensor]) -> None:
    hole = torch.zeros(2, 1, SIDE, SIDE)
    hole[..., 14, 2] = 1
    doubted = loss_of(wrong_at(truth, 14, 2), told(truth), truth, hole=hole)[1]["image"]
    damaged = loss_of(wrong_at(truth, *place), told(truth), truth, hole=hole)[1]["image"]
    assert damaged / doubted == pytest.approx(weight / DOUBTED, rel=1e-3)


def test_the_mixture_is_judged_apart_from_the_networks_own_paint(truth: dict[str, Tensor]) -> None:
    """So that paint makes up for what candidates lack, and does not take their place."""
    both = loss_of(wrong_at(truth, 3, 3), told(truth), truth)[1]["image"]
    paint = loss_of(wrong_at(truth, 3, 3), told(truth), truth, mixed=truth["clean"])[1]["image"]
    mixed = loss_of(truth["clean"], told(truth), truth, mixed=wrong_at(truth, 3, 3))[1]["image"]
    assert both == pytest.approx(paint + mixed, rel=1e-3)
    assert paint > mixed > 1e-3


def test_missed_damage_costs_what_false_damage_costs(truth: dict[str, Tensor]) -> None:
    def matting(index: int, y: int, x: int) -> float:
        claimed = truth["matte"][:, :LOCAL].clone()
        claimed[:, index, y, x] = 1 - claimed[:, index, y, x]
        return loss_of(truth["clean"], sure(claimed), truth)[1]["matte"]

    assert matting(0, 3, 3) == pytest.approx(matting(0, 14, 2))
    assert matting(1, 3, 9) == pytest.approx(matting(0, 14, 2))
    assert matting(0, 3, 3) > 0.01


def test_the_composite_weighs_harm_like_help(truth: dict[str, Tensor]) -> None:
    everywhere = torch.full_like(told(truth), 20.0)
    one, other = (loss_of(wrong_at(truth, *place), everywhere, truth)[1]["composite"] for place in ((3, 3), (14, 2)))
    assert one == pytest.approx(other, rel=1e-3)
    assert one > 1e-4


def test_one_sharp_error_and_one_broad_error_weigh_alike_in_the_spectrum(truth: dict[str, Tensor]) -> None:
    """Parseval does not hold for amplitudes: what is spread over frequencies costs more."""
    sharp, broad = truth["clean"].clone(), truth["clean"].clone()
    sharp[:, :, 14, 2] += 0.16
    broad += 0.16 / SIDE
    everywhere = torch.full_like(told(truth), 20.0)  # the spectrum is that of the composite
    costs = [loss_of(wrong, everywhere, truth)[1]["frequency"] for wrong in (sharp, broad)]
    assert costs[0] > 5 * costs[1] > 0


def test_what_is_broad_is_none_of_its_business(truth: dict[str, Tensor]) -> None:
    other = truth | {"matte": torch.cat((truth["matte"][:, :LOCAL], torch.rand(2, 2, SIDE, SIDE)), dim=1)}
    wrong = wrong_at(truth, 3, 3)
    assert loss_of(wrong, told(truth), truth) == loss_of(wrong, told(truth), other)


def test_gradients_are_finite_everywhere(truth: dict[str, Tensor]) -> None:
    for fill in (truth["clean"], truth["damaged"], torch.full_like(truth["clean"], 50.0)):
        for logits in (torch.zeros_like(told(truth)), told(truth), 1e4 * truth["matte"][:, :LOCAL] - 5e3):
            guess, say = fill.clone().requires_grad_(), logits.clone().requires_grad_()
            made = prediction(guess, say, base=truth["damaged"])
            restoration_loss(made, clean=truth["clean"], matte=truth["matte"])[0].backward()
            for asked in (guess, say):
                assert asked.grad is not None
                assert torch.isfinite(asked.grad).all()


def test_charbonnier_is_squared_near_zero_and_absolute_far_from_it() -> None:
    x = torch.tensor([0.0, CHARBONNIER / 100, 1.0, -1.0], dtype=torch.float64)
    values = charbonnier(x)
    assert float(values[0]) == pytest.approx(0, abs=1e-12)
    assert float(values[1]) == pytest.approx((CHARBONNIER / 100) ** 2 / (2 * CHARBONNIER), rel=1e-3)
    assert float(values[2]) == float(values[3]) == pytest.approx(1 - CHARBONNIER, rel=1e-3)


def test_figures_count_what_they_say(truth: dict[str, Tensor]) -> None:
    logits = told(truth)
    logits[:, 0, 2, 2:5] = -20  # a third of the dirt missed
    logits[:, 0, 14, :10] = 20  # and ten pixels of it seen where none is
    found: dict[str, Any] = figures(prediction(truth["clean"], logits, base=truth["damaged"]), **truth)
    names = {f"{name}_{what}" for name in ("dirt", "scratch") for what in ("area", "before", "after", "found", "hit")}
    assert set(found) == names | {"stain_area", "stain_before", "stain_after"}
    assert (found["dirt_area"], found["dirt_hit"], found["dirt_found"]) == (18, 12, 32)
    assert (found["scratch_area"], found["scratch_hit"], found["scratch_found"]) == (32, 32, 32)
    inside = truth["matte"][:, :1]
    error = float((inside * (truth["damaged"] - truth["clean"]).square()).sum() / 3)
    assert found["dirt_before"] == pytest.approx(error, rel=1e-5)
    missed = (inside * (truth["damaged"] - truth["clean"]).square())[:, :, 2].sum() / 3
    assert found["dirt_after"] == pytest.approx(float(missed), rel=1e-3)
    assert found["scratch_after"] == pytest.approx(0, abs=1e-6)
    assert math.isfinite(sum(found.values()))


# What is broad


@pytest.fixture
def stained() -> dict[str, Tensor]:
    """Frames that are darkened by half in their left half."""
    clean, matte = torch.rand(2, 3, SIDE, SIDE), torch.zeros(2, 4, SIDE, SIDE)
    matte[:, 2, :, : SIDE // 2] = 1
    return {"lit": torch.where(matte[:, 2:3] > 0, 0.5 * clean, clean), "clean": clean, "matte": matte}


def filter_of(stained: dict[str, Tensor], *, gain: float = 2.0, logits: Tensor | None = None) -> Broad:
    """The filter that takes the stain back, and 1 elsewhere; what is found is the truth unless told."""
    gains = torch.where(stained["matte"][:, 2:3] > 0, gain, 1.0).expand(-1, 3, -1, -1)
    logits = sure(stained["matte"]) if logits is None else logits
    return Broad(gains, torch.zeros_like(gains), logits[:, 2:3], logits)


def test_the_filter_that_takes_a_stain_back_costs_nothing(stained: dict[str, Tensor]) -> None:
    assert float(broad_loss(filter_of(stained), **stained)) < 1e-5


def test_a_stain_left_or_overdone_costs(stained: dict[str, Tensor]) -> None:
    costs = [float(broad_loss(filter_of(stained, gain=gain), **stained)) for gain in (2.0, 1.8, 1.4, 1.0)]
    assert costs == sorted(costs)
    assert costs[0] < 0.01 < costs[1]
    assert float(broad_loss(filter_of(stained, gain=2.4), **stained)) > costs[1]


def test_a_stain_missed_costs_though_its_filter_is_right(stained: dict[str, Tensor]) -> None:
    missed = filter_of(stained, logits=torch.full_like(stained["matte"], -20.0))
    assert float(broad_loss(missed, **stained)) > 1


def test_a_filter_may_do_little_where_no_stain_is_believed(stained: dict[str, Tensor]) -> None:
    """An error costs more where there is a stain than where there is none."""
    right = filter_of(stained)
    offsets = [torch.where(stained["matte"][:, 2:3] == where, 0.1, 0.0).expand(-1, 3, -1, -1) for where in (1, 0)]
    within, beside = (float(broad_loss(replace(right, offset=offset), **stained)) for offset in offsets)
    assert within > 10 * beside > 0


def test_a_strong_stain_left_costs_more_than_many_faint_ones(stained: dict[str, Tensor]) -> None:
    """Error that is gathered in few pixels weighs more than as much of it spread out: so does what the eye sees."""
    right = filter_of(stained)
    spread = torch.where(stained["matte"][:, 2:3] > 0, 0.05, 0.0).expand(-1, 3, -1, -1)
    gathered = spread.clone()
    gathered[..., : SIDE // 4], gathered[..., SIDE // 4 :] = 0.1, 0.0
    faint, strong = (float(broad_loss(replace(right, offset=offset), **stained)) for offset in (spread, gathered))
    assert strong > 1.2 * faint


def test_stains_weigh_most_in_the_small_matte_and_flicker_is_hardly_asked_for(stained: dict[str, Tensor]) -> None:
    still = stained | {"lit": stained["clean"]}

    def wrong(index: int) -> float:
        logits = sure(still["matte"])
        logits[:, index] *= -1
        frame = torch.ones_like(still["clean"])
        return float(broad_loss(Broad(frame, 0 * frame, logits[:, 2:3], logits), **still))

    assert wrong(2) > 2 * wrong(0) == pytest.approx(2 * wrong(1))
    assert wrong(0) > 2 * wrong(3) > 0


def test_a_strong_stain_missed_costs_more_than_a_faint_one(stained: dict[str, Tensor]) -> None:
    """And a sound pixel taken for one costs the same, whatever lies beside it."""
    right = filter_of(stained)
    missed = replace(right, stain=torch.where(stained["matte"][:, 2:3] > 0, -4.0, right.stain))
    taken = replace(right, stain=torch.where(stained["matte"][:, 2:3] > 0, right.stain, 0.0))

    def costs(broad: Broad, change: float) -> float:
        """Of what the matte says, with a stain that alters the frame by so much and is taken back in either case."""
        lit = torch.where(stained["matte"][:, 2:3] > 0, stained["clean"] - change, stained["clean"])
        frame = torch.ones_like(lit)
        same = replace(broad, gain=frame, offset=stained["clean"] - lit)
        return float(broad_loss(same, **(stained | {"lit": lit})))

    faint, strong = (costs(missed, change) for change in (4 / 255, 32 / 255))
    assert strong > 5 * faint
    assert costs(taken, 4 / 255) == pytest.approx(costs(taken, 32 / 255), rel=0.01)
