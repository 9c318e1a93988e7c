"""Camera movement over stills, and the things that pass in front of it."""

import cv2
import numpy as np
import pytest

from frdm_engine.data.frames import Pixels
from frdm_engine.data.grading import grade, tone_curve
from frdm_engine.data.motion import CameraPath, animate, camera_path, drift_for, smear, smooth_mask
from frdm_engine.data.objects import paste_objects
from frdm_engine.data.shapes import SHAPES, Mask, pole


@pytest.fixture
def canvas() -> Pixels:
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.uint8)


def _steady(length: int, shift: float = 0.0) -> CameraPath:
    steps = np.arange(length, dtype=np.float32) * np.float32(shift)
    return CameraPath(
        shift=np.stack([steps, np.zeros_like(steps)], axis=1),
        turn=np.zeros(length, np.float32),
        zoom=np.ones(length, np.float32),
    )


def test_a_steady_camera_shows_the_middle(canvas: Pixels) -> None:
    still = np.zeros((3, 2), np.float32)
    frames = animate(canvas, _steady(3), height=50, width=60, near=None, drift=still)
    for frame in frames:
        np.testing.assert_array_equal(frame, canvas[20:70, 30:90])


def test_a_pan_moves_the_picture(canvas: Pixels) -> None:
    still = np.zeros((3, 2), np.float32)
    frames = animate(canvas, _steady(3, shift=4.0), height=50, width=60, near=None, drift=still)
    np.testing.assert_array_equal(frames[2], canvas[20:70, 38:98])


def test_parallax_moves_near_things_alone(canvas: Pixels) -> None:
    near = np.zeros((90, 120), np.float32)
    near[:, 60:] = 1
    drift = np.array([[0, 0], [3, 0]], np.float32)
    frames = animate(canvas, _steady(2), height=50, width=60, near=near, drift=drift)
    np.testing.assert_array_equal(frames[1, :, :29], canvas[20:70, 30:59])
    np.testing.assert_array_equal(frames[1, :, 32:], canvas[20:70, 65:93])


def _dotted(length: int) -> Pixels:
    """Black frames with a white dot in the middle."""
    frames = np.zeros((length, 41, 61, 3), np.uint8)
    frames[:, 20, 30] = 255
    return frames


@pytest.mark.parametrize("shutter", [0.25, 0.5])
def test_an_open_shutter_draws_a_dot_along_its_path(shutter: float) -> None:
    """As far as the camera goes in that part of a frame, and nowhere else; no light is lost."""
    frames = _dotted(3)
    smear(frames, _steady(3, shift=20.0), shutter=shutter)
    for frame in frames:
        rows, across = np.nonzero(frame[..., 0] > 8)
        assert 19 <= rows.min() <= rows.max() <= 21
        assert np.ptp(across) == pytest.approx(20 * shutter, abs=2)
        assert across.mean() == pytest.approx(30, abs=1)
        assert float(frame[..., 0].sum()) == pytest.approx(255, rel=0.1)


def test_slow_movement_is_sharp() -> None:
    frames = _dotted(3)
    smear(frames, _steady(3, shift=2.0), shutter=0.5)
    np.testing.assert_array_equal(frames, _dotted(3))


@pytest.mark.parametrize("length", [1, 5, 25])
def test_paths_stay_within_reach_and_are_smooth(length: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        path = camera_path(rng, length=length, reach=(20.0, 9.0))
        assert path.shift.shape == (length, 2)
        assert np.abs(path.shift).max(axis=0)[0] <= 20.001
        assert np.abs(path.shift).max(axis=0)[1] <= 9.001
        assert path.zoom.min() >= 0.92
        if length == 5:
            jerk = np.abs(np.diff(path.shift, n=3, axis=0)).max()
            assert jerk < 4


def test_drift_never_folds_the_picture() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        near = smooth_mask(rng, height=60, width=80)
        assert near.min() >= 0
        assert near.max() <= 1
        drift = drift_for(rng, path=camera_path(rng, length=5, reach=(40.0, 30.0)), near=near)
        for axis in (0, 1):
            assert np.abs(np.diff(near, axis=axis)).max() * np.abs(drift).max() <= 0.501


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_shape_draws_inside_its_radius(name: str) -> None:
    rng = np.random.default_rng(6)
    for _ in range(8):
        shape = SHAPES[name].make(rng, 100, 140)
        mask: Mask = np.zeros((300, 300), np.uint8)
        shape.draw(mask, 150.0, 150.0, 0.1, 0.0)
        assert mask.any()
        y, x = np.nonzero(mask > 40)
        if shape.radius < 140 and len(x):
            assert np.hypot(x - 150, y - 150).max() <= shape.radius + 3


def test_strokes_have_the_width_asked_for() -> None:
    rng = np.random.default_rng(7)
    for _ in range(30):
        shape = pole(rng, 2000, 200)
        mask: Mask = np.zeros((60, 200), np.uint8)
        shape.draw(mask, 100.3, 30.2, 0.05, 0.0)
        assert mask[25:35].sum() / 255 / 10 == pytest.approx(shape.thickness, rel=0.15)


def test_objects_move_and_leave_the_rest_alone(canvas: Pixels) -> None:
    before = np.repeat(canvas[None], 5, axis=0)
    touched = []
    for seed in range(25):
        after = before.copy()
        paste_objects(np.random.default_rng(seed), after, texture=canvas[::-1].copy(), most=1)
        changed = (after != before).any(axis=-1)
        touched.append(changed.mean())
        again = before.copy()
        paste_objects(np.random.default_rng(seed), again, texture=canvas[::-1].copy(), most=1)
        np.testing.assert_array_equal(after, again)
    assert 0.01 < np.mean(touched) < 0.5


def test_grading_is_the_same_in_every_frame(canvas: Pixels) -> None:
    frames = np.repeat(canvas[None], 4, axis=0)
    for seed in range(20):
        graded = grade(np.random.default_rng(seed), frames)
        assert graded.dtype == np.float32
        assert graded.min() >= 0
        assert graded.max() <= 1
        for frame in graded[1:]:
            np.testing.assert_allclose(frame, graded[0], atol=1e-6)


def test_tone_curves_rise_and_faded_prints_are_flat() -> None:
    rng = np.random.default_rng(8)
    for _ in range(50):
        assert (np.diff(tone_curve(rng, faded=False)) >= 0).all()
        faded = tone_curve(rng, faded=True)
        assert faded[0] >= 0.02
        assert faded[-1] <= 0.96
