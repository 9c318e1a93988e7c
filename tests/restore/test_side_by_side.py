"""Pieces of a frame side by side: in order, within bounds, in modes of their own, ended together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pytest
import torch

from frdm_engine.restore.plans import BYTES_PER_WINDOW_PIXEL, fixed_bytes
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.side_by_side import side_by_side

Array = npt.NDArray[np.float32]


@contextmanager
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, float]]:
    """Works and how many were at once, each time a frame asks for them; and torch's threads."""
    from frdm_engine.restore import restorer

    told: list[tuple[int, int, float]] = []

    def spy(works: list[Callable[[], torch.Tensor]], *, count: int, **more: object) -> Iterator[torch.Tensor]:
        told.append((len(works), count, torch.get_num_threads()))
        return side_by_side(works, count=count, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(restorer, "side_by_side", spy)
    return told


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order_and_no_more_than_asked_for_run_at_once(count: int, two_threads: None) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> tuple[int, bool, int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02 if number % 2 else 0.04)
        with lock:
            running -= 1
        return number, torch.is_inference_mode_enabled(), torch.get_num_threads()

    pulses: list[str] = []
    with no_gradients():
        made = list(
            side_by_side(
                [lambda n=n: work(n) for n in range(7)],  # type: ignore[misc]
                count=count,
                inside=no_gradients,
                pulse=lambda: pulses.append(threading.current_thread().name),
            )
        )
    assert made == [(n, True, 2 if count == 1 else 1) for n in range(7)]
    assert most == count
    assert pulses == ["MainThread"] * 7
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("by", ["work", "pulse"])
def test_what_fails_ends_all_once_those_begun_have_ended(by: str, two_threads: None) -> None:
    ended: list[int] = []
    beats = iter(range(100))

    def work(number: int) -> int:
        time.sleep(0.05)
        if by == "work" and number == 1:
            raise MemoryError("work")
        ended.append(number)
        return number

    def pulse() -> None:
        if next(beats) == 2 and by == "pulse":
            raise MemoryError("pulse")

    works = [lambda n=n: work(n) for n in range(50)]
    with pytest.raises(MemoryError, match=by):
        list(side_by_side(works, count=2, inside=no_gradients, pulse=pulse))
    before = list(ended)
    time.sleep(0.15)
    assert ended == before
    assert len(ended) < 6
    assert torch.get_num_threads() == 2


def test_tiles_side_by_side_come_to_what_they_come_to_one_by_one(
    restorer: Callable[..., Restorer],
    pictures: Callable[..., dict[int, Array]],
    together: list[tuple[int, int, float]],
    two_threads: None,
) -> None:
    window = pictures(72, 100, range(5))
    made = restorer(settings=Settings(tile=64)).restore(window, 2)
    assert [told[1:] for told in together] == [(2, 2)] * 3
    assert together[0][0] == 1 + 5  # what is broad, frames to encode
    assert together[1][0] == 1 + 4  # what is broad to take back, neighbours to align
    assert together[2][0] > 2  # tiles
    torch.set_num_threads(1)
    alone = restorer(settings=Settings(tile=64)).restore(window, 2)
    assert [told[1:] for told in together[3:]] == [(1, 1)] * 3
    assert made.alpha.mean() > 0.05
    np.testing.assert_allclose(made.picture, alone.picture, atol=1e-5)
    again = restorer(settings=Settings(tile=64))
    torch.set_num_threads(2)
    np.testing.assert_array_equal(again.restore(window, 2).picture, made.picture)


def test_there_are_no_more_at_once_than_fit_the_memory(
    restorer: Callable[..., Restorer],
    pictures: Callable[..., dict[int, Array]],
    together: list[tuple[int, int, float]],
    two_threads: None,
) -> None:
    window = pictures(72, 100, range(5))
    for tiles, count in ((1.5, 1), (2.5, 2)):
        together.clear()
        room = fixed_bytes(100, 72) + int(tiles * BYTES_PER_WINDOW_PIXEL * 64 * 64)
        restorer(settings=Settings(tile=64, vram=room)).restore(window, 2)
        assert {told[1] for told in together} == {count}
