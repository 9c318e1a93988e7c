"""The network assembled: shapes, fill and damage apart, and each switch takes its module out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frdm_engine.model.denoiser import CLASSES, FilmRestorer, Limits, Look, Prediction, damage_of, surroundings
from frdm_engine.model.encoder import columns
from frdm_engine.model.frame_fusion import (
    Evidence,
    FrameFusion,
    gather_evidence,
    middle_of,
    move_features,
    quarter_flow,
    window_motion,
)

Texture = Callable[..., Tensor]
Lively = Callable[..., FilmRestorer]
HEIGHT, WIDTH = 64, 96


def look_at(
    model: FilmRestorer,
    window: Tensor,
    *,
    box: tuple[float, float, float, float] = (0, 0, 1, 1),
    residual: Tensor | None = None,
    seen: Tensor | None = None,
    whole: Tensor | None = None,
) -> Look:
    """What the denoiser is given for a window (B, T, 3, H, W)."""
    count = window.shape[0]
    maps = columns(window.flatten(0, 1)).unflatten(0, window.shape[:2])
    motion = window_motion(window)
    features = model.encode(window.flatten(0, 1), maps.flatten(0, 1)).unflatten(0, window.shape[:2])
    small = window[:, window.shape[1] // 2] if whole is None else whole
    with torch.no_grad():
        return model.look(
            gather_evidence(window, motion, maps),
            move_features(features, quarter_flow(motion)),
            residual=residual,
            seen=seen,
            box=torch.tensor(box, dtype=torch.float32).expand(count, 4),
            prompt=model.prompt(small, small),
        )


def answer(
    model: FilmRestorer, window: Tensor, *, previous: Prediction | None = None, sigma: float = 1.0, **given: Any
) -> Prediction:
    """The network's prediction for the centre of a window (B, T, 3, H, W), without noise."""
    look = look_at(model, window, **given)
    with torch.no_grad():
        return model.denoise(look.evidence.centre, torch.full((window.shape[0],), sigma), look, previous)


def apart(one: Prediction, other: Prediction) -> float:
    """Largest difference of two predictions."""
    return max(float((getattr(one, name) - getattr(other, name)).abs().max()) for name in ("clean", "fill", "logits"))


