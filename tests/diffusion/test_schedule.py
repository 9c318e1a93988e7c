"""Noise levels run from 1 to 0, and they are the diffusers scheduler's."""

from __future__ import annotations

from itertools import pairwise

import pytest
from diffusers import FlowMatchEulerDiscreteScheduler

from frdm_engine import diffusion
from frdm_engine.diffusion import scheduler, sigmas


def test_public_names_are_pinned() -> None:
    assert diffusion.__all__ == ["NOISE", "bridge_state", "gaussian", "sample_euler", "scheduler", "sigmas"]


@pytest.mark.parametrize(
    ("steps", "levels"),
    [(1, (1.0, 0.0)), (2, (1.0, 0.5, 0.0)), (4, (1.0, 0.75, 0.5, 0.25, 0.0))],
)
def test_levels(steps: int, levels: tuple[float, ...]) -> None:
    assert sigmas(steps) == levels


@pytest.mark.parametrize("steps", [3, 7, 64])
def test_levels_are_even_and_fall(steps: int) -> None:
    levels = sigmas(steps)
    assert len(levels) == steps + 1
    assert levels[0] == 1
    assert levels[-1] == 0
    for before, after in pairwise(levels):
        assert before - after == pytest.approx(1 / steps, abs=1e-6)


def test_a_shift_keeps_the_ends_and_stays_longer_at_high_noise() -> None:
    plain, shifted = sigmas(4), sigmas(4, shift=3.0)
    assert (shifted[0], shifted[-1]) == (1, 0)
    assert all(late > early for late, early in zip(shifted[1:-1], plain[1:-1], strict=True))
    # Esser et al. 2024: shift * sigma / (1 + (shift - 1) * sigma)
    assert shifted[2] == pytest.approx(3 * 0.5 / (1 + 2 * 0.5))


def test_the_scheduler_is_diffusers_own() -> None:
    made = scheduler(3)
    assert isinstance(made, FlowMatchEulerDiscreteScheduler)
    assert len(made.timesteps) == 3


@pytest.mark.parametrize("steps", [0, -1])
def test_fewer_than_one_step_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=rf"steps is {steps}; at least 1"):
        sigmas(steps)
    with pytest.raises(ValueError, match="at least 1"):
        scheduler(steps)
