"""Mattes reach as far as damage hangs together, and the artist has the last word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from frdm_engine.model.denoiser import CLASSES
from frdm_engine.restore.bars import BARS, Bars
from frdm_engine.restore.matte import hysteresis, mattes, opacity, probability

Array = npt.NDArray[np.float32]
PLANES = hnp.arrays(np.float32, (9, 11), elements=st.floats(0, 1, width=32))
HIDDEN = CLASSES[:3]
LOGITS = hnp.arrays(np.float32, (3, 7, 9), elements=st.floats(-8, 8, width=32))
MASKS = hnp.arrays(np.float32, (7, 9), elements=st.sampled_from([0.0, 0.25, 1.0]))
SURE, LEAST, WHOLE = 0.4, 0.1, 0.3
PLAIN = Bars(SURE, LEAST, WHOLE)
LIKELY = (LEAST + SURE) / 2
FLICKERS = hnp.arrays(np.float32, (7, 9), elements=st.floats(0, 1, width=32))


# Probability


def test_strength_multiplies_the_odds() -> None:
    logits = np.array([[-2.0, 0.0, 3.0]], np.float32)
    np.testing.assert_allclose(probability(logits, 1), 1 / (1 + np.exp(-logits)), rtol=1e-6)
    odds = probability(logits, 4) / (1 - probability(logits, 4))
    np.testing.assert_allclose(odds, 4 * np.exp(logits), rtol=1e-4)
    assert probability(logits, 4).dtype == np.float32


def test_strength_zero_is_no_damage_at_all() -> None:
    assert not probability(np.array([[-90.0, 90.0, 1e9]], np.float32), 0).any()


def test_huge_logits_neither_overflow_nor_warn() -> None:
    found = probability(np.array([[-1e30, 1e30]], np.float32), 16)
    assert 0 <= found[0, 0] < 1e-12
    assert found[0, 1] == 1


# Hysteresis


def test_a_component_needs_one_sure_pixel_and_keeps_its_likely_ones() -> None:
    plane = np.zeros((8, 20), np.float32)
    plane[1:4, 1:6] = LIKELY
    plane[2, 3] = 0.7  # sure: the whole patch counts
    plane[1:4, 10:15] = SURE - 0.01  # likely everywhere, sure nowhere
    plane[6, 18] = SURE
    made = hysteresis(plane, PLAIN)
    assert (made[1:4, 1:6] > 0).all()
    assert made[2, 3] == 1
    assert not made[:, 7:17].any()
    assert made[6, 18] == 1
    assert np.count_nonzero(made) == 16


def test_components_touch_at_corners_too() -> None:
    plane = np.zeros((4, 4), np.float32)
    plane[0, 0], plane[1, 1], plane[3, 3] = 0.9, LIKELY, LIKELY
    made = hysteresis(plane, PLAIN)
    assert made[1, 1] > 0
    assert made[3, 3] == 0


def test_opacity_rises_smoothly_from_low_to_full() -> None:
    plane = np.array(
        [[LEAST, LEAST + 1e-4, LEAST + 0.02, (LEAST + WHOLE) / 2, WHOLE - 0.02, WHOLE, 0.9, 1.0]], np.float32
    )
    made = hysteresis(plane, PLAIN)[0]
    assert made[0] == 0
    assert 0 < made[1] < 1e-4
    assert made[3] == pytest.approx(0.5, abs=1e-3)
    assert (np.diff(made) >= 0).all()
    assert (made[5:] == 1).all()


@given(PLANES)
def test_what_is_not_kept_is_exactly_zero(plane: Array) -> None:
    made = hysteresis(plane, PLAIN)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    assert not made[plane <= LEAST].any()
    assert (made[plane >= SURE] == 1).all()
    if plane.max() < SURE:
        assert not made.any()


def test_each_class_reaches_as_far_as_it_may() -> None:
    """A pixel too unlikely for a stain to reach hangs together with a speck."""
    plane = np.full((3, 12, 12), -9, np.float32)
    plane[:, 4:8, 4:8], plane[:, 5, 5] = np.log(0.2 / 0.8), 9
    made = mattes(HIDDEN, plane, fix=CLASSES, strength=1)
    assert BARS["dirt"].low < 0.2 < BARS["stain"].low
    assert np.count_nonzero(made[0]) == 16
    assert np.count_nonzero(made[2]) == 1


def test_a_repair_larger_than_it_may_be_is_none() -> None:
    plane = np.zeros((10, 10), np.float32)
    plane[:5, :5] = 0.9  # a quarter of the frame
    plane[7:, 7:] = 0.9
    assert hysteresis(plane, replace(PLAIN, most=0.25))[:5, :5].all()
    made = hysteresis(plane, replace(PLAIN, most=0.24))
    assert not made[:5, :5].any()
    assert made[7:, 7:].all()


def test_a_repair_is_fainter_by_what_it_lacks_of_certainty() -> None:
    """Each by its own surest pixel, inside and at its rim alike; strength makes up the mind."""
    plane = np.full((6, 24), 0.01, np.float32)
    certain = BARS["dirt"].certain
    for x, sure in ((1, 0.5 * certain), (9, 0.8 * certain), (17, 0.99)):
        plane[1:5, x : x + 4], plane[2, x + 1] = LIKELY, sure
    plain, made = hysteresis(plane, PLAIN), hysteresis(plane, replace(PLAIN, certain=certain))
    for x, share in ((1, 0.5), (9, 0.8), (17, 1.0)):
        np.testing.assert_allclose(made[:, x : x + 4], share * plain[:, x : x + 4], rtol=1e-5)
    logits = np.log(plane / (1 - plane))[None]
    once, thrice = (mattes(("dirt",), logits, fix=CLASSES, strength=strength)[0] for strength in (1, 3))
    np.testing.assert_allclose(once, made, rtol=1e-4)
    surest = [3 * sure / (1 + 2 * sure) for sure in (0.5 * certain, 0.8 * certain)]
    assert thrice[2, [2, 10, 18]].tolist() == pytest.approx([surest[0] / certain, surest[1] / certain, 1.0], abs=2e-3)


def test_a_repair_earns_its_place() -> None:
    """Squared change times squared probability, all of a repair, over what of it is likely sound."""
    plane = np.full((6, 30), 0.01, np.float32)
    change = np.zeros_like(plane)
    for x, by in ((1, 0.08), (11, 0.1), (21, 0.0)):
        plane[1:5, x : x + 4], change[1:5, x : x + 4] = 0.5, by
    change[2, 22] = 1.0  # one pixel of much change earns for the whole
    bars = replace(PLAIN, earns=0.25 * 0.09**2 / 0.5)
    made = hysteresis(plane, bars, change)
    assert not made[:, :10].any()
    assert (made[1:5, 11:15] == 1).all()
    assert (made[1:5, 21:25] == 1).all()
    np.testing.assert_array_equal(hysteresis(plane, bars), hysteresis(plane, PLAIN))


def test_a_stain_on_half_the_frame_is_the_picture() -> None:
    logits = np.full((3, 20, 20), -9, np.float32)
    logits[0, :, :10], logits[2, :, 10:] = 9, 9
    made = mattes(HIDDEN, logits, fix=CLASSES, strength=1)
    assert made[0, :, :10].all()
    assert not made[2].any()


# Mattes


def test_each_class_has_its_matte_and_its_switch() -> None:
    logits, flicker = np.full((3, 8, 6), -9, np.float32), np.zeros((8, 6), np.float32)
    for index in range(3):
        logits[index, :, index + 1] = 9
    flicker[:, 4] = 1
    everything = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=1)
    for index, name in enumerate(CLASSES):
        assert np.flatnonzero(everything[index]).tolist() == [6 * row + index + 1 for row in range(8)]
        alone = mattes(HIDDEN, logits, flicker=flicker, fix=(name,), strength=1)
        np.testing.assert_array_equal(alone[index], everything[index])
        assert np.count_nonzero(alone) == 8
        others = mattes(HIDDEN, logits, flicker=flicker, fix=tuple(set(CLASSES) - {name}), strength=1)
        assert not others[index].any()
        assert np.count_nonzero(others) == 24


def test_classes_come_in_the_order_of_their_names_each_with_its_own_bars() -> None:
    """The same logits are a scratch where they are a line, and dirt wherever they are."""
    logits = np.full((2, 40, 40), -9, np.float32)
    logits[:, 10:14, 10:14] = 9
    one, other = (
        mattes(names, logits, fix=CLASSES, strength=1) for names in (("dirt", "scratch"), ("scratch", "dirt"))
    )
    np.testing.assert_array_equal(one, other[::-1])
    assert one[0].any()
    assert not one[1].any()


def test_without_flicker_there_is_no_matte_of_it() -> None:
    logits = np.full((2, 4, 4), 9, np.float32)
    assert mattes(CLASSES[:2], logits, fix=CLASSES, strength=1).shape == (2, 4, 4)
    assert mattes(("stain",), logits[:1], flicker=logits[0] / 9, fix=CLASSES, strength=1).shape == (2, 4, 4)


def test_strength_thins_flicker_out_below_one() -> None:
    """Above 1 there is no more to take back."""
    flicker = np.array([[0.0, 0.25, 1.0]], np.float32)
    logits = np.full((1, 1, 3), -9, np.float32)
    for strength, share in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (3.0, 1.0)):
        made = mattes(("stain",), logits, flicker=flicker, fix=CLASSES, strength=strength)
        np.testing.assert_array_equal(made[1], share * flicker)
        assert not made[0].any()


def test_a_scratch_is_a_line() -> None:
    """A fat upright thing, a leg say, is no scratch, whatever the network thinks; as dirt it may go."""
    logits = np.full((2, 40, 40), -9, np.float32)
    logits[1, 2:38, 5:7] = 9
    logits[1, 2:38, 20:30] = 9
    made = mattes(CLASSES[:2], logits, fix=CLASSES, strength=1)
    assert (made[1, 2:38, 5:7] == 1).all()
    assert not made[1, :, 10:].any()
    logits[0] = logits[1]
    assert (mattes(CLASSES[:2], logits, fix=CLASSES, strength=1)[0, 2:38, 20:30] == 1).all()


def test_force_adds_and_protect_wins() -> None:
    logits = np.full((3, 4, 6), -9, np.float32)
    logits[0, 2] = 9
    force, protect = np.zeros((4, 6), np.float32), np.zeros((4, 6), np.float32)
    force[0, :4] = [1.0, 0.5, 1.0, 7.0]
    protect[0, 2], protect[2, 1], protect[2, 2] = 1.0, 1.0, 0.25
    flicker = np.full((4, 6), 0.5, np.float32)
    made = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=1, protect=protect, force=force)
    assert made[0, 0].tolist() == [1.0, 0.5, 0.0, 1.0, 0.0, 0.0]
    assert made[0, 2].tolist() == [1.0, 0.0, 0.75, 1.0, 1.0, 1.0]
    assert made[3, 0].tolist() == [0.5, 0.5, 0.0, 0.5, 0.5, 0.5]
    assert made[3, 2].tolist() == [0.5, 0.0, 0.375, 0.5, 0.5, 0.5]


def test_force_holds_whatever_is_switched_off() -> None:
    force = np.ones((2, 2), np.float32)
    made = mattes(HIDDEN, np.full((3, 2, 2), 9, np.float32), flicker=force, fix=("stain",), strength=0, force=force)
    assert (made[0] == 1).all()
    assert not made[1:].any()


def test_strength_zero_changes_nothing() -> None:
    flicker = np.ones((3, 3), np.float32)
    assert not mattes(HIDDEN, np.full((3, 3, 3), 30, np.float32), flicker=flicker, fix=CLASSES, strength=0).any()


@given(LOGITS, FLICKERS, st.sampled_from([0, 0.1, 0.5, 1, 2]), st.sampled_from([1.0, 1.5, 8.0]))
def test_more_strength_never_takes_away(logits: Array, flicker: Array, strength: float, factor: float) -> None:
    """Of dirt and flicker: scratches and stains that grow may lose the shape by which they count as such."""
    less = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=strength)
    more = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=strength * factor)
    assert (more >= less)[[0, 3]].all()


@given(LOGITS, FLICKERS, MASKS, MASKS)
def test_protected_and_unusable_pixels_stay_exactly(
    logits: Array, flicker: Array, protect: Array, force: Array
) -> None:
    usable = (np.arange(63).reshape(7, 9) % 5) > 0
    made = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=4, protect=protect, force=force, usable=usable)
    alpha = opacity(made)
    assert not alpha[protect == 1].any()
    assert not alpha[~usable].any()
    assert (alpha[(force == 1) & (protect == 0) & usable] == 1).all()
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_opacity_joins_the_classes() -> None:
    classes = np.zeros((4, 1, 4), np.float32)
    classes[0, 0, 1], classes[1, 0, 2], classes[2, 0, 2], classes[3, 0, 3] = 0.5, 0.5, 0.5, 1.0
    assert opacity(classes)[0].tolist() == [0.0, 0.5, 0.75, 1.0]


@given(LOGITS, FLICKERS)
def test_opacity_is_exactly_zero_where_all_mattes_are(logits: Array, flicker: Array) -> None:
    classes = mattes(HIDDEN, logits, flicker=flicker, fix=CLASSES, strength=1)
    alpha = opacity(classes)
    assert not alpha[(classes == 0).all(axis=0)].any()
    assert (alpha[(classes > 1e-6).any(axis=0)] > 0).all()


@given(LOGITS, st.sampled_from([0.0, 0.3, 1.0, 4.0]))
def test_planes_passed_over_unseen_hold_nothing(logits: Array, strength: float) -> None:
    made = mattes(HIDDEN, logits, fix=CLASSES, strength=strength)
    for name, plane, matte in zip(HIDDEN, logits, made, strict=True):
        if (probability(plane, strength) >= BARS[name].high).any():
            continue
        assert not matte.any()
    dirt = hysteresis(probability(logits[0], strength), BARS["dirt"])
    np.testing.assert_array_equal(made[0], np.where(dirt < 1e-6, 0, dirt))
