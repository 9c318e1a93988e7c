"""Grain is measured as it was made, and a smooth repair gets what it lacks, moving from frame to frame."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.restore.grain import LEVELS, PATCH, Grain, add_missing, high_pass, measure

Array = npt.NDArray[np.float32]
HEIGHT, WIDTH = 192, 256


def smooth(level: float | None = None) -> Array:
    """A soft picture without grain (H, W, 3), of one level or of many."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    base = 0.5 + 0.2 * np.sin(x / 80) * np.cos(y / 60) if level is None else np.full((HEIGHT, WIDTH), level)
    return np.repeat(base[..., None], 3, axis=2).astype(np.float32)


def noise(*, coarseness: float, shared: float, seed: int = 0) -> Array:
    """Grain (H, W, 3) of standard deviation 1."""
    rng = np.random.default_rng(seed)
    mixed = np.sqrt(shared) * rng.standard_normal((HEIGHT, WIDTH, 1))
    mixed = mixed + np.sqrt(1 - shared) * rng.standard_normal((HEIGHT, WIDTH, 3))
    if coarseness:
        mixed = cv2.GaussianBlur(mixed, (0, 0), coarseness)
    return (mixed / mixed.std()).astype(np.float32)


def all_sound() -> npt.NDArray[np.bool_]:
    return np.ones((HEIGHT, WIDTH), dtype=bool)


def measured(picture: Array, sound: npt.NDArray[np.bool_] | None = None) -> Grain:
    found = measure(picture, all_sound() if sound is None else sound)
    assert found is not None
    return found


@pytest.mark.parametrize("strength", [0.01, 0.04])
@pytest.mark.parametrize("coarseness", [0.0, 0.5, 0.8, 1.2])
@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_known_grain_is_measured(strength: float, coarseness: float, shared: float) -> None:
    grain = strength * noise(coarseness=coarseness, shared=shared)
    found = measured(smooth() + grain)
    expected = float(high_pass(grain).std())
    np.testing.assert_allclose(found.strength[:, 2:6].mean(), expected, rtol=0.12)
    # Blurs of less than a third of a pixel do next to nothing, so they cannot be told apart.
    assert found.coarseness == pytest.approx(coarseness, abs=0.08 if coarseness else 0.36)
    assert found.shared == pytest.approx(shared, abs=0.1)


def test_strength_follows_brightness_and_channel() -> None:
    ramp = np.linspace(0.05, 0.95, WIDTH, dtype=np.float32)[None, :, None]
    picture = np.broadcast_to(ramp, (HEIGHT, WIDTH, 3))
    curve = 0.05 * ramp * np.array([1.0, 0.5, 0.25], np.float32)
    found = measured((picture + curve * noise(coarseness=0.6, shared=0.3)).astype(np.float32))
    passed = float(high_pass(noise(coarseness=0.6, shared=0.3)).std())
    for channel, share in enumerate((1.0, 0.5, 0.25)):
        expected = 0.05 * share * (np.arange(1, LEVELS - 1) + 0.5) / LEVELS * passed
        # The flattest blocks of a bin are its darkest here.
        np.testing.assert_allclose(found.strength[channel, 1 : LEVELS - 1], expected, rtol=0.3)


