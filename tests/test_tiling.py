"""Windows cover the frame, fit the budget, and blend without a trace of their order."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from frdm_engine.errors import DeviceError, SettingError
from frdm_engine.tiling import LARGEST_AUTOMATIC_TILE, Blender, Plan, plan


@st.composite
def plans(draw: st.DrawFn, largest: int = 400) -> Plan:
    """Plans of every kind at sizes that can be filled with pixels quickly."""
    multiple = draw(st.sampled_from([1, 4, 8, 64]))
    halo = draw(st.integers(0, 40))
    least = -(-(2 * halo + multiple) // multiple)
    tile = draw(st.none() | st.integers(least, least + 256 // multiple).map(lambda n: n * multiple))
    width, height = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return plan(width, height, tile=tile, halo=halo, multiple=multiple)


def windows_of(frame: NDArray[np.float32], cut: Plan) -> list[NDArray[np.float32]]:
    """The frame's windows, (C, rows, columns) each."""
    padded = np.pad(frame, ((0, 0), (0, cut.pad_bottom), (0, cut.pad_right)), mode="edge")
    return [padded[:, *tile.window] for tile in cut.tiles]


@given(plans())
def test_windows_are_equal_aligned_and_inside_the_padded_frame(cut: Plan) -> None:
    width, height = cut.width + cut.pad_right, cut.height + cut.pad_bottom
    assert max(cut.pad_right, cut.pad_bottom) < cut.multiple
    for tile in cut.tiles:
        assert (tile.wx1 - tile.wx0, tile.wy1 - tile.wy0) == (cut.window_width, cut.window_height)
        assert 0 <= tile.wx0 < tile.wx1 <= width
        assert 0 <= tile.wy0 < tile.wy1 <= height
        edges = (width, height, tile.wx0, tile.wx1, tile.wy0, tile.wy1)
        assert not any(edge % cut.multiple for edge in edges)


@given(plans())
def test_neighbours_overlap_by_two_halos(cut: Plan) -> None:
    for axis in (cut.across, cut.down):
        assert all(before + axis.window - after >= 2 * cut.halo for before, after in pairwise(axis.origins))


@given(plans())
def test_cores_divide_the_frame(cut: Plan) -> None:
    owners = np.zeros((cut.height, cut.width), dtype=np.int64)
    for tile in cut.tiles:
        assert tile.x0 < tile.x1
        assert tile.y0 < tile.y1
        owners[tile.core] += 1
    assert (owners == 1).all()


@given(st.integers(1, 9000), st.integers(2, 30))
def test_a_larger_bound_computes_no_more(size: int, tiles: int) -> None:
    smaller, larger = (plan(size, size, tile=n * 64, halo=32, multiple=64) for n in (tiles, tiles + 1))
    assert smaller.computed_pixels >= larger.computed_pixels
    assert smaller.window_width <= larger.window_width <= 64 * (tiles + 1)


@given(plans())
def test_weights_sum_to_exactly_one(cut: Plan) -> None:
    total = np.zeros((cut.height + cut.pad_bottom, cut.width + cut.pad_right), dtype=np.float32)
    for tile in cut.tiles:
        weights = cut.weights(tile)
        assert weights.dtype == np.float32
        assert weights.min() >= 0
        total[tile.window] += weights
    assert (total == 1).all()


@given(plans())
def test_what_a_window_cannot_see_past_has_no_weight(cut: Plan) -> None:
    margin = cut.halo // 2
    for tile in cut.tiles:
        weights = cut.weights(tile)
        assert not weights[:, : margin if tile.wx0 else 0].any()
        assert not weights[: margin if tile.wy0 else 0].any()
        assert not weights[:, cut.window_width - (margin if tile.x1 < cut.width else 0) :].any()
        assert not weights[cut.window_height - (margin if tile.y1 < cut.height else 0) :].any()


