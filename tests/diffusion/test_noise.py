"""Noise is a function of seed, frame, stream, channel and absolute pixel, and it is normal."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frdm_engine.diffusion import gaussian
from frdm_engine.diffusion.noise import gaussian_on

# Seed 7, frame 3, the window (-2, -1) to (2, 1): what any release must draw, or old results cannot be made again.
GOLDEN = [
    [[-0.06166689, -0.47393242, 0.64899284, 0.8004157], [0.01135895, 0.06174977, 0.8832884, -0.59405255]],
    [[-0.21861215, -0.13370417, -1.0928789, 0.37784657], [-2.7625883, 1.1949009, 0.224302, -0.1230135]],
    [[-0.04980143, 0.19808738, -0.22755928, -1.0577132], [0.25698122, 1.365913, -1.2111583, 0.29328442]],
]
STEP = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


def square(
    *, seed: int = 1, frame: int = 1, x: int = 0, y: int = 0, side: int = 256, channels: int = 1, stream: int = 0
) -> npt.NDArray[np.float32]:
    return gaussian(seed=seed, frame=frame, x=x, y=y, width=side, height=side, channels=channels, stream=stream)


def by_hand(*, seed: int, frame: int, x: int, y: int, channel: int, stream: int = 0) -> float:
    """One value, with Python's own integers and floats."""

    def mix(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
        return z ^ (z >> 31)

    key = mix((mix(mix(seed * STEP & WORD) ^ (frame & WORD)) + stream) & WORD)
    plane = mix((key + STEP * (channel + 1)) & WORD)
    place = ((y & WORD) << 32 & WORD) | (x & 0xFFFFFFFF)
    bits = mix((place * STEP + plane) & WORD)
    radius = math.sqrt(-2 * math.log(((bits >> 40) + 0.5) / 2**24))
    return radius * math.cos(2 * math.pi * (bits & 0xFFFFFF) / 2**24)


def test_golden_values() -> None:
    drawn = gaussian(seed=7, frame=3, x=-2, y=-1, width=4, height=2)
    assert drawn.dtype == np.float32
    assert drawn.shape == (3, 2, 4)
    np.testing.assert_allclose(drawn, GOLDEN, atol=1e-5)


@given(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**31), 2**31),
    st.integers(-(2**31), 2**31 - 4),
    st.integers(-(2**31), 2**31 - 4),
    st.integers(0, 9),
)
def test_any_key_draws_what_the_formula_says(seed: int, frame: int, x: int, y: int, stream: int) -> None:
    drawn = gaussian(seed=seed, frame=frame, x=x, y=y, width=3, height=2, channels=2, stream=stream)
    expected = [
        [
            [by_hand(seed=seed, frame=frame, x=x + i, y=y + j, channel=c, stream=stream) for i in range(3)]
            for j in range(2)
        ]
        for c in range(2)
    ]
    np.testing.assert_allclose(drawn, expected, atol=2e-5)


@given(
    st.integers(-1000, 1000),
    st.integers(-3000, 3000),
    st.integers(-3000, 3000),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_a_window_is_a_crop_of_the_frame(frame: int, x: int, y: int, dx: int, dy: int, width: int, height: int) -> None:
    whole = gaussian(seed=5, frame=frame, x=x, y=y, width=60, height=60)
    part = gaussian(seed=5, frame=frame, x=x + dx, y=y + dy, width=width, height=height)
    np.testing.assert_array_equal(part, whole[:, dy : dy + height, dx : dx + width])


def test_more_channels_leave_the_first_ones_alone() -> None:
    np.testing.assert_array_equal(square(channels=4)[:2], square(channels=2))


def test_values_are_standard_normal() -> None:
    values = square(x=-200, y=-100, side=512, channels=3).astype(np.float64).ravel()
    count = values.size
    assert abs(values.mean()) < 5 / math.sqrt(count)
    assert values.std() == pytest.approx(1, abs=5 / math.sqrt(2 * count))
    assert (values**3).mean() == pytest.approx(0, abs=5 * math.sqrt(15 / count))
    assert (values**4).mean() == pytest.approx(3, abs=5 * math.sqrt(96 / count))
    assert 4.3 < np.abs(values).max() < 6.0
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2},
        {"seed": -1},
        {"seed": 1 + 2**40},
        {"frame": 2},
        {"frame": -1},
        {"frame": 1 + 2**32},
        {"stream": 1},
        {"x": 1},
        {"y": 1},
        {"x": 1, "y": -1},
        {"x": 256},
        {"y": -256},
    ],
    ids=str,
)
def test_different_keys_are_independent(other: dict[str, int]) -> None:
    here, there = square().ravel().astype(np.float64), square(**other).ravel().astype(np.float64)
    limit = 5 / math.sqrt(here.size)
    assert abs(np.corrcoef(here, there)[0, 1]) < limit
    assert abs(np.corrcoef(here**2, there**2)[0, 1]) < limit


def test_channels_are_independent() -> None:
    planes = square(channels=4).reshape(4, -1).astype(np.float64)
    correlations = np.corrcoef(planes) - np.eye(4)
    assert np.abs(correlations).max() < 5 / 256


def test_the_spectrum_is_flat() -> None:
    power = np.abs(np.fft.rfft2(square(side=256)[0])) ** 2 / 256**2
    rings = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None])
    for low in np.arange(0.05, 0.5, 0.05):
        assert power[(rings >= low) & (rings < low + 0.05)].mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("seed", "frame", "x", "y"), [(0, 1, 0, 0), (4, -3, -5, 70), (2**40, 2**33, 4000, 3000), (7, 12, 1, -9)]
)
def test_noise_drawn_on_a_device_is_the_same(seed: int, frame: int, x: int, y: int) -> None:
    place = {"seed": seed, "frame": frame, "x": x, "y": y, "width": 61, "height": 40, "channels": 4, "stream": 3}
    drawn = gaussian_on(torch.device("cpu"), **place)
    np.testing.assert_allclose(drawn.numpy(), gaussian(**place), rtol=0, atol=1e-5)
