"""Cuts in generated footage: found whatever the damage, and none seen where there is none."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.errors import SequenceError, SettingError
from frdm_engine.plates import shots
from frdm_engine.plates.shots import Shots, cut_score, find_cuts, is_cut, small_frame

Frame = npt.NDArray[np.float32]
H, W, LENGTH = 96, 128, 6


@lru_cache
def scene(seed: int) -> Frame:
    """A large textured picture to pan over: blurred noise at two scales with a few hard edges."""
    rng = np.random.default_rng(seed)
    size = (2 * H, 3 * W)
    picture = cv2.GaussianBlur(rng.random((*size, 3)).astype(np.float32), (0, 0), 9) * 4 - 1.5
    picture += cv2.GaussianBlur(rng.random((*size, 1)).astype(np.float32), (0, 0), 2)[..., None] - 0.5
    for _ in range(12):
        corner = (int(rng.integers(3 * W)), int(rng.integers(2 * H)))
        far = (corner[0] + int(rng.integers(10, 80)), corner[1] + int(rng.integers(10, 60)))
        cv2.rectangle(picture, corner, far, tuple(rng.random(3).tolist()), -1)
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def shot(seed: int, *, pan: int, gain: float = 0.0, dirt: int = 0, noise: float = 0.0) -> list[Frame]:
    rng = np.random.default_rng(seed + 1000)
    picture = scene(seed)
    frames = []
    for index in range(LENGTH):
        frame = picture[20 : 20 + H, 8 + pan * index : 8 + pan * index + W].copy()
        frame = frame * rng.uniform(1 - gain, 1 + gain)
        for _ in range(dirt):
            at = (int(rng.integers(W)), int(rng.integers(H)))
            axes = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
            cv2.ellipse(frame, at, axes, 0, 0, 360, (float(rng.choice([0.02, 0.95])),) * 3, -1)
        frame += rng.normal(0, noise, frame.shape)
        frames.append(np.clip(frame, 0, 1).astype(np.float32))
    return frames


DAMAGE: dict[str, dict[str, float]] = {
    "clean": {},
    "flicker": {"gain": 0.4},
    "dirt": {"dirt": 40},
    "all at once": {"gain": 0.3, "dirt": 30, "noise": 0.06},
}


def cuts_of(frames: list[Frame]) -> tuple[int, ...]:
    smalls = [small_frame(frame) for frame in frames]
    return find_cuts(range(len(frames)), small=lambda number: smalls[number])


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("pan", [0, 3, 8])
def test_cuts_and_only_cuts_are_found(damage: str, pan: int) -> None:
    frames = [f for seed in range(4) for f in shot(seed, pan=pan, **DAMAGE[damage])]  # type: ignore[arg-type]
    assert cuts_of(frames) == (LENGTH, 2 * LENGTH, 3 * LENGTH)


@pytest.mark.parametrize("strange", ["flash", "white", "black", "torn"])
def test_one_strange_frame_is_no_cut(strange: str) -> None:
    frames = shot(1, pan=3)
    bad = frames[3]
    frames[3] = {
        "flash": np.clip(bad * 3 + 0.3, 0, 1),
        "white": np.ones_like(bad),
        "black": np.zeros_like(bad),
        "torn": scene(9)[:H, :W],
    }[strange]
    assert cuts_of(frames) == ()


def test_a_chunk_sees_what_the_whole_sequence_sees() -> None:
    frames = shot(0, pan=3) + shot(1, pan=3) + shot(2, pan=12)
    smalls = [small_frame(frame) for frame in frames]
    whole = find_cuts(range(len(frames)), small=lambda number: smalls[number])
    seen: set[int] = set()
    for start in range(0, len(frames), 4):
        chunk = range(start, min(start + 4, len(frames)))
        read = range(max(start - 2, 0), min(chunk.stop + 2, len(frames)))
        seen |= set(find_cuts(read, small=lambda number: smalls[number])) & set(chunk)
    assert tuple(sorted(seen)) == whole == (LENGTH, 2 * LENGTH)


def test_a_cut_from_black_is_one() -> None:
    frames = [np.zeros((H, W, 3), np.float32)] * 3 + shot(1, pan=3)
    assert cuts_of(frames) == (3,)


def test_even_frames_hold_no_cut() -> None:
    assert cuts_of([np.full((H, W, 3), level, np.float32) for level in (0, 0, 0.5, 0.5, 1)]) == ()


def test_the_frames_beside_are_optional() -> None:
    a, b = small_frame(shot(0, pan=0)[0]), small_frame(shot(1, pan=0)[0])
    assert is_cut(a, b)
    assert cut_score(a, a) == pytest.approx(0, abs=1e-4)
    assert cut_score(a, b) >= cut_score(a, b, before=a, after=b) >= shots.CUT_THRESHOLD


@pytest.mark.parametrize(("size", "small"), [((480, 640), (48, 64)), ((640, 480), (64, 48)), ((20, 2000), (16, 64))])
def test_small_frames_are_64_long(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_frame(np.zeros((*size, 3), np.float32)).shape == small


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(SettingError, match="one size"):
        cut_score(np.zeros((48, 64), np.float32), np.zeros((36, 64), np.float32))


def test_shots_by_their_first_frames() -> None:
    given = Shots.parse("1055, 1010")
    assert given.firsts == (1010, 1055)
    assert [given.shot_of(frame) for frame in (1001, 1009, 1010, 1054, 1055)] == [0, 0, 1, 1, 2]
    assert Shots.parse("") == Shots()
    with pytest.raises(SequenceError):
        Shots.parse("ten")


def test_a_window_stays_in_its_shot_and_skips_gaps() -> None:
    frames = [n for n in range(1000, 1021) if n != 1012]
    given = Shots((1010,))
    assert given.window(1009, radius=2, frames=frames) == (1007, 1008, 1009)
    assert given.window(1010, radius=2, frames=frames) == (1010, 1011)
    assert given.window(1000, radius=2, frames=frames) == (1000, 1001, 1002)
    assert given.window(1015, radius=0, frames=frames) == (1015,)