@given(plans())
def test_reach_is_where_the_weight_is(cut: Plan) -> None:
    for tile in cut.tiles:
        weights = np.zeros((cut.height + cut.pad_bottom, cut.width + cut.pad_right), dtype=np.float32)
        weights[tile.window] = cut.weights(tile)
        inside = np.zeros((cut.height, cut.width), dtype=bool)
        inside[cut.reach(tile)] = True
        assert ((weights[: cut.height, : cut.width] > 0) == inside).all()


@given(plans(), st.floats(-(2.0**60), 2.0**60, width=32))
def test_a_constant_comes_out_exactly(cut: Plan, value: float) -> None:
    blender = Blender(cut, channels=2)
    for tile in cut.tiles:
        blender.add(tile, np.full((2, cut.window_height, cut.window_width), value, dtype=np.float32))
    assert (blender.result() == np.float32(value)).all()


@given(plans(largest=300), st.integers(0, 2**32 - 1))
def test_order_leaves_no_trace(cut: Plan, seed: int) -> None:
    noise = np.random.default_rng(seed)
    shape = (len(cut.tiles), 1, cut.window_height, cut.window_width)
    values = (noise.standard_normal(shape) * 10.0 ** noise.integers(-6, 6, shape)).astype(np.float32)
    shuffled = random.Random(seed).sample(cut.tiles, len(cut.tiles))

    results = []
    for order in (cut.tiles, tuple(reversed(cut.tiles)), shuffled):
        blender = Blender(cut, channels=1)
        for tile in order:
            blender.add(tile, values[tile.index])
        results.append(blender.result().view(np.uint32))
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


@given(plans())
def test_blending_follows_the_weights(cut: Plan) -> None:
    noise = np.random.default_rng(0)
    values = noise.standard_normal((len(cut.tiles), 1, cut.window_height, cut.window_width), dtype=np.float32)
    expected = np.zeros((1, cut.height + cut.pad_bottom, cut.width + cut.pad_right))
    blender = Blender(cut, channels=1)
    for tile in cut.tiles:
        if tile.index % 3 == 2:
            blender.skip(tile)
            continue
        blender.add(tile, values[tile.index])
        expected[:, *tile.window] += values[tile.index].astype(np.float64) * cut.weights(tile)
    np.testing.assert_allclose(blender.result(), expected[:, : cut.height, : cut.width], atol=1e-6)


def test_a_frame_cut_and_blended_is_the_frame() -> None:
    frame = np.random.default_rng(0).standard_normal((3, 301, 517), dtype=np.float32)
    cut = plan(517, 301, tile=128, halo=16, multiple=8)
    blender = Blender(cut, channels=3)
    for tile, window in zip(cut.tiles, windows_of(frame, cut), strict=True):
        blender.add(tile, window)
    assert (blender.result() == frame).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (17, 23), (100, 40)])
def test_a_tiny_frame_is_one_padded_window(width: int, height: int) -> None:
    cut = plan(width, height, halo=32, multiple=64)
    assert len(cut.tiles) == 1
    assert cut.tiles[0].core == (slice(0, height), slice(0, width))
    assert cut.window_width == width + cut.pad_right
    assert cut.window_height == height + cut.pad_bottom
    assert (cut.weights(cut.tiles[0]) == 1).all()


@pytest.mark.parametrize(
    ("width", "height", "tile", "multiple", "most"),
    [
        (4096, 3112, 768, 8, 1.2),
        (4096, 3112, 768, 64, 1.25),
        (8192, 4320, 768, 16, 1.2),
        (8192, 4320, 768, 64, 1.3),
        (10000, 7000, 1024, 16, 1.2),
        (10000, 7000, 1024, 64, 1.2),
        (10000, 7000, None, 8, 1.35),
        (4096, 3112, None, 64, 1.3),
    ],
)
def test_large_frames_cost_little_more_than_their_pixels(
    width: int, height: int, tile: int | None, multiple: int, most: float
) -> None:
    cut = plan(width, height, tile=tile, halo=32, multiple=multiple)
    assert 1 <= cut.overhead <= most
    assert max(cut.window_width, cut.window_height) <= (tile or LARGEST_AUTOMATIC_TILE)


