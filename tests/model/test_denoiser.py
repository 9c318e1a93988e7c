"""The network assembled: shapes, damage, the hole it makes and its fill, and what later steps hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from frdm_engine.model.denoiser import CLASSES, LOCAL, FilmRestorer, damage_of
from frdm_engine.model.encoder import columns
from frdm_engine.model.filler import hole_of
from frdm_engine.model.frame_fusion import Evidence, FrameFusion, quarter_flow, window_motion
from tests.model.looking import answer, apart, look_at

Lively = Callable[..., FilmRestorer]
HEIGHT, WIDTH = 64, 96


def fresh() -> FilmRestorer:
    """A network as training begins with it."""
    return FilmRestorer(width=8, features=8, prompt_dim=16).eval()


def quiet(model: FilmRestorer) -> FilmRestorer:
    """The network made to find no damage at all."""
    with torch.no_grad():
        model.denoiser.leave.weight.zero_()
        model.denoiser.leave.get_parameter("bias").fill_(-9)
    return model


def doubtful(model: FilmRestorer) -> FilmRestorer:
    """The network made less sure of damage, so that some of a frame is no hole."""
    with torch.no_grad():
        model.denoiser.leave.get_parameter("bias").fill_(-3)
    return model


@pytest.fixture
def spot() -> Tensor:
    """A hole (1, 1, H, W) of ten by ten pixels."""
    made = torch.zeros(1, 1, HEIGHT, WIDTH)
    made[..., 20:30, 40:50] = 1
    return made


# Shapes


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_shapes_of_an_odd_batch(radius: int, lively: Lively) -> None:
    model = lively(limits={"radius": radius})
    window = torch.rand(3, 2 * radius + 1, 3, 40, 56)
    maps = columns(window.flatten(0, 1))
    assert maps.shape == (3 * (2 * radius + 1), 1, 40, 56)
    assert model.encode(window.flatten(0, 1), maps).shape == (3 * (2 * radius + 1), 8, 10, 14)
    motion = window_motion(window)
    assert motion.flow.shape == (3, 2 * radius, 2, 20, 28)
    assert motion.doubt.shape == (3, 2 * radius, 20, 28)
    assert quarter_flow(motion).shape == (3, 2 * radius, 2, 10, 14)
    prompt = model.prompt(torch.rand(3, 3, 24, 40), torch.rand(3, 3, 24, 40))
    assert prompt.key.shape == prompt.value.shape == (3, 3 * 5, 16)
    assert prompt.map.shape == (3, 16, 6, 10)
    predicted = answer(model, window, whole=torch.rand(3, 3, 24, 40))
    assert predicted.clean.shape == (3, 3, 40, 56)
    assert predicted.fill.shape == predicted.mixed.shape == (3, 3, 40, 56)
    assert predicted.logits.shape == (3, LOCAL, 40, 56)
    assert predicted.weights.shape == (3, 5 + 4 * radius, 40, 56)
    assert predicted.hole.shape == (3, 1, 40, 56)
    for name, value in vars(predicted).items():
        assert value.isfinite().all(), name
        assert value.dtype == torch.float32, name


def test_fusion_shapes() -> None:
    fusion = FrameFusion(neighbours=4, features=6, channels=10)
    evidence = Evidence(
        torch.rand(1, 3, 16, 24),
        torch.rand(1, 4, 3, 16, 24),
        torch.rand(1, 2, 3, 16, 24),
        torch.rand(1, 2, 16, 24),
        torch.rand(1, 4, 8, 12),
    )
    fused = fusion(evidence, torch.rand(1, 5, 6, 4, 6))
    assert fused.half.shape == (1, 10, 8, 12)
    assert fused.quarter.shape == (1, 20, 4, 6)
    assert fused.trust.shape == (1, 4, 16, 24)


def test_each_of_a_batch_stands_alone(lively: Lively) -> None:
    model, windows = lively(), torch.rand(3, 5, 3, 32, 32)
    together = answer(model, windows)
    alone = answer(model, windows[1:2])
    for name in ("clean", "fill", "logits", "weights", "hole"):
        torch.testing.assert_close(getattr(together, name)[1:2], getattr(alone, name), rtol=1e-4, atol=1e-4)


# Damage and fill


def test_damage_is_dirt_or_scratch() -> None:
    assert (CLASSES[:LOCAL], CLASSES[LOCAL:]) == (("dirt", "scratch"), ("stain", "flicker"))
    assert float(damage_of(torch.zeros(1, 2, 1, 1))) == pytest.approx(1 - 0.5**2)
    assert float(damage_of(torch.full((1, 2, 1, 1), -30.0))) < 1e-6
    for index in range(LOCAL):
        logits = torch.full((1, 2, 1, 1), -30.0)
        logits[:, index] = 30
        assert float(damage_of(logits)) == pytest.approx(1)


def test_a_new_network_sees_no_damage_and_mixes_evenly_without_paint(window: Tensor) -> None:
    predicted = answer(fresh(), window)
    assert float(predicted.logits.sigmoid().max()) < 0.06
    torch.testing.assert_close(predicted.weights, torch.full((1, 13, HEIGHT, WIDTH), 1 / 13))
    assert torch.equal(predicted.fill, predicted.mixed)


def test_a_new_network_leaves_a_plain_still_frame_alone() -> None:
    frame = torch.tensor([0.3, 0.6, 0.1]).view(1, 3, 1, 1).expand(-1, -1, 32, 32)
    window = frame[:, None].expand(-1, 5, -1, -1, -1).contiguous()
    predicted = answer(fresh(), window)
    assert predicted.hole.any()
    torch.testing.assert_close(predicted.clean, window[:, 2], rtol=0, atol=1e-5)


def test_the_clean_frame_is_the_fill_as_far_as_damage_is_believed(lively: Lively, window: Tensor, spot: Tensor) -> None:
    """Whatever hole the fill was made for: how sure the network is has one voice, the matte's."""
    centre = window[:, 2]
    for hole in (None, spot):
        made = answer(lively(), window, hole=hole)
        believed = damage_of(made.logits)
        assert float(believed.std()) > 1e-3
        torch.testing.assert_close(made.clean, centre + believed * (made.fill - centre), rtol=0, atol=1e-6)


