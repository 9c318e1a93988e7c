"""Each switch takes its module out, and limits reach the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from frdm_engine.model.denoiser import FilmRestorer, Limits
from tests.model.looking import answer, apart, look_at

Lively = Callable[..., FilmRestorer]


def parameters(model: FilmRestorer) -> set[str]:
    return {name for name, _ in model.named_parameters()}


def test_without_frame_fusion_neighbours_do_not_matter_at_all(lively: Lively, window: Tensor) -> None:
    other = torch.rand_like(window)
    other[:, 2] = window[:, 2]
    blindly = lively(frame_fusion=False)
    assert apart(answer(blindly, window), answer(blindly, other)) == 0
    seeing = lively()
    assert apart(answer(seeing, window), answer(seeing, other)) > 1e-2


def test_without_frame_fusion_the_neighbours_are_the_mended_centre(lively: Lively, window: Tensor) -> None:
    """What is taken back is no difference between a frame and its neighbours where there are none."""
    residual = torch.full_like(window[:, 2], 0.1)
    evidence = look_at(lively(frame_fusion=False), window, residual=residual).evidence
    assert torch.equal(evidence.aligned, (window[:, 2] + residual)[:, None].expand_as(evidence.aligned))


def test_without_global_prompt_the_place_does_not_matter(lively: Lively, window: Tensor) -> None:
    here, there = (0.1, 0.1, 0.3, 0.3), (0.5, 0.6, 0.7, 0.8)
    without, with_prompt = lively(global_prompt=False), lively()
    assert apart(answer(without, window, box=here), answer(without, window, box=there)) == 0
    assert apart(answer(with_prompt, window, box=here), answer(with_prompt, window, box=there)) > 5e-5
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


def test_limits_reach_the_network() -> None:
    assert FilmRestorer().limits == Limits()
    model = FilmRestorer(width=8, features=8, prompt_dim=16, limits={"radius": 3, "halo": 16})
    assert model.limits == replace(Limits(), radius=3, halo=16)
    assert model.fusion.neighbours == model.denoiser.filler.neighbours == 6
