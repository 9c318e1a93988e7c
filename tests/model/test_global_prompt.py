"""The prompt is silent at first, hears place and frame, and means the same in any window."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from frdm_engine.model.global_prompt import GlobalPrompt, Prompt, PromptEncoder

Wake = Callable[[nn.Module], None]


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


def test_global_prompt_hears_place_and_frame(wake: Wake) -> None:
    module = GlobalPrompt(12, 16)
    wake(module)
    x = torch.randn(1, 12, 6, 8)
    here, there = torch.tensor([[0.1, 0.2, 0.4, 0.5]]), torch.tensor([[0.5, 0.2, 0.8, 0.5]])
    said = module(x, here, prompt_of(1))
    assert float((said - module(x, there, prompt_of(1))).abs().max()) > 1e-2
    assert float((said - module(x, here, prompt_of(2))).abs().max()) > 1e-2
    assert torch.equal(said, module(x, here, prompt_of(1)))


def test_global_prompt_answers_a_place_the_same_from_any_window(wake: Wake) -> None:
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
