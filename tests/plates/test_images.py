"""Mattes out, masks in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frdm_engine.errors import MaskError, OutputError, PlateError
from frdm_engine.plates import read_plate
from frdm_engine.plates.images import read_mask, write_image
from tests.plates.conftest import WriteFile, read_file


def test_a_matte_of_many_channels_with_windows(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.random((6, 8, 4)).astype(np.float32)
    write_image(
        tmp_path / "m.exr",
        pixels,
        channel_names=["dirt", "scratch", "stain", "flicker"],
        metadata={"frdm:seed": "7"},
        window=(-3, 2),
        display=(0, 0, 20, 10),
    )
    spec, planes = read_file(tmp_path / "m.exr")[0]
    assert (spec.x, spec.y, spec.full_width, spec.full_height) == (-3, 2, 20, 10)
    assert spec.getattribute("frdm:seed") == "7"
    assert np.array_equal(planes["stain"], pixels[..., 2].astype(np.float16))


@pytest.mark.parametrize(
    ("kind", "suffix", "step"), [("uint8", "png", 255), ("uint16", "png", 65535), ("float", "exr", 1e6)]
)
def test_pixel_types(tmp_path: Path, rng: np.random.Generator, kind: str, suffix: str, step: float) -> None:
    pixels = rng.random((5, 5, 3)).astype(np.float32)
    write_image(tmp_path / f"m.{suffix}", pixels, channel_names="RGB", pixel_type=kind)
    planes = read_file(tmp_path / f"m.{suffix}")[0][1]
    scale = step if suffix == "png" else 1.0
    assert np.abs(planes["G"] / scale - pixels[..., 1]).max() <= 0.51 / step


@pytest.mark.parametrize(("names", "kind"), [("RG", "half"), ("RGB", "double")])
def test_a_bad_call_is_refused(tmp_path: Path, names: str, kind: str) -> None:
    with pytest.raises(OutputError, match="takes"):
        write_image(tmp_path / "m.exr", np.zeros((2, 2, 3)), channel_names=names, pixel_type=kind)
    assert list(tmp_path.iterdir()) == []


def test_a_single_channel_is_the_mask(write_file: WriteFile) -> None:
    plane = np.array([[0, 51, 255]], np.uint8)
    mask = read_mask(write_file("m.png", ({"Y": plane}, {})), shape=(1, 3))
    assert mask.dtype == np.float32
    assert np.allclose(mask, [[0, 0.2, 1]])


def test_alpha_counts_before_colour(write_file: WriteFile) -> None:
    planes = {name: np.full((2, 3), 0.9, np.float16) for name in "RGB"} | {"A": np.full((2, 3), 0.5, np.float16)}
    assert (read_mask(write_file("m.exr", (planes, {})), shape=(2, 3)) == 0.5).all()


def test_an_opaque_alpha_is_no_mask(write_file: WriteFile) -> None:
    planes = {name: np.full((2, 3), 51, np.uint8) for name in "RGB"} | {"A": np.full((2, 3), 255, np.uint8)}
    assert np.allclose(read_mask(write_file("m.png", (planes, {})), shape=(2, 3)), 0.2)


def test_masks_stay_within_0_and_1(write_file: WriteFile) -> None:
    plane = np.array([[np.nan, np.inf, -np.inf, -2, 7, 0.25]], np.float16)
    assert read_mask(write_file("m.exr", ({"mask": plane}, {})), shape=(1, 6)).tolist() == [[0, 1, 0, 0, 1, 0.25]]


def test_a_cropped_mask_is_placed_in_its_display_window(write_file: WriteFile) -> None:
    ones = np.ones((4, 4), np.float16)
    mask = read_mask(write_file("m.exr", ({"Y": ones}, {"window": (-2, 3), "display": (0, 0, 6, 5)})), shape=(5, 6))
    expected = np.zeros((5, 6))
    expected[3:, :2] = 1
    assert np.array_equal(mask, expected)


def test_a_mask_lies_where_its_data_window_says(write_file: WriteFile) -> None:
    shown = {"display": (0, 0, 8, 6)}
    colours = {name: np.zeros((4, 5), np.float16) for name in "RGB"}
    plate = read_plate(write_file("plate.exr", (colours, {"window": (2, 1), **shown})))
    whole = np.arange(48, dtype=np.float16).reshape(6, 8) / 64
    wanted = whole[1:5, 2:7]
    for name, part, window in (
        ("format", whole, (0, 0)),
        ("plate", wanted, (2, 1)),
        ("over", np.pad(whole, 3), (-3, -3)),
    ):
        path = write_file(f"{name}.exr", ({"Y": part}, {"window": window, **shown}))
        assert np.array_equal(read_mask(path, shape=(4, 5), over=plate.part()), wanted), name
    path = write_file("shifted.exr", ({"Y": wanted}, {"window": (3, 1), **shown}))  # of the plate's size, elsewhere
    moved = read_mask(path, shape=(4, 5), over=plate.part())
    assert np.array_equal(moved[:, 1:], wanted[:, :-1])
    assert (moved[:, 0] == 0).all()
    path = write_file("m.png", ({"Y": np.full((4, 5), 51, np.uint8)}, {}))  # knows no windows
    assert np.allclose(read_mask(path, shape=(4, 5), over=plate.part()), 0.2)


def test_another_size_is_refused_with_both(write_file: WriteFile) -> None:
    path = write_file("m.png", ({"Y": np.zeros((4, 6), np.uint8)}, {}))
    with pytest.raises(MaskError, match=r"6 x 4 pixels and the plate 8 x 4"):
        read_mask(path, shape=(4, 8))
    with pytest.raises(PlateError, match="not there"):
        read_mask(path.with_name("none.png"), shape=(4, 8))
