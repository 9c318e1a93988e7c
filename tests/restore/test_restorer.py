"""One frame from its window: nothing else changes, order leaves no trace, memory is bounded, errors are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from frdm_engine.errors import DeviceError, MaskError, SettingError
from frdm_engine.model.small import shrink
from frdm_engine.restore import global_residual
from frdm_engine.restore import restorer as restoring
from frdm_engine.restore.device import choose_device
from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import GIB, Settings
from frdm_engine.restore.tiles import Held
from tests.restore.results import alike, differ, restore_all

Array = npt.NDArray[np.float32]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]


# C1: do no harm


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(tile=64), Settings(steps=3), Settings(seed=9, grain=4, strength=3)], ids=str
)
def test_where_alpha_is_zero_every_bit_stays(settings: Settings, restorer: Make, pictures: Pictures) -> None:
    window = pictures(72, 100, range(5))
    window[2][5, 95], window[2][6, 96], window[2][7, 97] = -0.25, 5.9, -0.0
    kept = {number: picture.copy() for number, picture in window.items()}
    force, protect = np.zeros((72, 100), np.float32), np.zeros((72, 100), np.float32)
    force[:, :20], protect[:, 80:] = 1, 1
    made = restorer(settings=settings).restore(window, 2, force=force, protect=protect)
    untouched = made.alpha == 0
    assert 0.19 < untouched.mean() < 0.81
    np.testing.assert_array_equal(made.picture[untouched].view(np.uint32), window[2][untouched].view(np.uint32))
    assert (made.picture[made.alpha == 1] != window[2][made.alpha == 1]).any(axis=-1).mean() > 0.95
    assert made.picture.dtype == made.mattes.dtype == made.alpha.dtype == np.float32
    assert made.mattes.shape == (4, 72, 100)
    assert np.isfinite(made.picture).all()
    for number, picture in window.items():
        np.testing.assert_array_equal(picture, kept[number])


def test_no_damage_is_a_plain_copy(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(3))
    made = restorer(bias=-1e4).restore(window, 1)
    assert made.sampled == 1
    assert not made.alpha.any()
    np.testing.assert_array_equal(made.picture, window[1])
    assert made.picture is not window[1]


def test_further_steps_are_for_tiles_with_damage(restorer: Make, pictures: Pictures) -> None:
    """The first step finds it; where there is none the others are left out, and a hole by hand counts as found."""
    window = pictures(40, 56, range(3))
    for bias, force, expected in ((-1e4, None, 1), (-1e4, np.ones((40, 56), np.float32), 4), (10.0, None, 4)):
        taken: list[int] = []
        made = restorer(bias=bias, settings=Settings(steps=4))
        made.model.denoiser.register_forward_hook(lambda *_, taken=taken: taken.append(1))
        made.restore(window, 1, force=force)
        assert len(taken) == expected


def test_strength_zero_changes_nothing(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(3))
    made = restorer(bias=10.0, settings=Settings(strength=0)).restore(window, 1)
    np.testing.assert_array_equal(made.picture, window[1])


def test_pixels_that_are_not_usable_stay(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(3))
    usable = np.ones((40, 56), dtype=bool)
    usable[10:20, 30:40] = False
    made = restorer(bias=10.0).restore(window, 1, usable=usable, force=np.ones((40, 56), np.float32))
    np.testing.assert_array_equal(made.picture[~usable], window[1][~usable])
    assert not made.alpha[~usable].any()
    assert (made.alpha[usable] == 1).all()


# C2: same in, same out


def test_order_and_chunks_change_nothing(restorer: Make, pictures: Pictures) -> None:
    window = pictures(60, 90, range(1, 9))
    settings = Settings(tile=64)
    once = restore_all(restorer(settings=settings), window, range(1, 9))
    assert all(0 < (made.alpha > 0).mean() < 1 for made in once.values())

    twice = restorer(settings=settings)
    first = restore_all(twice, {n: window[n] for n in range(1, 7)}, range(1, 5))
    twice.forget()
    second = restore_all(twice, {n: window[n] for n in range(3, 9)}, range(5, 9))
    backwards = restore_all(restorer(settings=settings), window, range(8, 0, -1))
    jumping = restore_all(restorer(settings=settings), window, (8, 1, 5, 4))
    fresh = {number: restorer(settings=settings).restore(window, number) for number in (1, 4, 8)}
    for runs in (first | second, backwards, jumping, fresh):
        for number, made in runs.items():
            alike(made, once[number])


def test_only_frames_within_the_radius_count(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(9))
    near = {number: window[number] for number in range(2, 7)}
    far = window | {number: 1 - window[number] for number in (0, 1, 7, 8)}
    made = restorer().restore(window, 4)
    alike(made, restorer().restore(near, 4))
    alike(made, restorer().restore(far, 4))
    assert differ(made, restorer().restore(window | {6: 1 - window[6]}, 4))


def test_what_is_kept_does_not_grow(restorer: Make, pictures: Pictures) -> None:
    window = pictures(24, 32, range(8))
    for order in (range(8), range(7, -1, -1), (7, 0, 4)):
        used = restorer()
        for number in order:
            used.restore(window, number)
            assert sum(len(kept) for _, kept in used.kept.encoded.values()) <= 5


def test_the_order_of_tiles_leaves_no_trace(
    restorer: Make, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame is worked through from the last tile to the first, and every tile twice."""
    window = pictures(100, 130, range(5))
    ours = restorer(settings=Settings(tile=64))
    boxes = [(tile.wx0, tile.wy0, tile.wx1, tile.wy1) for tile in ours.plan(130, 100).tiles]
    assert len(boxes) >= 6
    forwards = ours.restore(window, 2)
    look = Held.look
    done: dict[tuple[int, int, int, int], torch.Tensor] = {}

    def backwards(held: Held, box: tuple[int, int, int, int]) -> torch.Tensor:
        if not done:
            done.update({other: look(held, other) for other in reversed(boxes)})
        return done[box]

    monkeypatch.setattr(Held, "look", backwards)
    alike(forwards, restorer(settings=Settings(tile=64)).restore(window, 2))
    assert len(done) == len(boxes)


