"""Steadiness, fast motion and spikes."""

import cv2
import numpy as np
import pytest

from frdm_engine.evaluation.motion import (
    Steadiness,
    changed_away_from_spikes,
    fast_regions,
    level_flicker,
    spikes,
    steadiness,
    steadiness_of_pair,
)
from frdm_engine.evaluation.picture import Array


def _pan(length: int, step: int, *, height: int = 72, width: int = 96) -> Array:
    noise = np.random.default_rng(5).random((height, width + step * length, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    soft = (soft - soft.min()) / (soft.max() - soft.min())
    return np.stack([soft[:, step * t : step * t + width] for t in range(length)]).astype(np.float32)


def test_the_truth_is_as_steady_as_itself() -> None:
    clip = _pan(3, 2)
    measured = steadiness(clip, clip)
    assert measured.warping == measured.warping_clean
    assert measured.warping_ratio == pytest.approx(1)
    assert measured.motion.mean == 0
    assert measured.difference.mean == 0


def test_flicker_raises_warping_error_and_frame_differences() -> None:
    clip = _pan(4, 2)
    flickering = clip + np.array([0, 0.1, 0, 0.1], np.float32)[:, None, None, None]
    measured = steadiness(flickering, clip)
    assert measured.warping_ratio is not None
    assert measured.warping_ratio > 3
    assert measured.difference.mean == pytest.approx(0.1, abs=1e-4)


def test_standing_still_is_smooth_but_shows_in_the_motion() -> None:
    clip = _pan(3, 3)
    measured = steadiness(np.repeat(clip[:1], 3, axis=0), clip)
    assert measured.motion.mean == pytest.approx(3, abs=0.5)
    assert measured.difference.mean is not None
    assert measured.difference.mean > 0.02


def test_pairs_add_up_to_the_clip_and_one_frame_has_no_figure() -> None:
    clip = _pan(3, 2)
    result = clip * np.float32(0.9)
    pairs = steadiness_of_pair(result[:2], clip[:2]) + steadiness_of_pair(result[1:], clip[1:])
    assert pairs == steadiness(result, clip)
    assert steadiness(clip[:1], clip[:1]) == Steadiness()
    assert Steadiness().warping_ratio is None


def test_speed_is_measured_in_frame_widths() -> None:
    slow, quick = _pan(3, 1), _pan(3, 4)
    inner = np.s_[12:-12, 12:-12]
    assert fast_regions(quick, 1, fastest_slow=2 / 96)[inner].mean() > 0.9
    assert not fast_regions(slow, 1, fastest_slow=2 / 96)[inner].any()
    assert not fast_regions(quick[:1], 0).any()


def test_specks_of_one_frame_are_spikes_and_standing_ones_are_not() -> None:
    clip = _pan(3, 0)
    speck, standing = np.s_[1, 30:34, 40:44], np.s_[:, 50:54, 60:64]
    clip[speck], clip[standing] = 1.5, 1.5
    marked = spikes(clip, 1)
    assert marked[30:34, 40:44].all()
    assert marked.sum() == 16


def test_a_pan_has_hardly_a_spike_and_the_ends_have_none() -> None:
    clip = _pan(3, 2)
    assert spikes(clip, 1).mean() < 0.005
    clip[0, 30:34, 40:44] = 1.5
    assert not spikes(clip, 0).any()
    assert not spikes(clip, 2).any()


def test_changes_near_spikes_are_forgiven() -> None:
    source = np.zeros((30, 30, 3), np.float32)
    marked = np.zeros((30, 30), np.bool_)
    marked[10, 10] = True
    result = source.copy()
    result[8:13, 8:13] = 0.5
    assert changed_away_from_spikes(result, source, marked).total == 0
    result[20, 20] = 0.5
    pool = changed_away_from_spikes(result, source, marked)
    assert (pool.total, pool.count) == (1, 30 * 30 - 49)


def test_a_steady_fade_is_no_flicker() -> None:
    fade = np.linspace(0.2, 0.6, 5, dtype=np.float32)[:, None, None, None] * np.ones((5, 8, 8, 3), np.float32)
    restless = fade.copy()
    restless[::2] += np.float32(0.05)
    assert level_flicker(fade) == pytest.approx(0, abs=1e-6)
    assert level_flicker(restless) == pytest.approx(0.05, rel=0.02)
    assert level_flicker(fade[:2]) is None