# Shapes, fill and damage


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
    assert predicted.logits.shape == (3, len(CLASSES), 40, 56)
    assert predicted.weights.shape == (3, 2 + 2 * radius, 40, 56)
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
    torch.testing.assert_close(together.clean[1:2], alone.clean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(together.logits[1:2], alone.logits, rtol=1e-4, atol=1e-4)


def still_window(frame: Tensor) -> Tensor:
    return frame[:, None].expand(-1, 5, -1, -1, -1).contiguous()


def test_a_new_network_sees_no_damage_and_mixes_evenly_without_paint() -> None:
    window = still_window(torch.rand(1, 3, 32, 32))
    predicted = answer(FilmRestorer(width=8, features=8, prompt_dim=16).eval(), window)
    assert float(predicted.logits.sigmoid().max()) < 0.06
    torch.testing.assert_close(predicted.weights, torch.full((1, 6, 32, 32), 1 / 6))
    assert torch.equal(predicted.fill, predicted.mixed)
    # Of six equal parts five are the still frame itself, moved by nothing.
    around = surroundings(window[:, 2], damage_of(predicted.logits))
    torch.testing.assert_close(predicted.fill, (5 * window[:, 2] + around) / 6, rtol=0, atol=1e-4)


def test_a_new_network_leaves_a_plain_still_frame_alone() -> None:
    window = still_window(torch.tensor([0.3, 0.6, 0.1]).view(1, 3, 1, 1).expand(-1, -1, 32, 32))
    predicted = answer(FilmRestorer(width=8, features=8, prompt_dim=16).eval(), window)
    torch.testing.assert_close(predicted.clean, window[:, 2], rtol=0, atol=1e-5)


def test_the_fill_is_the_weighted_candidates_and_a_correction(lively: Lively, window: Tensor) -> None:
    """No candidate but the surroundings, the middle and the neighbours: there is none left for the centre."""
    model = lively()
    look = look_at(model, window)
    with torch.no_grad():
        made = model.denoise(look.evidence.centre, torch.ones(1), look)
    torch.testing.assert_close(made.weights.sum(dim=1), torch.ones(1, HEIGHT, WIDTH))
    around = surroundings(look.evidence.centre, damage_of(made.logits))
    aligned = look.evidence.aligned
    candidates = torch.cat((around[:, None], middle_of(aligned)[:, None], aligned), dim=1)
    torch.testing.assert_close((made.weights[:, :, None] * candidates).sum(dim=1), made.mixed, rtol=0, atol=1e-5)
    assert float((made.fill - made.mixed).abs().max()) > 1e-3


def test_the_clean_frame_is_the_fill_as_far_as_damage_is_believed(lively: Lively, window: Tensor) -> None:
    made = answer(lively(), window)
    believed, centre = damage_of(made.logits), window[:, 2]
    assert float(believed.std()) > 1e-3
    torch.testing.assert_close(made.clean, centre + believed * (made.fill - centre), rtol=0, atol=1e-6)


def test_what_is_hidden_does_not_reach_the_fill_through_the_mixture(window: Tensor) -> None:
    """A network that believes in a hole, and does nothing else, fills it the same whatever lies in it."""
    model = FilmRestorer(width=8, features=8, prompt_dim=16).eval()
    hole = torch.zeros(1, 1, HEIGHT // 2, WIDTH // 2)
    hole[..., 10:14, 20:24] = 1  # half-size pixels

    def paint(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        made = torch.zeros_like(out).unflatten(1, (sum(model.denoiser.heads), 4))
        made[:, sum(model.denoiser.heads[:2])] = 40 * hole - 20
        return made.flatten(1, 2)

    model.denoiser.leave.register_forward_hook(paint)
    look = look_at(model, window)
    spoiled = window[:, 2].clone()
    spoiled[..., 20:28, 40:48] = 1 - spoiled[..., 20:28, 40:48]
    with torch.no_grad():
        fills = [
            model.denoise(centre, torch.ones(1), replace(look, evidence=replace(look.evidence, centre=centre))).fill
            for centre in (window[:, 2], spoiled)
        ]
    assert float((spoiled - window[:, 2])[..., 20:28, 40:48].abs().mean()) > 0.1
    assert float((fills[0] - fills[1]).abs().max()) < 0.01
    assert float((fills[1] - window[:, 2])[..., 20:28, 40:48].abs().mean()) < 0.1


def test_later_steps_see_the_level_and_the_estimate_before(lively: Lively, window: Tensor) -> None:
    model = lively()
    first = answer(model, window)
    assert apart(first, answer(model, window, sigma=0.5)) > 1e-3
    assert apart(first, answer(model, window, previous=first)) > 1e-3
    other = replace(first, logits=first.logits + 1)
    assert apart(answer(model, window, previous=first), answer(model, window, previous=other)) > 1e-3


def test_tiles_agree_because_nothing_is_normalised() -> None:
    model = FilmRestorer()
    names = {type(part).__name__ for part in model.modules()}
    assert {"Conv2d", "Linear"} <= names
    assert [name for name in names if "norm" in name.lower()] == []
    assert [part for part in model.modules() if isinstance(part, nn.Dropout)] == []


# Surroundings and damage


def test_damage_is_any_class_but_flicker() -> None:
    assert float(damage_of(torch.zeros(1, 4, 1, 1))) == pytest.approx(1 - 0.5**3)
    logits = torch.full((1, 4, 1, 1), -30.0)
    logits[:, CLASSES.index("flicker")] = 30
    assert float(damage_of(logits)) < 1e-6
    for index in range(3):
        logits = torch.full((1, 4, 1, 1), -30.0)
        logits[:, index] = 30
        assert float(damage_of(logits)) == pytest.approx(1)


def test_surroundings_of_a_constant_are_the_constant() -> None:
    frame = torch.tensor([0.2, 0.7, 0.4]).view(1, 3, 1, 1).expand(-1, -1, 24, 20)
    for damage in (torch.zeros(1, 1, 24, 20), torch.ones(1, 1, 24, 20), torch.rand(1, 1, 24, 20)):
        torch.testing.assert_close(surroundings(frame, damage), frame, rtol=0, atol=1e-5)


@pytest.mark.parametrize("across", [True, False], ids=["column", "row"])
def test_surroundings_fill_a_thin_line_from_both_sides(across: bool) -> None:
    """A ramp from side to side is gone on with under the line, whose own value does not show."""
    ramp = torch.linspace(0.2, 0.8, 33).view(1, 1, 1, 33).expand(1, 3, 33, 33).clone()
    if not across:
        ramp = ramp.transpose(-1, -2).contiguous()
    line = torch.zeros(1, 1, 33, 33)
    (line if across else line.transpose(-1, -2))[..., 16] = 1
    made = surroundings(torch.where(line > 0, torch.ones_like(ramp), ramp), line)
    inner = line.expand(-1, 3, -1, -1)[..., 7:-7, 7:-7] > 0
    torch.testing.assert_close(made[..., 7:-7, 7:-7][inner], ramp[..., 7:-7, 7:-7][inner], rtol=0, atol=2e-3)


def test_surroundings_distrust_what_lies_beside_damage() -> None:
    """Soft edges of a speck, which no matte covers, do not bleed into its fill."""
    frame, damage = torch.full((1, 3, 25, 25), 0.5), torch.zeros(1, 1, 25, 25)
    frame[..., 11:14, 11:14], damage[..., 12, 12] = 1.0, 1.0
    assert float((surroundings(frame, damage)[..., 12, 12] - 0.5).abs().max()) < 0.01


def test_half_believed_damage_still_counts_for_less_than_sound_film() -> None:
    frame, damage = torch.full((1, 3, 25, 25), 0.5), torch.zeros(1, 1, 25, 25)
    frame[..., 12] = 1.0
    believed = []
    for odds in (0.0, 0.5, 1.0):
        damage[..., 12] = odds
        believed.append(float((surroundings(frame, damage)[..., 12, 12] - 0.5).abs().max()))
    assert believed[0] > 2 * believed[1] > 4 * believed[2]


# Switches and limits


def parameters(model: FilmRestorer) -> set[str]:
    return {name for name, _ in model.named_parameters()}


def test_without_frame_fusion_neighbours_do_not_matter_at_all(lively: Lively, window: Tensor) -> None:
    other = torch.rand_like(window)
    other[:, 2] = window[:, 2]
    blindly = lively(frame_fusion=False)
    assert apart(answer(blindly, window), answer(blindly, other)) == 0
    seeing = lively()
    assert apart(answer(seeing, window), answer(seeing, other)) > 1e-2


def test_without_global_prompt_the_place_does_not_matter(lively: Lively, window: Tensor) -> None:
    here, there = (0.1, 0.1, 0.3, 0.3), (0.5, 0.6, 0.7, 0.8)
    without, with_prompt = lively(global_prompt=False), lively()
    assert apart(answer(without, window, box=here), answer(without, window, box=there)) == 0
    assert apart(answer(with_prompt, window, box=here), answer(with_prompt, window, box=there)) > 1e-4
    gone = parameters(with_prompt) - parameters(without)
    assert gone
    assert all(name.startswith("denoiser.prompt.") for name in gone)


def test_without_prompt_and_frequency_the_whole_frame_does_not_matter(lively: Lively, window: Tensor) -> None:
    whole = torch.rand(1, 3, 32, 48)
    without = lively(global_prompt=False, frequency=False)
    assert apart(answer(without, window), answer(without, window, whole=whole)) == 0
    for switch in ("global_prompt", "frequency"):
        model = lively(**{switch: False})
        assert apart(answer(model, window), answer(model, window, whole=whole)) > 1e-4
    gone = parameters(lively()) - parameters(lively(frequency=False))
    assert gone
    assert all(name.startswith("denoiser.frequency.") for name in gone)


def test_without_global_residual_it_has_no_influence(lively: Lively, window: Tensor) -> None:
    residual = 0.1 * torch.randn(1, 3, HEIGHT, WIDTH)
    without, with_residual = lively(global_residual=False), lively()
    assert apart(answer(without, window), answer(without, window, residual=residual)) == 0
    assert apart(answer(with_residual, window), answer(with_residual, window, residual=residual)) > 1e-2


def test_what_was_found_in_the_small_frame_is_heard_with_the_residual_alone(lively: Lively, window: Tensor) -> None:
    seen = torch.rand(1, 4, HEIGHT // 2, WIDTH // 2)
    without, with_residual = lively(global_residual=False), lively()
    assert apart(answer(without, window), answer(without, window, seen=seen)) == 0
    assert apart(answer(with_residual, window), answer(with_residual, window, seen=seen)) > 1e-3
    nothing = torch.zeros_like(seen)
    assert apart(answer(with_residual, window), answer(with_residual, window, seen=nothing)) == 0


def test_a_later_step_hears_its_own_estimate_and_not_what_was_found_small(lively: Lively, window: Tensor) -> None:
    model, seen = lively(), torch.rand(1, 4, HEIGHT // 2, WIDTH // 2)
    first = answer(model, window)
    assert apart(answer(model, window, previous=first), answer(model, window, previous=first, seen=seen)) == 0


def test_no_residual_is_a_residual_of_zero(lively: Lively, window: Tensor) -> None:
    model = lively()
    assert apart(answer(model, window), answer(model, window, residual=torch.zeros(1, 3, HEIGHT, WIDTH))) == 0


def test_limits_reach_the_network() -> None:
    assert FilmRestorer().limits == Limits()
    model = FilmRestorer(width=8, features=8, prompt_dim=16, limits={"radius": 3, "halo": 16})
    assert model.limits == replace(Limits(), radius=3, halo=16)
    assert model.fusion.neighbours == 6
