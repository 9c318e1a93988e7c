"""Motion between two frames, and who stands beside whom."""

import cv2
import numpy as np
import pytest

from frdm_engine.evaluation.flow import aligned, consistent, flow, gray8, inside, nearest, trusted, warp
from frdm_engine.evaluation.picture import Array


def _pan(length: int, step: int, *, height: int = 72, width: int = 96) -> Array:
    noise = np.random.default_rng(3).random((height, width + step * length, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    soft = (soft - soft.min()) / (soft.max() - soft.min())
    return np.stack([soft[:, step * t : step * t + width] for t in range(length)]).astype(np.float32)


def test_a_pan_is_found_and_undone() -> None:
    clip = _pan(2, 3)
    motion = flow(clip[1], clip[0])
    np.testing.assert_allclose(np.median(motion, axis=(0, 1)), [3, 0], atol=0.15)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(warp(clip[0], motion) - clip[1])[inner].mean() < 0.3 * np.abs(clip[0] - clip[1])[inner].mean()


def test_whole_pixel_flows_warp_exactly() -> None:
    clip = _pan(2, 3)
    motion = np.full((72, 96, 2), (3, 0), np.float32)
    np.testing.assert_array_equal(warp(clip[0], motion)[:, :-3], clip[1][:, :-3])
    assert inside(motion)[:, :93].all()
    assert not inside(motion)[:, 93:].any()


def test_there_and_back_must_meet() -> None:
    onward = np.full((40, 40, 2), (2, 0), np.float32)
    assert consistent(onward, -onward)[:, :38].all()
    assert not consistent(onward, onward).any()


def test_the_median_takes_specks_off_and_nan_does_no_harm() -> None:
    frame = np.full((40, 40, 3), 0.5, np.float32)
    frame[20, 20], frame[5, 5] = 1, np.nan
    assert gray8(frame)[20, 20] == 255
    assert (gray8(frame, median=5) == 128).all()


def test_frames_too_small_for_motion_stand_still() -> None:
    clip = _pan(2, 2, height=16, width=20)
    assert not flow(clip[0], clip[1]).any()


@pytest.mark.parametrize(
    ("frame", "length", "count", "expected"),
    [
        (3, 7, 2, [2, 4]),
        (3, 7, 4, [2, 4, 1, 5]),
        (0, 7, 2, [1, 2]),
        (0, 7, 4, [1, 2]),
        (6, 7, 2, [5, 4]),
        (5, 7, 4, [4, 6, 3]),
        (0, 1, 2, []),
    ],
)
def test_the_nearest_come_first(frame: int, length: int, count: int, expected: list[int]) -> None:
    assert nearest(frame, length=length, count=count) == expected


def test_aligned_neighbours_look_like_the_frame() -> None:
    clip = _pan(5, 2)
    for neighbour in aligned(clip, 2, count=4):
        assert np.abs(neighbour - clip[2])[10:-10, 10:-10].mean() < 0.02


def test_neighbours_on_both_sides_are_trusted_everywhere_but_at_the_ends_not() -> None:
    clip = _pan(4, 4)
    assert trusted(clip, 1).all()
    at_end = trusted(clip, 0)
    assert at_end[10:-10, 10:-10].mean() > 0.9
    assert not at_end.all()