def test_tiles_agree_because_nothing_is_normalised() -> None:
    model = FilmRestorer()
    names = {type(part).__name__ for part in model.modules()}
    assert {"Conv2d", "Linear"} <= names
    assert [name for name in names if "norm" in name.lower()] == []
    assert [part for part in model.modules() if isinstance(part, nn.Dropout)] == []


# The hole


def test_the_fill_is_made_for_what_is_found_unless_told(lively: Lively, window: Tensor, spot: Tensor) -> None:
    model = doubtful(lively())
    found, told = answer(model, window), answer(model, window, hole=spot)
    torch.testing.assert_close(found.hole, hole_of(damage_of(found.logits)))
    assert 0 < float(found.hole.mean()) < 1
    assert torch.equal(told.hole, spot)
    assert torch.equal(told.logits, found.logits)
    assert float((told.fill - found.fill).abs().max()) > 1e-2


def test_a_negative_hole_is_what_is_found_there(lively: Lively, window: Tensor, spot: Tensor) -> None:
    model = doubtful(lively())
    found = answer(model, window)
    nowhere = answer(model, window, hole=torch.full_like(spot, -1.0))
    assert apart(found, nowhere) == 0
    mixed = answer(model, window, hole=torch.where(spot > 0, spot, torch.full_like(spot, -1.0)))
    assert torch.equal(mixed.hole, torch.where(spot > 0, spot, found.hole))


def test_a_hole_the_artist_names_joins_what_is_found(lively: Lively, window: Tensor, spot: Tensor) -> None:
    model = doubtful(lively())
    found, forced = answer(model, window), answer(model, window, force=0.5 * spot)
    assert torch.equal(forced.hole, torch.maximum(found.hole, 0.5 * spot))
    assert torch.equal(forced.logits, found.logits)
    assert float((forced.fill - found.fill).abs().max()) > 1e-3


def listened(model: FilmRestorer) -> list[int]:
    """A list that grows each time the model's filler is asked."""
    asked: list[int] = []
    model.denoiser.filler.register_forward_hook(lambda *given: asked.append(1))
    return asked


