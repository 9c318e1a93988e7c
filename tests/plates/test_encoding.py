"""A plate looked up in a table is what the curves make of it, in every bit of every value; and what is finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.plates.bands import BAND, bands
from frdm_engine.plates.colour import ColourSpace, finite_mask, resolve
from frdm_engine.plates.encoding import code_table, encode_planes, finite_planes
from frdm_engine.plates.exr import Plane
from frdm_engine.plates.samples import to_float
from frdm_engine.plates.shots import small_frame

PER_SAMPLE = ("linear", "srgb", "cineon", "adx10", "sRGB - Texture")
MIXING = ("ACEScg", "ACEScct")
KINDS = (("float16", 16), ("uint8", 8), ("uint16", 10), ("uint16", 12), ("uint16", 16))
WIDTH = 256


def space(name: str) -> ColourSpace:
    return resolve(name, metadata={}, path_suffix=".exr", dtype="float16")


def every_code(kind: str) -> tuple[Plane, ...]:
    """Planes that hold every value of a type, NaN of all sorts, infinities and padding too; each pixel three others."""
    dtype = np.dtype(kind)
    codes = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}").view(dtype)
    return tuple(np.roll(codes, shift).reshape(-1, WIDTH) for shift in (0, 91, 31_337))


def rgb(planes: tuple[Plane, ...], bits: int) -> npt.NDArray[np.float32]:
    found = [to_float(plane, bits=bits) for plane in planes]
    return np.stack(found if len(found) == 3 else found * 3, axis=-1)


def bits_of(values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    return values.view(np.uint32)


@pytest.mark.parametrize(("kind", "bits"), KINDS)
@pytest.mark.parametrize("name", PER_SAMPLE)
def test_the_table_is_the_curve_bit_for_bit(name: str, kind: str, bits: int) -> None:
    planes = every_code(kind)
    assert code_table(space(name), planes[0].dtype, bits) is not None
    made = encode_planes(planes, bits=bits, space=space(name))
    assert made.dtype == np.float32
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(bits_of(made), bits_of(space(name).encode(rgb(planes, bits))))
    grey = encode_planes(planes[1:2], bits=bits, space=space(name))
    np.testing.assert_array_equal(bits_of(grey), bits_of(space(name).encode(rgb(planes[1:2], bits))))


@pytest.mark.parametrize("name", MIXING)
def test_a_space_that_mixes_channels_has_no_table_and_the_same_values(name: str) -> None:
    planes = every_code("float16")
    assert code_table(space(name), planes[0].dtype, 16) is None
    made = encode_planes(planes, bits=16, space=space(name))
    np.testing.assert_array_equal(bits_of(made), bits_of(space(name).encode(rgb(planes, 16))))


def test_floats_and_planes_of_several_types_go_by_the_curve() -> None:
    linear, rng = space("linear"), np.random.default_rng(0)
    floats = tuple(rng.normal(0.5, 2, (2 * BAND + 5, 33)).astype(np.float32) for _ in range(3))
    mixed = (floats[0], floats[1].astype(np.float16), floats[2])
    for planes in (floats, mixed):
        assert code_table(linear, planes[0].dtype, 32) is None
        made = encode_planes(planes, bits=32, space=linear)
        np.testing.assert_array_equal(bits_of(made), bits_of(linear.encode(rgb(planes, 32))))


def test_planes_may_be_steps_through_another_array() -> None:
    """As they come from a file: every third sample of its pixels."""
    cube = np.random.default_rng(0).random((40, 30, 3)).astype(np.float16)
    made = encode_planes(tuple(np.moveaxis(cube, -1, 0)), bits=16, space=space("linear"))
    np.testing.assert_array_equal(made, space("linear").encode(cube))


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_found_in_any_plane_and_row(kind: str, value: float) -> None:
    largest = np.finfo(kind).max
    for channel, row in ((0, 0), (1, BAND), (2, 2 * BAND)):
        planes = tuple(np.full((2 * BAND + 1, 5), largest, kind) for _ in range(3))
        assert finite_planes(planes) is None
        planes[channel][row, 3] = value
        mask = finite_planes(planes)
        assert mask is not None
        np.testing.assert_array_equal(mask, finite_mask(np.stack(planes, axis=-1)))
        assert np.argwhere(~mask).tolist() == [[row, 3]]


def test_integers_are_all_numbers() -> None:
    assert finite_planes(every_code("uint16")) is None


@pytest.mark.parametrize("height", [1, BAND - 1, BAND, BAND + 1, 5 * BAND + 3])
def test_bands_are_every_row_once(height: int) -> None:
    assert [row for rows in bands(height) for row in range(height)[rows]] == list(range(height))


def test_the_small_frame_is_that_of_the_mean_of_the_channels() -> None:
    picture = np.random.default_rng(0).normal(0.5, 0.6, (3 * BAND + 7, 250, 3)).astype(np.float32)
    grey = np.clip(picture, 0.0, 1.2).mean(axis=-1, dtype=np.float32)
    np.testing.assert_array_equal(small_frame(picture), small_frame(np.repeat(grey[..., None], 3, axis=-1)))
