"""Errors, changes and similarity of pictures."""

import math
import sys

import numpy as np
import pytest

from frdm_engine.errors import InputError
from frdm_engine.evaluation.picture import Array, Pool, Ratio, changed, dilate, luma, squared_error, ssim, undamaged


@pytest.fixture
def truth() -> Array:
    return np.random.default_rng(1).random((24, 32, 3), dtype=np.float32)


def test_pools_add_up_before_they_become_decibels() -> None:
    pooled = Pool(0.0, 10) + Pool(2.0, 10)
    assert pooled == Pool(2.0, 20)
    assert pooled.mean == pytest.approx(0.1)
    assert pooled.psnr == pytest.approx(10.0)


def test_nothing_measured_has_no_figure_and_no_error_is_infinite() -> None:
    assert Pool().mean is None
    assert Pool().psnr is None
    assert Pool(0.0, 5).psnr == math.inf
    assert Ratio().value is None
    assert (Ratio(1, 2) + Ratio(2, 2)).value == pytest.approx(0.75)


def test_errors_inside_and_outside_a_mask_make_the_whole(truth: Array) -> None:
    result = truth.copy()
    result[:4] += np.float32(0.1)
    hole = np.zeros(truth.shape[:2], np.bool_)
    hole[:4] = True
    inside, outside = squared_error(result, truth, where=hole), squared_error(result, truth, where=~hole)
    assert inside.psnr == pytest.approx(20.0, abs=1e-3)
    assert outside.psnr == math.inf
    assert inside + outside == squared_error(result, truth)


def test_only_changes_over_the_bound_and_within_the_mask_count(truth: Array) -> None:
    result = truth.copy()
    result[0, 0, 1] += np.float32(0.5 / 255)
    result[0, 1, 2] -= np.float32(2 / 255)
    result[5, 5] += np.float32(0.5)
    where = np.ones(truth.shape[:2], np.bool_)
    where[5, 5] = False
    assert changed(result, truth, where=where) == Pool(1.0, 24 * 32 - 1)
    assert changed(result, truth, where=where, over=0).total == 2


def test_nan_and_infinity_kept_are_no_change_but_lost_are(truth: Array) -> None:
    source = truth.copy()
    source[0, 0, 0], source[0, 1, 0], source[0, 2, 0] = np.nan, np.inf, np.inf
    where = np.ones(truth.shape[:2], np.bool_)
    assert changed(source.copy(), source, where=where, over=0).total == 0
    result = source.copy()
    result[0, 0, 0], result[0, 1, 0] = 0, -np.inf
    assert changed(result, source, where=where).total == 2


def test_a_pixel_is_undamaged_when_no_class_marks_it() -> None:
    mattes = np.zeros((2, 2, 4), np.float32)
    mattes[0, 1, 3] = 1e-4
    np.testing.assert_array_equal(undamaged(mattes), [[True, False], [True, True]])


def test_ssim_is_one_for_the_same_and_falls_with_noise(truth: Array) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, truth.shape).astype(np.float32)
    assert ssim(truth, truth) == pytest.approx(1.0)
    assert ssim(truth + 3 * noise, truth) < ssim(truth + noise, truth) < 0.99


def test_ssim_without_scikit_image_names_the_extra(truth: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(InputError, match=r"pip install frdm\[bench\]"):
        ssim(truth, truth)


def test_frames_of_two_sizes_are_refused(truth: Array) -> None:
    for compare in (squared_error, ssim):
        with pytest.raises(InputError, match="one size"):
            compare(truth[:-1], truth)
    with pytest.raises(InputError, match="11x11"):
        ssim(truth[:8, :9], truth[:8, :9])


def test_luma_is_that_of_rec_709() -> None:
    np.testing.assert_allclose(luma(np.eye(3, dtype=np.float32)[None]), [[0.2126, 0.7152, 0.0722]])


def test_a_point_dilates_to_a_square() -> None:
    mask = np.zeros((7, 7), np.bool_)
    mask[3, 3] = True
    assert dilate(mask).sum() == 9
    assert dilate(mask, radius=2).sum() == 25