def test_where_nothing_is_found_nothing_is_filled(lively: Lively, window: Tensor, spot: Tensor) -> None:
    """Cost follows damage; a hole named or told of is filled all the same."""
    model = quiet(lively())
    asked = listened(model)
    made = answer(model, window)
    assert not asked
    assert not made.hole.any()
    for name in ("clean", "fill", "mixed"):
        assert torch.equal(getattr(made, name), window[:, 2])
    torch.testing.assert_close(made.weights, torch.full((1, 13, HEIGHT, WIDTH), 1 / 13))
    for filled in (answer(model, window, force=spot), answer(model, window, hole=spot)):
        assert float((filled.fill - window[:, 2]).abs()[..., 20:30, 40:50].mean()) > 0.01
    assert len(asked) == 2


def test_a_training_fills_even_where_nothing_is_found(lively: Lively, window: Tensor) -> None:
    model = quiet(lively()).train()
    asked = listened(model)
    assert not answer(model, window).hole.any()
    assert asked


def test_what_is_found_is_not_trained_by_the_fill_it_asks_for(lively: Lively, window: Tensor) -> None:
    """The matte learns from the matte's truth; were it paid by the fill, it would look away from what is hard."""
    model = lively()
    look = look_at(model, window)
    made = model.denoise(look.evidence.centre, torch.ones(1), look)
    assert not made.hole.requires_grad
    weight = model.denoiser.leave.weight
    learned = []
    for told in (made.fill, made.clean):
        told.sum().backward(retain_graph=True)
        learned.append(weight.grad is not None and bool(weight.grad.any()))
    assert learned == [False, True]


# The residual, what was seen, and later steps


def test_the_residual_is_laid_over_the_centre_before_anything_looks(lively: Lively, window: Tensor) -> None:
    model, residual = lively(), 0.1 * torch.randn(1, 3, HEIGHT, WIDTH)
    bare, laid = look_at(model, window), look_at(model, window, residual=residual)
    assert torch.equal(laid.evidence.centre, window[:, 2] + residual)
    for name in ("aligned", "raw", "columns", "doubt"):
        assert torch.equal(getattr(laid.evidence, name), getattr(bare.evidence, name)), name
    assert float((laid.fused.half - bare.fused.half).abs().max()) > 1e-3
    assert apart(answer(model, window), answer(model, window, residual=residual)) > 1e-2
    quietly = answer(quiet(model), window, residual=residual)
    assert torch.equal(quietly.clean, window[:, 2] + residual)


def test_the_denoiser_is_told_the_residual_too(lively: Lively, window: Tensor) -> None:
    """The same centre tells another tale where it was mended first."""
    model, residual = lively(), 0.1 * torch.randn(1, 3, HEIGHT, WIDTH)
    look = look_at(model, window, residual=residual)
    unaware = replace(look, residual=torch.zeros_like(residual))
    with torch.no_grad():
        one, other = (model.denoise(look.evidence.centre, torch.ones(1), told) for told in (look, unaware))
    assert apart(one, other) > 1e-3


def test_what_was_found_in_the_small_frame_is_heard(lively: Lively, window: Tensor) -> None:
    model = lively()
    for index in range(len(CLASSES)):
        seen = torch.zeros(1, len(CLASSES), HEIGHT // 2, WIDTH // 2)
        seen[:, index] = torch.rand(HEIGHT // 2, WIDTH // 2)
        assert apart(answer(model, window), answer(model, window, seen=seen)) > 1e-3


def test_later_steps_see_the_level_and_the_estimate_before(lively: Lively, window: Tensor) -> None:
    model = lively()
    first = answer(model, window)
    assert apart(first, answer(model, window, sigma=0.5)) > 1e-3
    later = answer(model, window, previous=first)
    assert apart(first, later) > 1e-3
    for other in (replace(first, logits=first.logits + 1), replace(first, clean=first.clean + 0.05)):
        assert apart(later, answer(model, window, previous=other)) > 1e-3


def test_a_later_step_hears_its_own_estimate_of_dirt_and_the_small_frames_of_what_is_broad(
    lively: Lively, window: Tensor
) -> None:
    model = lively()
    first = answer(model, window)
    nothing = torch.zeros(1, len(CLASSES), HEIGHT // 2, WIDTH // 2)
    later = answer(model, window, previous=first, seen=nothing)
    for index in range(len(CLASSES)):
        seen = nothing.clone()
        seen[:, index] = torch.rand(HEIGHT // 2, WIDTH // 2)
        change = apart(later, answer(model, window, previous=first, seen=seen))
        assert change == 0 if index < LOCAL else change > 1e-3
