"""The sampler walks the bridge from the damaged frame to what the model calls clean."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from frdm_engine.diffusion import NOISE, bridge_state, sample_euler, sigmas

STEPS = [1, 2, 3, 4, 9]


@pytest.fixture
def clean() -> Tensor:
    return torch.rand(2, 3, 8, 12)


@pytest.fixture
def far_end(clean: Tensor) -> Tensor:
    damaged = clean.clone()
    damaged[:, :, 2:5, 3:7] = 1.0
    return damaged + NOISE * torch.randn_like(clean)


@pytest.mark.parametrize("steps", STEPS)
def test_an_oracle_leads_to_the_clean_frame(steps: int, clean: Tensor, far_end: Tensor) -> None:
    reached = sample_euler(lambda state, sigma: clean, far_end, sigmas(steps))
    torch.testing.assert_close(reached, clean, rtol=0, atol=1e-6)
    assert not torch.allclose(far_end, clean, atol=0.1)


@pytest.mark.parametrize("steps", STEPS)
def test_the_model_sees_falling_levels_and_the_bridge_at_each(steps: int, clean: Tensor, far_end: Tensor) -> None:
    seen: list[float] = []

    def oracle(state: Tensor, sigma: float) -> Tensor:
        torch.testing.assert_close(state, bridge_state(clean, far_end, sigma), rtol=0, atol=1e-5)
        seen.append(sigma)
        return clean

    sample_euler(oracle, far_end, sigmas(steps))
    assert seen == [pytest.approx(1 - step / steps) for step in range(steps)]
    assert seen == sorted(seen, reverse=True)


def test_a_linear_model_ends_where_the_algebra_says(far_end: Tensor) -> None:
    # A model that halves its state: two even steps give state -> 3/4 state, then state / 2.
    reached = sample_euler(lambda state, sigma: state / 2, far_end, sigmas(2))
    torch.testing.assert_close(reached, far_end * 0.375)


def test_the_last_answer_of_the_model_is_the_result(far_end: Tensor) -> None:
    answers = iter([torch.full_like(far_end, 5.0), torch.full_like(far_end, 0.25)])
    reached = sample_euler(lambda state, sigma: next(answers), far_end, (1.0, 0.5, 0.0))
    assert torch.equal(reached, torch.full_like(far_end, 0.25))


def test_the_far_end_is_left_as_it_was(clean: Tensor, far_end: Tensor) -> None:
    before = far_end.clone()
    sample_euler(lambda state, sigma: clean, far_end, sigmas(2))
    assert torch.equal(far_end, before)


def test_the_ends_of_the_bridge(clean: Tensor, far_end: Tensor) -> None:
    assert torch.equal(bridge_state(clean, far_end, 0.0), clean)
    torch.testing.assert_close(bridge_state(clean, far_end, 1.0), far_end)
    each = bridge_state(clean, far_end, torch.tensor([0.0, 0.5]).view(2, 1, 1, 1))
    assert torch.equal(each[0], clean[0])
    torch.testing.assert_close(each[1], (clean[1] + far_end[1]) / 2)
