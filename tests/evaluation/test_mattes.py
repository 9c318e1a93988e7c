"""Precision and recall of mattes."""

import numpy as np
import pytest

from frdm_engine.damage import CLASSES
from frdm_engine.errors import InputError
from frdm_engine.evaluation.mattes import MatteCounts, class_counts, matte_counts
from frdm_engine.evaluation.picture import Array


@pytest.fixture
def truth() -> Array:
    matte = np.zeros((20, 30), np.float32)
    matte[5:10, 5:10] = 0.8
    return matte


def test_one_pixel_off_is_as_good_as_exact(truth: Array) -> None:
    counts = matte_counts(np.roll(truth, 1, axis=1), truth)
    assert counts.precision == 1
    assert counts.recall == 1


def test_three_pixels_off_is_not(truth: Array) -> None:
    counts = matte_counts(np.roll(truth, 3, axis=1), truth)
    assert counts == MatteCounts(found=25, right=15, damaged=25, recalled=15)
    assert counts.precision == pytest.approx(0.6)


def test_finding_everything_costs_precision_and_nothing_has_none(truth: Array) -> None:
    everything = matte_counts(np.ones_like(truth), truth)
    assert everything.recall == 1
    assert everything.precision == pytest.approx(49 / 600)
    nothing = matte_counts(np.zeros_like(truth), truth)
    assert nothing.precision is None
    assert nothing.recall == 0
    assert matte_counts(truth, np.zeros_like(truth)).recall is None


def test_faint_damage_need_not_be_found(truth: Array) -> None:
    assert matte_counts(truth > 0, truth * 0.05).damaged == 0
    assert matte_counts(truth * 0.5, truth, over=0.5).found == 0


def test_counts_add_up(truth: Array) -> None:
    one = matte_counts(truth, truth)
    both = one + matte_counts(np.zeros_like(truth), truth)
    assert both.recall == pytest.approx(0.5)
    assert both.precision == 1


def test_classes_are_counted_apart(truth: Array) -> None:
    mattes = np.zeros((*truth.shape, 4), np.float32)
    mattes[..., 1] = truth
    found = np.roll(mattes, -1, axis=2)
    counts = class_counts(found, mattes)
    assert tuple(counts) == CLASSES
    assert counts["scratch"].recall == 0
    assert counts["dirt"].precision == 0


def test_other_sizes_are_refused(truth: Array) -> None:
    with pytest.raises(InputError, match="one size"):
        matte_counts(truth[1:], truth)
    with pytest.raises(InputError, match="4 channels"):
        class_counts(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 3), np.float32))
