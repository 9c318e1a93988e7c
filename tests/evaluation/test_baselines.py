"""The baselines on a small panning clip with specks and a scratch."""

import cv2
import numpy as np
import pytest

from frdm_engine.evaluation.baselines import BASELINES, Shot
from frdm_engine.evaluation.picture import Array, squared_error

ALL = sorted(BASELINES)


def _pan(length: int) -> Array:
    noise = np.random.default_rng(3).random((80, 96 + 2 * length, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    soft = 0.2 + 0.4 * (soft - soft.min()) / (soft.max() - soft.min())
    return np.stack([soft[:, 2 * t : 2 * t + 96] for t in range(length)]).astype(np.float32)


@pytest.fixture(scope="module")
def clean() -> Array:
    return _pan(5)


@pytest.fixture(scope="module")
def shot(clean: Array) -> Shot:
    """Each frame has a bright speck of its own; a matte of dirt tells where."""
    damaged, mattes = clean.copy(), np.zeros((*clean.shape[:3], 4), np.float32)
    for t in range(len(clean)):
        speck = np.s_[t, 20 + 8 * t : 25 + 8 * t, 40:45]
        damaged[speck] = 0.98
        mattes[(*speck, 0)] = 1
    return Shot(damaged, mattes)


def _psnr(frame: Array, truth: Array) -> float:
    value = squared_error(frame, truth).psnr
    assert value is not None
    return value


def test_the_named_methods_are_there_and_one_is_an_oracle() -> None:
    assert list(BASELINES) == [
        "input",
        "temporal median of 3",
        "motion-compensated median of 3",
        "motion-compensated median of 5",
        "ROD fill with line repair",
        "Telea with the true matte",
    ]
    assert [name for name, baseline in BASELINES.items() if baseline.oracle] == ["Telea with the true matte"]
    assert all(baseline.name == name and baseline.says for name, baseline in BASELINES.items())


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("length", [1, 2, 5])
def test_every_length_gives_as_many_new_frames_and_leaves_the_input(shot: Shot, name: str, length: int) -> None:
    part = Shot(shot.damaged[:length], shot.truth_matte[:length])
    before = part.damaged.copy()
    results = BASELINES[name].run(part)
    np.testing.assert_array_equal(part.damaged, before)
    assert len(results) == length
    for result in results:
        assert result.shape == before.shape[1:]
        assert result.dtype == np.float32
        assert not np.shares_memory(result, part.damaged)


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"input", "temporal median of 3"}])
def test_specks_in_the_middle_go(shot: Shot, clean: Array, name: str) -> None:
    restored = BASELINES[name].run(shot)[2]
    assert _psnr(restored, clean[2]) > _psnr(shot.damaged[2], clean[2]) + 4


def test_the_input_stays_as_it_is(shot: Shot) -> None:
    np.testing.assert_array_equal(BASELINES["input"].run(shot), shot.damaged)


def test_a_median_without_motion_takes_each_pixels_middle() -> None:
    frames = np.stack([np.full((4, 4, 3), level, np.float32) for level in (0.1, 0.9, 0.3)])
    results = BASELINES["temporal median of 3"].run(Shot(frames, np.zeros((3, 4, 4, 4), np.float32)))
    np.testing.assert_allclose([result[0, 0, 0] for result in results], [0.3, 0.3, 0.3], rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith(("motion", "ROD"))])
def test_a_clean_pan_is_left_nearly_alone(clean: Array, name: str) -> None:
    results = BASELINES[name].run(Shot(clean, np.zeros((*clean.shape[:3], 4), np.float32)))
    assert (results[2] != clean[2]).any(axis=-1).mean() < 0.02


def test_the_oracle_touches_only_what_it_is_told_and_no_stain(shot: Shot) -> None:
    mattes = shot.truth_matte.copy()
    mattes[2, 60:70, 60:70, 2] = 1
    results = BASELINES["Telea with the true matte"].run(Shot(shot.damaged, mattes))
    outside = mattes[2, ..., 0] == 0
    np.testing.assert_array_equal(results[2][outside], shot.damaged[2][outside])
    assert (results[2][~outside] != shot.damaged[2][~outside]).any(axis=-1).all()
