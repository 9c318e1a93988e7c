"""Each part of the network does what its name says, and its switch takes it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from frdm_engine.model.denoiser import CLASSES, FilmRestorer, Limits, Look, Prediction, damage_of, surroundings
from frdm_engine.model.encoder import Encoder, columns
from frdm_engine.model.frame_fusion import (
    Evidence,
    FrameFusion,
    Motion,
    blind,
    gather_evidence,
    middle_of,
    move_features,
    out_of_range,
    pair_motion,
    quarter_flow,
    window_motion,
)
from frdm_engine.model.frequency import GlobalLocalFrequency, _log_amplitude, _overlap_add, _spectra
from frdm_engine.model.global_prompt import GlobalPrompt, Prompt, PromptEncoder
from frdm_engine.model.small import grow, shrink, small_size

Texture = Callable[..., Tensor]
Lively = Callable[..., FilmRestorer]
Answer = Callable[..., Prediction]
HEIGHT, WIDTH = 64, 96


@pytest.fixture
def window(texture: Texture) -> Tensor:
    """(1, 5, 3, H, W): a texture that moves two pixels a frame."""
    return torch.stack([texture(HEIGHT, WIDTH, x=2 * t) for t in range(5)], dim=1)


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


# Encoder


def test_columns_show_a_standing_line_and_not_the_texture(texture: Texture) -> None:
    height, width = 144, 160
    plain = 0.3 + 0.4 * texture(height, width, span=(0.06, 0.25))
    for sign in (1, -1):
        scratched = plain.clone()
        scratched[..., 70:72] = (scratched[..., 70:72] + sign * 0.12).clamp(0, 1)
        found = columns(scratched)[0, 0]
        line, beside = sign * found[:, 70:72], torch.cat((found[:, :60], found[:, 82:]), dim=1).abs()
        assert float(line.mean()) > 3 * float(beside.quantile(0.95))
        assert float((line > 0.3).float().mean()) > 0.9
    assert float(columns(plain).abs().quantile(0.95)) < 0.25


def test_columns_are_blind_to_rows_and_even_fields() -> None:
    field = torch.full((1, 3, 40, 48), 0.4)
    torch.testing.assert_close(columns(field), torch.zeros(1, 1, 40, 48), rtol=0, atol=1e-5)
    field[..., 20:22, :] = 0.9
    torch.testing.assert_close(columns(field), torch.zeros(1, 1, 40, 48), rtol=0, atol=1e-5)


def test_one_bright_edge_is_no_scratch() -> None:
    frame = torch.full((1, 3, 144, 96), 0.2)
    frame[..., 60:76, 40:] = 1.0  # two of eighteen bands of eight rows
    scratch = torch.full((1, 3, 144, 96), 0.2)
    scratch[..., 40:42] = 0.3
    assert float(columns(scratch)[..., 70, 40].max()) > 3 * float(columns(frame)[..., 70, 30:50].abs().max())


def test_encoder_sees_frame_and_column_map() -> None:
    encoder = Encoder(6)
    frame, lines = torch.rand(1, 3, 16, 16), torch.rand(1, 1, 16, 16)
    made = encoder(frame, lines)
    assert not torch.allclose(made, encoder(frame, lines * 0))
    assert not torch.allclose(made, encoder(frame * 0, lines))


# Frequency module


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (20, 4), (32, 44)])
def test_windowed_spectra_reconstruct_perfectly(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    spectra = _spectra(x)
    assert spectra.shape == (2, 3, size[0] // 4 + 1, size[1] // 4 + 1, 8, 5)
    torch.testing.assert_close(_overlap_add(spectra, *size), x, rtol=0, atol=1e-5)


def test_spectra_keep_the_energy() -> None:
    x = torch.zeros(1, 1, 32, 32)
    x[..., 12:20, 12:20] = torch.randn(8, 8)
    spectra = _spectra(x)
    both_halves = torch.tensor([1.0, 2, 2, 2, 1])  # rfft leaves out the mirrored bins
    energy = (spectra.abs().square() * both_halves).sum()
    torch.testing.assert_close(energy, x.square().sum(), rtol=1e-4, atol=1e-4)


def test_frequency_module_starts_as_the_identity() -> None:
    x = torch.randn(2, 12, 10, 14)
    assert torch.equal(GlobalLocalFrequency(12, 6)(x, torch.randn(2, 6, 9, 11)), x)


def wake(module: nn.Module) -> None:
    """Gives every parameter of a part a random say."""
    for parameter in module.requires_grad_(False).parameters():
        parameter.normal_(std=0.3)


def test_frequency_module_hears_the_whole_frame() -> None:
    module = GlobalLocalFrequency(12, 6)
    wake(module)
    x, whole = torch.randn(1, 12, 16, 16), torch.randn(1, 6, 12, 12)
    assert not torch.allclose(module(x, whole), x)
    assert not torch.allclose(module(x, whole), module(x, 3 * whole), atol=1e-3)


def test_frequency_module_means_the_same_in_a_tile_of_any_size() -> None:
    module = GlobalLocalFrequency(12, 6)
    wake(module)
    x, whole = torch.randn(1, 12, 24, 32), torch.randn(1, 6, 12, 12)
    of_all, of_tile = module(x, whole), module(x[..., 4:20, 8:28], whole)
    torch.testing.assert_close(of_tile[..., 4:-4, 4:-4], of_all[..., 8:16, 12:24], rtol=1e-4, atol=1e-4)


# Global Prompt


def prompt_of(seed: int, *, count: int = 1) -> Prompt:
    generator = torch.Generator().manual_seed(seed)
    encoder = PromptEncoder(16)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(0))
    frames = torch.rand(count, 3, 32, 48, generator=generator)
    made: Prompt = encoder(frames, frames.flip(-1))
    return Prompt(made.key.detach(), made.value.detach(), made.map.detach())


def test_global_prompt_starts_silent() -> None:
    x = torch.randn(2, 12, 6, 8)
    module = GlobalPrompt(12, 16)
    assert torch.equal(module(x, torch.tensor([[0.0, 0, 1, 1]]).expand(2, -1), prompt_of(1, count=2)), x)


def test_global_prompt_hears_place_and_frame() -> None:
    module = GlobalPrompt(12, 16)
    wake(module)
    x = torch.randn(1, 12, 6, 8)
    here, there = torch.tensor([[0.1, 0.2, 0.4, 0.5]]), torch.tensor([[0.5, 0.2, 0.8, 0.5]])
    said = module(x, here, prompt_of(1))
    assert float((said - module(x, there, prompt_of(1))).abs().max()) > 1e-2
    assert float((said - module(x, here, prompt_of(2))).abs().max()) > 1e-2
    assert torch.equal(said, module(x, here, prompt_of(1)))


def test_global_prompt_answers_a_place_the_same_from_any_window() -> None:
    module = GlobalPrompt(12, 16)
    wake(module)
    x, prompt = torch.randn(1, 12, 8, 16), prompt_of(1)
    whole = module(x, torch.tensor([[0.0, 0, 1, 1]]), prompt)
    part = module(x[..., 2:6, 4:12], torch.tensor([[0.25, 0.25, 0.75, 0.75]]), prompt)
    torch.testing.assert_close(part, whole[..., 2:6, 4:12], rtol=1e-4, atol=1e-4)


def test_prompt_tells_the_frame_from_its_restoration() -> None:
    encoder = PromptEncoder(16)
    frame, restored = torch.rand(1, 3, 16, 24), torch.rand(1, 3, 16, 24)
    with_repair, without = encoder(frame, restored), encoder(frame, frame)
    assert not torch.allclose(with_repair.map, without.map)
    assert not torch.allclose(with_repair.value, without.value)
    assert not torch.allclose(with_repair.key, without.key)


# Frame Fusion


def fused_by(model: FilmRestorer, window: Tensor) -> Any:
    maps = columns(window[0])[None]
    motion = window_motion(window)
    features = move_features(model.encode(window[0], maps[0])[None], quarter_flow(motion))
    with torch.no_grad():
        return model.fusion(gather_evidence(window, motion, maps), features)


@pytest.mark.parametrize("index", [0, 1, 3, 4])
def test_a_swapped_neighbour_changes_features_and_trust(
    index: int, lively: Lively, texture: Texture, window: Tensor
) -> None:
    model = lively()
    swapped = window.clone()
    swapped[:, index] = texture(HEIGHT, WIDTH, seed=8)
    before, after = fused_by(model, window), fused_by(model, swapped)
    for name in ("half", "quarter", "trust"):
        change = (getattr(before, name) - getattr(after, name)).abs()
        assert float(change.mean()) > 1e-3, name


def test_trust_starts_even(window: Tensor) -> None:
    fused = fused_by(FilmRestorer(width=8, features=8, prompt_dim=16), window)
    assert float(fused.trust.abs().max()) == 0


def test_evidence_of_a_window_is_a_crop_of_the_whole(window: Tensor) -> None:
    maps = columns(window[0])[None]
    motion = window_motion(window)
    whole = gather_evidence(window, motion, maps)
    for box in ((0, 0, 32, 32), (32, 8, 96, 40), (64, 32, 96, 64)):
        cropped, asked = whole.crop(*box), gather_evidence(window, motion, maps, box)
        listed = gather_evidence(list(window.unbind(1)), motion, list(maps.unbind(1)), box)
        for name, value in vars(cropped).items():
            # Kernels may round differently by shape, so not bit for bit.
            torch.testing.assert_close(getattr(asked, name), value, rtol=0, atol=1e-4, msg=name)
            torch.testing.assert_close(getattr(listed, name), value, rtol=0, atol=1e-4, msg=name)


def test_moved_features_of_a_window_are_a_crop_of_the_whole(window: Tensor) -> None:
    features, flow = torch.randn(1, 5, 6, HEIGHT // 4, WIDTH // 4), quarter_flow(window_motion(window))
    whole = move_features(features, flow)
    part = move_features(features, flow[..., 4:12, 8:20], at=(8, 4))
    torch.testing.assert_close(part, whole[..., 4:12, 8:20], rtol=0, atol=1e-4)
    assert torch.equal(whole[:, 0], features[:, 2])


def test_pairs_and_windows_are_aligned_alike(window: Tensor) -> None:
    together = window_motion(window)
    alone = pair_motion(window[:, 2], window[:, 3])
    torch.testing.assert_close(together.flow[:, 2:3], alone.flow, rtol=0, atol=1e-5)
    torch.testing.assert_close(together.doubt[:, 2:3], alone.doubt, rtol=0, atol=1e-5)


def test_aligned_neighbours_match_the_centre_and_raw_ones_do_not(window: Tensor) -> None:
    evidence = gather_evidence(window, window_motion(window), columns(window[0])[None])
    inner = (..., slice(12, -12), slice(12, -12))
    aligned = (evidence.aligned - evidence.centre[:, None])[inner].abs().mean(dim=(0, 2, 3, 4))
    raw = (evidence.raw - evidence.centre[:, None])[inner].abs().mean()
    assert float(aligned.max()) < 0.35 * float(raw)
    assert torch.equal(evidence.raw, window[:, [1, 3]])


def test_spikes_leave_the_range_of_the_neighbours() -> None:
    aligned = torch.tensor([0.2, 0.5, 0.3, 0.4]).view(1, 4, 1, 1, 1).expand(-1, -1, 3, 2, 2)
    for value, expected in ((0.9, 0.4), (0.35, 0.0), (0.1, -0.1)):
        excess = out_of_range(torch.full((1, 3, 2, 2), value), aligned)
        torch.testing.assert_close(excess, torch.full((1, 3, 2, 2), expected))
    torch.testing.assert_close(middle_of(aligned), torch.full((1, 3, 2, 2), 0.35))
    torch.testing.assert_close(middle_of(aligned[:, :2]), torch.full((1, 3, 2, 2), 0.35))


def test_blind_evidence_is_that_of_a_still_frame(window: Tensor) -> None:
    maps = columns(window[0])[None]
    evidence = gather_evidence(window, window_motion(window), maps)
    features = torch.randn(1, 5, 6, HEIGHT // 4, WIDTH // 4)
    still, own = blind(evidence, features)
    frozen = window[:, 2:3].expand_as(window).contiguous()
    no_motion = Motion(torch.zeros(1, 4, 2, HEIGHT // 2, WIDTH // 2), torch.zeros(1, 4, HEIGHT // 2, WIDTH // 2))
    expected = gather_evidence(frozen, no_motion, maps[:, 2:3].expand_as(maps))
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(still, name), value, rtol=0, atol=1e-5, msg=name)
    assert torch.equal(own, features[:, :1].expand_as(features))


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


# Switches


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


# Limits and the small whole frame


def test_limits_reach_the_network() -> None:
    assert FilmRestorer().limits == Limits()
    model = FilmRestorer(width=8, features=8, prompt_dim=16, limits={"radius": 3, "halo": 16})
    assert model.limits == replace(Limits(), radius=3, halo=16)
    assert model.fusion.neighbours == 6


@pytest.mark.parametrize(
    ("size", "small"),
    [((1080, 1920), (72, 128)), ((224, 320), (88, 128)), ((2000, 1000), (128, 64)), ((16, 16), (128, 128))],
)
def test_small_size_keeps_the_shape(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_size(*size, 128) == small


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (17, 61), (4320, 7680)])
def test_small_sides_are_multiples_of_eight(size: tuple[int, int]) -> None:
    small = small_size(*size, 128)
    assert min(small) >= 8
    assert max(small) == 128
    assert all(side % 8 == 0 for side in small)


def test_shrunk_frames_keep_their_mean_and_grow_back() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 128), indexing="ij")
    frame = torch.stack((x, y, x * y))[None]
    small = shrink(frame, 64)
    assert small.shape == (1, 3, 48, 64)
    torch.testing.assert_close(small.mean(), frame.mean(), rtol=0, atol=1e-5)
    whole = grow(small, 96, 128, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    torch.testing.assert_close(whole, frame, rtol=0, atol=0.01)
    part = grow(small, 32, 64, torch.tensor([[0.25, 0.5, 0.75, 0.5 + 32 / 96]]))
    torch.testing.assert_close(part, whole[..., 48:80, 32:96], rtol=0, atol=1e-5)
    beyond = grow(small, 8, 128, torch.tensor([[0.0, 1.0, 1.0, 1.0 + 8 / 96]]))
    assert np.isfinite(beyond.numpy()).all()


def test_two_patches_of_one_texture_agree_more_with_the_frequency_module() -> None:
    """Set by hand to move amplitudes towards the whole frame's, as training is free to do."""
    channels = 4
    module = GlobalLocalFrequency(channels, channels, width=channels)
    eye = torch.eye(channels)
    towards = torch.cat((torch.cat((-eye, eye), dim=1), torch.cat((eye, -eye), dim=1)))
    with torch.no_grad():
        for layer, weight in (
            (module.narrow, eye),
            (module.narrow_global, eye),
            (module.first, towards),
            (module.gate, 0.25 * torch.cat((eye, -eye), dim=1)),
            (module.out, eye),
        ):
            layer.weight.copy_(weight[..., None, None])
            assert layer.bias is not None
            layer.bias.zero_()
        for layer in (module.narrow, module.narrow_global):
            assert layer.bias is not None
            layer.bias.fill_(-8)  # textures stand on 8, so that nothing of them is negative
    generator = torch.Generator().manual_seed(7)

    def texture(size: int, contrast: float) -> torch.Tensor:
        return 8 + contrast * torch.randn(1, channels, size, size, generator=generator)

    def spectrum(x: torch.Tensor) -> torch.Tensor:
        return _log_amplitude(_spectra(x - 8)).mean(dim=(2, 3))

    whole, faint, strong = texture(64, 1.0), texture(32, 0.6), texture(32, 1.6)
    apart = (spectrum(faint) - spectrum(strong)).abs().mean()
    with torch.no_grad():
        together = (spectrum(module(faint, whole)) - spectrum(module(strong, whole))).abs().mean()
    assert together < 0.6 * apart