@pytest.mark.parametrize("tile", [64, 96, 128])
def test_tiles_make_the_frame_that_one_piece_makes(tile: int, restorer: Make, pictures: Pictures) -> None:
    """But for what halos cut off: each tile's noise, place, motion, features and residual are the frame's there."""
    window = pictures(100, 160, range(5))
    everything = np.ones((100, 160), np.float32)
    whole, tiled = (
        restorer(settings=Settings(grain=0, tile=size)).restore(window, 2, force=everything) for size in (None, tile)
    )
    assert np.abs(whole.picture - window[2]).mean() > 0.05
    apart = np.abs(whole.picture - tiled.picture)
    assert apart.mean() < 0.002
    assert apart.max() < 0.02


@pytest.mark.parametrize("local", [True, False])
def test_noise_belongs_to_seed_and_frame_number(local: bool, restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(5))
    moved = {number + 100: picture for number, picture in window.items()}
    force = np.ones((40, 56), np.float32)

    def made(settings: Settings, frames: dict[int, Array], number: int) -> Restored:
        return restorer(local=local, settings=settings).restore(frames, number, force=force)

    plain = made(Settings(grain=0), window, 2)
    alike(plain, made(Settings(grain=0), window, 2))
    assert differ(plain, made(Settings(grain=0), moved, 102))
    assert differ(plain, made(Settings(grain=0, seed=1), window, 2))


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (61, 130), (200, 150), (1, 40), (300, 9)], ids=str)
def test_any_size_is_restored(size: tuple[int, int], restorer: Make, pictures: Pictures) -> None:
    window = pictures(*size, range(3))
    force = np.ones(size, np.float32)
    made = restorer(settings=Settings(tile=96), bias=-1e4).restore(window, 1, force=force)
    assert made.picture.shape == (*size, 3)
    assert made.alpha.shape == size
    assert np.isfinite(made.picture).all()
    assert (made.picture != window[1]).any(axis=-1).mean() > 0.9


