"""Noise levels of the bridge between the damaged and the clean frame.

The bridge is the straight line of flow matching (Lipman et al. 2023, arXiv 2210.02747) whose far end is the
damaged frame plus a little noise instead of noise alone:

    state(sigma) = (1 - sigma) * clean + sigma * (damaged + NOISE * eps),    sigma from 1 down to 0

so that few steps suffice: most of the picture is already there when sampling starts.
"""

from __future__ import annotations

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler

NOISE = 0.1
"""Standard deviation of the noise at sigma = 1, in model encoding."""


def scheduler(steps: int, *, shift: float = 1.0) -> FlowMatchEulerDiscreteScheduler:
    """A ``diffusers`` scheduler set to ``steps`` levels, evenly spaced before ``shift``.

    Raises:
        ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; at least 1 is needed")
    made = FlowMatchEulerDiscreteScheduler(shift=shift)
    made.set_timesteps(sigmas=np.linspace(1.0, 1.0 / steps, steps).tolist())
    return made


def sigmas(steps: int, *, shift: float = 1.0) -> tuple[float, ...]:
    """The ``steps + 1`` levels from 1 to 0, for example ``(1.0, 0.5, 0.0)`` for two steps."""
    return tuple(float(value) for value in scheduler(steps, shift=shift).sigmas)
