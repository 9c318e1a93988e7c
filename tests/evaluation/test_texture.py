"""Seams, fine detail and grain."""

import cv2
import numpy as np
import pytest

from frdm_engine.evaluation.picture import Array, Mask
from frdm_engine.evaluation.texture import LEAST_SEAM_PIXELS, Seams, grain_match, kept_detail, seams


@pytest.fixture
def source() -> Array:
    return np.random.default_rng(8).random((80, 120, 3), dtype=np.float32)


def _correction(level: float = 0.0) -> Array:
    """A smooth correction that changes every pixel by less from one to the next than a seam would."""
    y, x = np.mgrid[:80, :120].astype(np.float32)
    return np.asarray((0.2 + level + 0.05 * np.sin(x / 9) * np.cos(y / 7))[..., None], np.float32)


def test_a_smooth_correction_has_no_seam(source: Array) -> None:
    score = seams(source + _correction(), source, columns=[40, 80], rows=[40]).score
    assert score == pytest.approx(1.0, abs=0.4)


def test_tiles_of_different_level_have_one(source: Array) -> None:
    result = source + _correction()
    result[:, 40:80] += np.float32(0.02)
    seamed = seams(result, source, columns=[40, 80], rows=[40])
    assert seamed.score is not None
    assert seamed.score > 3
    elsewhere = seams(result, source, columns=[20, 100], rows=[40])
    assert elsewhere.score is not None
    assert elsewhere.score < 1.3


def test_rows_count_as_columns_do(source: Array) -> None:
    result = source + _correction()
    result[40:] += np.float32(0.05)
    assert (seams(result, source, columns=[], rows=[40]) + Seams()).border.mean == pytest.approx(0.05, rel=0.15)


def test_too_little_changed_at_borders_has_no_score(source: Array) -> None:
    result = source.copy()
    result[10:20, 35:45] += np.float32(0.1)
    little = seams(result, source, columns=[40], rows=[])
    assert little.border.count == 10 < LEAST_SEAM_PIXELS
    assert little.score is None
    assert seams(source, source, columns=[0, 40, 120], rows=[80]).score is None


def test_detail_is_kept_or_blurred_away(source: Array) -> None:
    where = np.ones(source.shape[:2], np.bool_)
    assert kept_detail(source, source, where=where).value == pytest.approx(1)
    blurred = np.asarray(cv2.GaussianBlur(source, (0, 0), 1.5), np.float32)
    ratio = kept_detail(blurred, source, where=where).value
    assert ratio is not None
    assert ratio < 0.2
    where[:, :] = False
    assert kept_detail(blurred, source, where=where).value is None


def _grainy(length: int = 3) -> Array:
    grain = np.random.default_rng(9).normal(0, 0.02, (length, 64, 64, 1)).astype(np.float32)
    return np.asarray(0.5 + np.repeat(grain, 3, axis=-1), np.float32)


@pytest.fixture
def repaired() -> Mask:
    mask = np.zeros((64, 64), np.bool_)
    mask[16:48, 16:48] = True
    return mask


def test_fresh_grain_matches(repaired: Mask) -> None:
    clip = _grainy()
    measured = grain_match(clip, clip, 1, repaired=repaired)
    assert measured.strength == pytest.approx(1)
    assert measured.frozen == pytest.approx(measured.frozen_truth)
    assert measured.frozen_truth == pytest.approx(0, abs=0.25)


def test_a_waxy_repair_is_weaker_even_at_the_wrong_level(repaired: Mask) -> None:
    clip = _grainy()
    result = clip.copy()
    result[1][repaired] = 0.7
    measured = grain_match(result, clip, 1, repaired=repaired)
    assert measured.strength is not None
    assert measured.strength < 0.05


def test_grain_copied_from_a_neighbour_is_frozen(repaired: Mask) -> None:
    clip = _grainy()
    clip[2] = clip[1]
    result = clip.copy()
    result[1][repaired] = clip[0][repaired]
    result[2][repaired] = clip[0][repaired]
    measured = grain_match(result, clip, 1, repaired=repaired)
    assert measured.frozen is not None
    assert measured.frozen > 0.5


def test_too_few_repaired_pixels_have_no_figure() -> None:
    clip = _grainy()
    few = np.zeros((64, 64), np.bool_)
    few[30:33, 30:33] = True
    measured = grain_match(clip, clip, 1, repaired=few)
    assert measured.strength is None
    assert measured.frozen is None


def test_sums_add_up_and_a_lone_frame_still_has_strength(repaired: Mask) -> None:
    clip = _grainy()
    alone = grain_match(clip[:1], clip[:1], 0, repaired=repaired)
    assert alone.strength == pytest.approx(1)
    assert alone.frozen is None
    assert (alone + alone).result.count == 2 * alone.result.count