def test_ends_of_a_shot_and_single_frames(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 56, range(4))
    for number in (0, 3):
        assert restorer().restore(window, number).alpha.any()
    alone = restorer().restore({7: window[0]}, 7)
    assert alone.alpha.any()
    assert np.isfinite(alone.picture).all()


def test_stereo_views_are_kept_apart(restorer: Make, pictures: Pictures) -> None:
    left, right = pictures(40, 56, range(5), seed=1), pictures(40, 56, range(5), seed=2)
    both = restorer()
    for number in (1, 2, 3):
        for view, window in (("left", left), ("right", right)):
            made = both.restore(window, number, view=view)
            alike(made, restorer().restore(window, number))


def test_forget_lets_frame_numbers_change_their_meaning(restorer: Make, pictures: Pictures) -> None:
    one, other = pictures(40, 56, range(5), seed=1), pictures(40, 56, range(5), seed=2)
    used = restorer()
    used.restore(one, 2)
    used.forget()
    alike(used.restore(other, 2), restorer().restore(other, 2))


def test_views_of_different_sizes_and_a_change_of_size(restorer: Make, pictures: Pictures) -> None:
    small, large = pictures(24, 32, range(3)), pictures(40, 72, range(3))
    used = restorer()
    for window in (small, large, small):
        alike(used.restore(window, 1), restorer().restore(window, 1))


# C3, C4: memory and errors


class Limited(nn.Module):
    """A denoiser that runs out of memory above a window size."""

    def __init__(self, inner: nn.Module, largest: int, error: type[Exception]) -> None:
        super().__init__()
        self.inner, self.largest, self.error = inner, largest, error

    def forward(self, state: torch.Tensor, *rest: Any) -> Any:
        if max(state.shape[-2:]) > self.largest:
            raise self.error(f"Tried to allocate {state.numel()} B")
        return self.inner(state, *rest)


def limit(restorer: Restorer, largest: int, error: type[Exception] = torch.OutOfMemoryError) -> Restorer:
    setattr(restorer.model, "denoiser", Limited(restorer.model.denoiser, largest, error))  # noqa: B010 - of another type
    return restorer


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
def test_out_of_memory_makes_a_smaller_plan_and_says_so(
    error: type[Exception], restorer: Make, pictures: Pictures
) -> None:
    window = pictures(40, 280, range(3))
    short = limit(restorer(), 160, error)
    made = short.restore(window, 1)
    assert short.settings.tile == 128
    assert len(short.notes) == 1
    assert "frame 1" in short.notes[0]
    assert "ran out of memory with tiles of 288 pixels; went on with tiles of 128" in short.notes[0]
    alike(made, restorer(settings=Settings(tile=128)).restore(window, 1))
    short.restore(window, 2)
    assert len(short.notes) == 1


def test_memory_is_tried_down_to_the_smallest_tile(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 200, range(3))
    short = limit(restorer(), 128)
    short.restore(window, 1)
    assert short.settings.tile == 128


def test_too_little_memory_for_the_smallest_tile_is_an_error(restorer: Make, pictures: Pictures) -> None:
    window = pictures(40, 280, range(3))
    with pytest.raises(DeviceError, match=r"Frame 1 does not fit cpu even in tiles of 128 pixels \(Tried to .*\)"):
        limit(restorer(), 20).restore(window, 1)