def test_texture_and_damage_are_not_taken_for_grain() -> None:
    picture = smooth() + 0.01 * noise(coarseness=0.5, shared=0.5)
    plain = measured(picture)
    busy, sound = picture.copy(), all_sound()
    busy[:, : WIDTH // 2] += 0.2 * noise(coarseness=0.9, shared=1.0, seed=3)[:, : WIDTH // 2]
    np.testing.assert_allclose(measured(busy).strength[:, 2:6].mean(), plain.strength[:, 2:6].mean(), rtol=0.25)
    dirty = picture.copy()
    dirty[::9, ::7] = 1.0
    sound[::9, : WIDTH // 2 : 7] = False
    dirty[:, WIDTH // 2 :] = picture[:, WIDTH // 2 :]
    np.testing.assert_allclose(measured(dirty, sound).strength, plain.strength, rtol=0.25)


def test_no_grain_is_measured_as_none_of_it() -> None:
    found = measured(smooth(0.4))
    assert float(np.abs(found.strength).max()) < 1e-5
    assert np.isfinite(found.coarseness)
    assert np.isfinite(found.shared)


@pytest.mark.parametrize("size", [(10, 10), (15, 400), (16, 16), (33, 40)])
def test_too_little_to_tell_is_none(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random((*size, 3), dtype=np.float32)
    assert measure(picture, np.ones(size, dtype=bool)) is None


def test_a_frame_without_sound_pixels_is_none() -> None:
    assert measure(smooth(), ~all_sound()) is None


# Giving back


def patch() -> Array:
    """Opacity of a soft-edged repair that crosses the border of two working patches."""
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[60:130, PATCH - 40 : PATCH + 40] = 1
    return np.asarray(cv2.blur(alpha, (5, 5)), np.float32)


def inside(part: Array) -> Array:
    return part[70:120, PATCH - 30 : PATCH + 30]


@pytest.mark.parametrize("coarseness", [0.0, 0.6, 1.1])
@pytest.mark.parametrize("shared", [0.2, 1.0])
def test_a_smooth_patch_gets_the_grain_around_it(coarseness: float, shared: float) -> None:
    grain = 0.03 * noise(coarseness=coarseness, shared=shared)
    alpha = patch()
    repaired = np.where(alpha[..., None] > 0, smooth(), smooth() + grain).astype(np.float32)
    found = measured(repaired, alpha == 0)
    made = add_missing(repaired, alpha, found, amount=1.0, seed=1, frame=10)
    wanted = float(high_pass(grain).std())
    assert float(high_pass(inside(repaired)).std()) < 0.2 * wanted
    assert float(high_pass(inside(made)).std()) == pytest.approx(wanted, rel=0.2)
    red, green, _ = high_pass(inside(made)).reshape(-1, 3).T
    assert np.corrcoef(red, green)[0, 1] == pytest.approx(shared, abs=0.15)
    again = measured(np.tile(inside(made), (3, 3, 1)), np.ones((150, 180), dtype=bool))
    assert again.coarseness == pytest.approx(coarseness, abs=0.15 if coarseness else 0.35)


@pytest.mark.parametrize("coarseness", [0.0, 0.1, 0.2, 0.21, 0.5, 1.4])
def test_drawn_grain_has_the_strength_asked_for(coarseness: float) -> None:
    found = Grain(np.full((3, LEVELS), 0.03, np.float32), coarseness, 0.5)
    made = add_missing(smooth(0.5), np.ones((HEIGHT, WIDTH), np.float32), found, amount=1.0, seed=1, frame=10)
    assert float(high_pass(made)[16:-16, 16:-16].std()) == pytest.approx(0.03, rel=0.05)


def test_a_patch_with_grain_of_its_own_gets_hardly_more() -> None:
    picture = smooth(0.5) + 0.03 * noise(coarseness=0.6, shared=0.5)
    alpha = patch()
    made = add_missing(picture, alpha, measured(picture, alpha == 0), amount=1.0, seed=1, frame=10)
    before, after = (float(high_pass(inside(p)).std()) for p in (picture, made))
    assert before <= after < 1.12 * before


def test_half_the_amount_is_half_the_grain() -> None:
    alpha, found = patch(), Grain(np.full((3, LEVELS), 0.03, np.float32), 0.6, 0.5)
    whole, half, none = (
        add_missing(smooth(0.5), alpha, found, amount=amount, seed=1, frame=10) - smooth(0.5)
        for amount in (1.0, 0.5, 0.0)
    )
    assert float(whole.std()) > 0.005
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)
    assert not none.any()


def test_nothing_changes_where_alpha_is_zero() -> None:
    picture = smooth() + 0.03 * noise(coarseness=0.6, shared=0.5)
    alpha = patch()
    kept = picture.copy()
    made = add_missing(picture, alpha, measured(picture), amount=4.0, seed=1, frame=10)
    np.testing.assert_array_equal(made[alpha == 0], picture[alpha == 0])
    np.testing.assert_array_equal(picture, kept)
    none = add_missing(picture, np.zeros_like(alpha), measured(picture), amount=1.0, seed=1, frame=10)
    np.testing.assert_array_equal(none, picture)


def test_the_same_key_draws_the_same_grain_and_another_another() -> None:
    alpha, found = patch(), Grain(np.full((3, LEVELS), 0.03, np.float32), 0.6, 0.5)

    def drawn(*, seed: int = 1, frame: int = 10) -> Array:
        return inside(add_missing(smooth(0.5), alpha, found, amount=1.0, seed=seed, frame=frame) - smooth(0.5))

    first = drawn()
    np.testing.assert_array_equal(first, drawn())
    for other in (drawn(frame=11), drawn(seed=2)):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1


def test_one_repair_does_not_disturb_another() -> None:
    """Whatever else is mended in the frame, and however far the repairs' common box reaches."""
    alpha, found = patch(), Grain(np.full((3, LEVELS), 0.03, np.float32), 0.6, 0.5)
    more = alpha.copy()
    more[2:12, 2:12] = 1
    more[170:190, 200:250] = 0.7
    alone = add_missing(smooth(), alpha, found, amount=1.0, seed=1, frame=10)
    together = add_missing(smooth(), more, found, amount=1.0, seed=1, frame=10)
    np.testing.assert_allclose(together[alpha > 0], alone[alpha > 0], rtol=0, atol=1e-5)
    assert not np.array_equal(together[2:12, 2:12], smooth()[2:12, 2:12])


def test_grain_has_no_seam_between_working_patches() -> None:
    found = Grain(np.full((3, LEVELS), 0.03, np.float32), 1.0, 0.5)
    whole = np.ones((HEIGHT, WIDTH), np.float32)
    drawn = add_missing(smooth(0.5), whole, found, amount=1.0, seed=1, frame=10) - smooth(0.5)
    steps = np.abs(np.diff(drawn.mean(axis=2), axis=1)).mean(axis=0)
    assert steps[PATCH - 1] < 1.25 * np.median(steps)
