"""The curves: known values, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.plates import curves

Curve = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


def f32(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def all_halves() -> npt.NDArray[np.float32]:
    """Every half from -1 to 65504."""
    positive = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    return np.concatenate([positive, -positive[positive <= 1]]).astype(np.float32)


def test_the_srgb_curve_at_known_values() -> None:
    # IEC 61966-2-1: 0.18 is 46.1 %, 0.5 is 73.5 %, the corner at 0.0031308 is 4.045 %.
    coded = curves.linear_to_model(f32(0, 0.0031308, 0.18, 0.5, 1))
    assert np.allclose(coded, [0, 0.04045, 0.461356, 0.735357, 1], atol=1e-5)


def test_above_one_it_is_a_log_that_starts_with_the_same_slope() -> None:
    below, above = np.diff(curves.linear_to_model(f32(0.999, 1.0, 1.001)))
    assert above == pytest.approx(below, rel=2e-3)
    assert curves.linear_to_model(f32(65504))[0] == pytest.approx(1 + 1.055 / 2.4 * np.log(65504), rel=1e-5)


def test_it_is_odd_and_rises() -> None:
    light = np.linspace(-4, 4, 4001, dtype=np.float32)
    coded = curves.linear_to_model(light)
    assert np.array_equal(coded, -coded[::-1])
    assert (np.diff(coded) > 0).all()


@pytest.mark.parametrize("there_and_back", [("linear_to_model", "model_to_linear"), ("srgb_to_model", "model_to_srgb")])
def test_every_half_comes_back_as_itself(there_and_back: tuple[str, str]) -> None:
    there, back = (getattr(curves, name) for name in there_and_back)
    halves = all_halves()
    assert np.array_equal(back(there(halves)).astype(np.float16), halves.astype(np.float16))


def test_srgb_values_are_the_encoding_and_mean_the_same_light_above_one() -> None:
    codes = np.linspace(-1, 1, 999, dtype=np.float32)
    assert np.array_equal(curves.srgb_to_model(codes), codes)
    light = ((f32(1.5, 4.0) + 0.055) / 1.055) ** 2.4
    assert np.allclose(curves.srgb_to_model(f32(1.5, 4.0)), curves.linear_to_model(light.astype(np.float32)), atol=1e-5)


@pytest.mark.parametrize(
    ("film", "code", "light"),
    [
        ("CINEON", 95, 0.0),
        ("CINEON", 685, 1.0),
        ("CINEON", 470, 0.18),
        ("ADX10", 445, 0.18),
        ("ADX10", 745, 1.8),
    ],
)
def test_film_log_at_known_codes(film: str, code: int, light: float) -> None:
    curve: Any = getattr(curves, film)
    assert curve.to_linear(f32(code / 1023))[0] == pytest.approx(light, abs=5e-3)
    assert curve.from_linear(f32(light))[0] * 1023 == pytest.approx(code, abs=6 if light == 0.18 else 0.1)


@pytest.mark.parametrize("film", ["CINEON", "ADX10"])
def test_film_log_is_not_clamped(film: str) -> None:
    curve: Any = getattr(curves, film)
    stored = np.linspace(-0.5, 1.8, 4000, dtype=np.float32)
    light = curve.to_linear(stored)
    assert (np.diff(light) > 0).all()
    assert np.abs(curve.from_linear(light) - stored).max() < 1e-5