def test_other_failures_are_not_swallowed(restorer: Make, pictures: Pictures) -> None:
    broken = limit(restorer(), 20, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        broken.restore(pictures(40, 56, range(3)), 1)
    assert broken.notes == []


def test_a_budget_is_kept_by_smaller_tiles_or_refused(restorer: Make) -> None:
    generous, tight = (restorer(settings=Settings(vram=budget)).plan(4096, 2160) for budget in (24 * GIB, 2 * GIB))
    assert len(tight.tiles) > len(generous.tiles)
    assert tight.device_bytes <= 2 * GIB < generous.device_bytes <= 24 * GIB
    with pytest.raises(DeviceError, match="raise the budget"):
        restorer(settings=Settings(vram=10**8)).plan(64, 64)
    with pytest.raises(SettingError, match="Tile 100 is not a multiple of 32"):
        restorer(settings=Settings(tile=100)).plan(64, 64)


def test_windows_that_do_not_fit_together_are_refused(restorer: Make, pictures: Pictures) -> None:
    window = pictures(24, 32, range(3))
    with pytest.raises(SettingError, match="Frame 7 is not among the frames given"):
        restorer().restore(window, 7)
    wrong: list[npt.NDArray[Any]] = [
        window[0].astype(np.float64),
        window[0].astype(np.float16),
        window[0][..., 0],
        np.dstack((window[0], window[0][..., :1])),
    ]
    for other in wrong:
        with pytest.raises(SettingError, match="Frame 0 is"):
            restorer().restore(window | {0: other}, 1)
        with pytest.raises(SettingError, match=r"Frame 1 is .* must be"):
            restorer().restore({1: other}, 1)
    with pytest.raises(SettingError, match=r"Frame 0 is \(20, 32, 3\) float32, frame 1 is \(24, 32, 3\)"):
        restorer().restore(window | {0: window[0][:20]}, 1)


@pytest.mark.parametrize("name", ["protect", "force", "usable"])
def test_a_mask_of_another_size_is_refused(name: str, restorer: Make, pictures: Pictures) -> None:
    masks: dict[str, Any] = {name: np.ones((24, 30), np.float32)}
    with pytest.raises(MaskError, match=rf"{name} is \(24, 30\), frame 1 is \(24, 32\)"):
        restorer().restore(pictures(24, 32, range(3)), 1, **masks)


@pytest.mark.parametrize("name", ["tape", "cuda:99", "cuda:-1", "cpu:x", ""])
def test_no_such_device_is_named(name: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {name}"):
        choose_device(name)


def test_devices_there_are() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda")


def test_steps_are_the_models_own_unless_set(restorer: Make) -> None:
    assert restorer(default_steps=3).steps == 3
    assert restorer(default_steps=3, settings=Settings(steps=2)).steps == 2
    assert restorer(radius=3).reach == 6
    made = restorer()
    made.settings = replace(made.settings, steps=5)
    assert made.steps == 5


def test_what_stays_in_its_place_is_looked_for_in_all_frames_within_reach(
    restorer: Make, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames beyond the window tell a fixed pattern; near the ends of a shot there are fewer. Each is made small once
    while it is within reach."""
    seen, shrunk = [], []

    def low_resolution(model: Any, small: Any, beyond: Any = ()) -> Any:
        seen.append((len(small), len(beyond)))
        return global_residual.low_resolution(model, small, beyond)

    def small_of(planes: torch.Tensor, side: int) -> torch.Tensor:
        shrunk.append(planes)
        return shrink(planes, side)

    monkeypatch.setattr(restoring, "low_resolution", low_resolution)
    monkeypatch.setattr(restoring, "shrink", small_of)
    window, made = pictures(40, 56, range(12)), restorer(stains=-2.0)
    for frame in range(7):
        made.restore({number: window[number] for number in window if abs(number - frame) <= 6}, frame)
    assert seen == [(5, 2), (5, 2), (5, 2), (5, 3), (5, 4), (5, 4), (5, 4)]
    assert len(shrunk) == 11
    alone = restorer(stains=-2.0)
    same = alone.restore(window, 6)
    np.testing.assert_array_equal(made.restore(window, 6).picture, same.picture)
    without = alone.restore({number: window[number] for number in range(4, 9)}, 6)
    assert not np.array_equal(same.mattes[2], without.mattes[2])
