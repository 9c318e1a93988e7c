"""Windows at the ends of shots, padding, and encoding tile by tile."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frdm_engine.diffusion import gaussian
from frdm_engine.model.checkpoint import Loaded
from frdm_engine.model.encoder import column_deviations, column_rows, columns
from frdm_engine.restore.window import columns_of, encode, is_repeat, noise_like, to_planes, window_frames
from frdm_engine.tiling import plan

Pictures = Callable[..., dict[int, npt.NDArray[np.float32]]]


@pytest.mark.parametrize(
    ("frame", "available", "expected"),
    [
        (5, range(1, 10), (3, 4, 5, 6, 7)),
        (1, range(1, 10), (3, 2, 1, 2, 3)),
        (2, range(1, 10), (4, 1, 2, 3, 4)),
        (9, range(1, 10), (7, 8, 9, 8, 7)),
        (8, range(1, 10), (6, 7, 8, 9, 6)),
        (1, [1], (1, 1, 1, 1, 1)),
        (1, [1, 2], (2, 2, 1, 2, 2)),
        (2, [1, 2], (1, 1, 2, 1, 1)),
        (2, [1, 2, 3], (1, 1, 2, 3, 3)),
        (5, [3, 5, 6], (3, 3, 5, 6, 6)),
        (5, [2, 5, 8], (2, 2, 5, 8, 8)),
        (5, [3, 5], (3, 3, 5, 3, 3)),
        (0, [-2, -1, 0, 1], (-2, -1, 0, 1, -2)),
    ],
    ids=str,
)
def test_windows_of_radius_two(frame: int, available: list[int], expected: tuple[int, ...]) -> None:
    assert window_frames(frame, 2, available) == expected


def test_other_radii() -> None:
    assert window_frames(3, 0, [1, 2, 3]) == (3,)
    assert window_frames(3, 1, [1, 2, 3]) == (2, 3, 2)
    assert window_frames(3, 3, range(10)) == (0, 1, 2, 3, 4, 5, 6)


@given(st.integers(-9, 9), st.integers(0, 4), st.sets(st.integers(-12, 12)))
def test_any_window_is_full_and_of_the_frames_at_hand(frame: int, radius: int, others: set[int]) -> None:
    available = others | {frame}
    window = window_frames(frame, radius, available)
    assert len(window) == 2 * radius + 1
    assert window[radius] == frame
    assert set(window) <= available
    assert all(abs(number - frame) <= 2 * radius for number in window)
    if set(range(frame - radius, frame + radius + 1)) <= available:
        assert window == tuple(range(frame - radius, frame + radius + 1))
    far = {number for number in available if abs(number - frame) > 2 * radius}
    assert window == window_frames(frame, radius, available - far)
    assert window == window_frames(frame, radius, sorted(available, reverse=True))


def test_repeated_frames_are_passed_over() -> None:
    photograph = {1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4, 7: 5, 8: 6}

    def repeats(a: int, b: int) -> bool:
        return photograph[a] == photograph[b]

    assert window_frames(4, 2, photograph, repeats) == (1, 3, 4, 6, 7)
    assert window_frames(5, 2, photograph, repeats) == (1, 3, 5, 6, 7)
    assert window_frames(2, 1, [2, 3], repeats) == (3, 2, 3)  # better a repeat than nothing


def test_a_repeat_is_told_from_another_photograph() -> None:
    rng = np.random.default_rng(1)
    scene = cv2.GaussianBlur(rng.random((120, 160, 3), dtype=np.float32), (0, 0), 4)
    grain, other = (0.03 * rng.standard_normal(scene.shape, dtype=np.float32) for _ in range(2))
    photograph = scene + grain
    compressed = photograph + 0.004 * rng.standard_normal(scene.shape, dtype=np.float32)
    speck = photograph.copy()
    speck[50:54, 70:74] = 1.0
    assert is_repeat(photograph, compressed)
    assert not is_repeat(photograph, speck)
    assert not is_repeat(photograph, np.roll(scene, 3, axis=1) + other)
    assert is_repeat(photograph[:3, :3], compressed[:3, :3])


def test_planes_are_the_picture_itself_on_a_cpu() -> None:
    picture = np.random.default_rng(0).random((17, 23, 3), dtype=np.float32)
    planes = to_planes(picture, torch.device("cpu"))
    assert planes.shape == (1, 3, 17, 23)
    np.testing.assert_array_equal(planes[0].numpy(), picture.transpose(2, 0, 1))
    assert planes.data_ptr() == picture.ctypes.data
    picture.flags.writeable = False
    np.testing.assert_array_equal(to_planes(picture, torch.device("cpu"))[0].numpy(), picture.transpose(2, 0, 1))


def test_columns_of_a_part_are_those_of_the_frame() -> None:
    frame = torch.rand(1, 3, 96, 64)
    rows = column_rows(column_deviations(frame))
    strips = torch.cat([column_deviations(frame[..., top : top + 32, :]) for top in (0, 32, 64)], dim=-2)
    assert torch.equal(column_rows(strips), rows)
    whole = columns(frame)
    for box in ((0, 0, 64, 96), (32, 32, 64, 64), (0, 64, 32, 96), (16, 8, 48, 90)):
        x0, y0, x1, y1 = box
        torch.testing.assert_close(columns_of(rows, box), whole[..., y0:y1, x0:x1], rtol=0, atol=1e-6)


def test_encoding_in_tiles_is_encoding_the_whole(tiny: Callable[..., Loaded], pictures: Pictures) -> None:
    model = tiny().model
    picture = pictures(100, 150, range(1))[0]
    with torch.inference_mode():
        planes = to_planes(picture, torch.device("cpu"))
        of_one = encode(model, planes, plan(150, 100, tile=160, halo=16, multiple=32))
        cut = plan(150, 100, tile=64, halo=16, multiple=32)
        assert len(cut.tiles) > 4
        of_many = encode(model, planes, cut)
    assert torch.equal(of_one.planes, of_many.planes)
    assert all(torch.equal(a, b) for a, b in zip(of_one.levels, of_many.levels, strict=True))
    assert [tuple(level.shape[-2:]) for level in of_one.levels] == [(64, 80), (32, 40), (16, 20)]
    assert of_one.features.shape == (1, 8, 32, 40)
    torch.testing.assert_close(of_many.features, of_one.features, rtol=0, atol=1e-4)
    assert torch.equal(of_one.rows, of_many.rows)


def test_noise_is_keyed_by_place_and_stream() -> None:
    planes = torch.zeros(1, 3, 6, 8)
    made = noise_like(planes, seed=4, frame=-3, x=-5, y=70, stream=2)
    assert made.dtype == torch.float32
    expected = gaussian(seed=4, frame=-3, x=-5, y=70, width=8, height=6, stream=2)
    np.testing.assert_allclose(made[0].numpy(), expected, atol=1e-5)
