"""ROD fill: spikes, upright lines and inpainting."""

import cv2
import numpy as np
import pytest

from frdm_engine.evaluation.picture import Array
from frdm_engine.evaluation.rod import RodSettings, find_lines, find_spikes, hysteresis, inpaint, repair_lines, rod_fill

SETTINGS = RodSettings()


@pytest.fixture
def clip() -> Array:
    noise = np.random.default_rng(4).random((120, 160, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 6)
    frame = 0.3 + 0.2 * (soft - soft.min()) / (soft.max() - soft.min())
    grain = np.random.default_rng(5).normal(0, 0.005, (5, 120, 160, 3))
    return (frame + grain).astype(np.float32)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_standing_line_is_found_and_repaired(clip: Array, sign: int) -> None:
    damaged = clip.copy()
    damaged[:, 10:110, 80:82] += np.float32(0.12 * sign)
    lines = find_lines(damaged, 2, settings=SETTINGS)
    assert lines[20:100, 80:82].mean() > 0.9
    lines[:, 77:85] = False
    assert lines.mean() < 0.01
    restored = rod_fill(damaged)[2]
    column = np.s_[20:100, 80:82]
    assert np.abs(restored - clip[2])[column].mean() < 0.2 * np.abs(damaged[2] - clip[2])[column].mean()


def test_short_wide_and_level_things_are_no_lines(clip: Array) -> None:
    clip[:, 50:65, 40:42] += np.float32(0.12)
    clip[:, 10:110, 100:130] += np.float32(0.12)
    clip[:, 70:72, 10:90] += np.float32(0.12)
    assert find_lines(clip, 2, settings=SETTINGS)[:, 30:].mean() < 0.01


def test_spikes_must_leave_the_range_of_both_neighbours(clip: Array) -> None:
    frame, before, after = clip[1].copy(), clip[0].copy(), clip[2].copy()
    frame[20:24, 20:24] += np.float32(0.3)
    frame[60:64, 60:64] += np.float32(0.3)
    before[58:66, 58:66] += np.float32(0.3)
    marked = find_spikes(frame, before, after, settings=SETTINGS)
    assert marked[20:24, 20:24].all()
    assert not marked[59:65, 59:65].any()
    assert marked.sum() < 40


def test_without_lines_a_frame_is_not_touched(clip: Array) -> None:
    none = np.zeros(clip.shape[1:3], np.bool_)
    np.testing.assert_array_equal(repair_lines(clip[0], none), clip[0])


def test_only_the_hole_is_inpainted_even_beside_wild_values(clip: Array) -> None:
    frame = clip[0].copy()
    frame[0, 0], frame[5, 5] = np.nan, 7.5
    hole = np.zeros(frame.shape[:2], np.bool_)
    hole[40:44, 40:44] = True
    frame[hole] = 1
    filled = inpaint(frame, hole, radius=3.0)
    np.testing.assert_array_equal(filled[~hole], frame[~hole])
    assert np.abs(filled - clip[0])[hole].max() < 0.05


def test_weak_pixels_count_beside_strong_ones_alone() -> None:
    strength = np.zeros((10, 10), np.float32)
    strength[2, 2:5] = 0.3
    strength[2, 5] = 0.9
    strength[8, 2:6] = 0.3
    marked = hysteresis(strength, low=0.2, high=0.8)
    assert marked[2, 2:6].all()
    assert marked.sum() == 4