def test_an_8k_frame_of_the_smallest_tiles_blends() -> None:
    cut = plan(8192, 4320, tile=128, halo=32, multiple=64)
    blender = Blender(cut, channels=1)
    window = np.full((1, cut.window_height, cut.window_width), 0.1, dtype=np.float32)
    for tile in cut.tiles:
        blender.add(tile, window)
    assert (blender.result() == np.float32(0.1)).all()


@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.floats(0, 1e6),
    st.integers(0, 10**9),
    st.integers(1, 10**11),
)
def test_the_budget_holds_or_the_plan_is_refused(
    width: int, height: int, bytes_per_pixel: float, fixed: int, budget: int
) -> None:
    def cut(bytes_allowed: int | None, tile: int | None = None) -> Plan:
        return plan(
            width,
            height,
            tile=tile,
            halo=32,
            multiple=64,
            budget_bytes=bytes_allowed,
            bytes_per_pixel=bytes_per_pixel,
            fixed_bytes=fixed,
        )

    try:
        fitted = cut(budget)
    except DeviceError:
        assert cut(None, tile=128).device_bytes > budget
    else:
        assert fitted.device_bytes <= budget
        pixels = fitted.window_width * fitted.window_height
        assert fitted.device_bytes >= fixed + bytes_per_pixel * pixels
        assert fitted.overhead >= cut(None).overhead


def test_a_refusal_names_need_budget_and_remedy() -> None:
    with pytest.raises(DeviceError, match=r"128 x 128.* needs 1\.\d GiB .* budget is 1\.0 GiB: raise the budget"):
        plan(2048, 1556, halo=32, multiple=64, budget_bytes=2**30, bytes_per_pixel=1e5)
    with pytest.raises(DeviceError, match="smaller tile"):
        plan(2048, 1556, tile=512, halo=32, multiple=64, budget_bytes=10**9, bytes_per_pixel=1e4)


def test_a_plan_describes_itself() -> None:
    cut = plan(
        2048,
        1556,
        tile=512,
        halo=32,
        multiple=64,
        budget_bytes=24 * 2**30,
        bytes_per_pixel=2e4,
        fixed_bytes=2**30,
    )
    assert cut.describe().splitlines() == [
        "frame   2048 x 1556, padded by 0 right and 44 below",
        "tiles   5 x 4 = 20, windows 512 x 448, halo 32",
        "cost    1.44 computed pixels per frame pixel",
        "memory  5.3 GiB estimated on the device, budget 24.0 GiB",
    ]


@pytest.mark.parametrize(
    ("width", "height", "tile", "halo", "multiple", "says"),
    [
        (0, 10, None, 32, 64, "0 x 10"),
        (10, 10, 100, 32, 64, "give --tile 128"),
        (10, 10, 64, 32, 64, "give --tile 128 or more"),
        (10, 10, -64, 32, 64, "give --tile 128"),
        (10, 10, None, -1, 64, "halo"),
        (10, 10, None, 32, 0, "multiple"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    width: int, height: int, tile: int | None, halo: int, multiple: int, says: str
) -> None:
    with pytest.raises(SettingError, match=says):
        plan(width, height, tile=tile, halo=halo, multiple=multiple)


def test_the_blender_accepts_each_tile_once_and_whole() -> None:
    cut = plan(300, 300, tile=128, halo=16, multiple=8)
    other = plan(300, 300, tile=64, halo=16, multiple=8)
    window = np.zeros((1, cut.window_height, cut.window_width), dtype=np.float32)
    blender = Blender(cut, channels=1)
    with pytest.raises(ValueError, match="Tile 0 must bring"):
        blender.add(cut.tiles[0], window[:, 1:])
    with pytest.raises(ValueError, match="float64"):
        blender.add(cut.tiles[0], window.astype(np.float64))
    blender.add(cut.tiles[0], window)
    with pytest.raises(ValueError, match="added before"):
        blender.skip(cut.tiles[0])
    with pytest.raises(ValueError, match="not of this plan"):
        blender.skip(other.tiles[1])
    with pytest.raises(ValueError, match="first of them tile 1"):
        blender.result()
