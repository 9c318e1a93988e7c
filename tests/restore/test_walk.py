"""A job walked step by step: others in between change nothing, an end within a frame leaves whole ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from frdm_engine.plates import Sequence
from frdm_engine.plates.exr import Part, write_parts
from frdm_engine.restore import stream as streaming
from frdm_engine.restore.finishing import Looked, Restored
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Done, Walk, run
from tests.restore.on_disk import Make, Pictures, files, job_of


class _Enough(Exception):
    pass


def test_two_jobs_in_turns_give_the_files_of_one_after_the_other(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot()
    for seed in (0, 1):
        run(job_of(source, tmp_path / f"quiet{seed}"), restorer(settings=Settings(seed=seed)))
    walks = [Walk(job_of(source, tmp_path / f"turns{seed}"), restorer(settings=Settings(seed=seed))) for seed in (0, 1)]
    with walks[0], walks[1]:
        while walks[0].left:
            for walk in walks:
                walk.step()
                walk.pause()
    for seed in (0, 1):
        assert files(tmp_path / f"turns{seed}") == files(tmp_path / f"quiet{seed}")


def test_frames_are_told_of_when_they_are_whole(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 4))
    told: list[tuple[Done, bool, str]] = []

    def hear(done: Done) -> None:
        told.append((done, done.written[0].is_file(), threading.current_thread().name))

    with Walk(job_of(source, tmp_path / "a"), restorer(), on_frame=hear, at_once=True) as walk:
        walk.step()
        walk.drain()
        assert [done.frame for done, _, _ in told] == [1]
        walk.step()
        walk.step()
        assert walk.left == ()
    assert [(done.frame, whole, thread[:10]) for done, whole, thread in told] == [
        (number, True, "frdm-write") for number in (1, 2, 3)
    ]


def test_frames_written_side_by_side_are_told_of_in_their_order(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first frame is not written before the second is: both are under way, and neither is told of before."""
    source, second = shoot(range(1, 6)), threading.Event()
    told: list[Done] = []
    order: list[str] = []

    def write(path: Path, parts: tuple[Part, ...]) -> None:
        if path.name.endswith("0001.exr"):
            assert second.wait(60), "the second frame was not written beside the first"
        write_parts(path, parts)
        order.append(path.name)
        if path.name.endswith("0002.exr"):
            second.set()

    monkeypatch.setattr(streaming, "write_parts", write)
    with Walk(job_of(source, tmp_path / "a"), restorer(), on_frame=told.append, at_once=True) as walk:
        walk.go(lambda: False)
        lines = list(walk.ledger.lines)
    assert order[:2] == ["plate.0002.exr", "plate.0001.exr"]
    assert [done.frame for done in told] == lines == [1, 2, 3, 4, 5]
    run(job_of(source, tmp_path / "b"), restorer())
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_frame_is_finished_while_the_next_is_looked_at(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, finish, seen = restorer(), Looked.finish, threading.Event()
    threads: list[str] = []

    def late(self: Looked) -> Restored:
        threads.append(threading.current_thread().name[:10])
        if self.frame < 3:  # waits until the device is at the frame after it
            assert seen.wait(60)
        return finish(self)

    def pulse() -> None:
        if walk.left[0] == 2:
            seen.set()

    monkeypatch.setattr(Looked, "finish", late)
    made.pulse = pulse
    with Walk(job_of(shoot(range(1, 4)), tmp_path / "a"), made) as walk:
        walk.go(lambda: False)
    assert threads == ["frdm-write"] * 3
    assert sorted(files(tmp_path / "a")) == [f"plate.000{number}.exr" for number in (1, 2, 3)]


def test_what_pulse_raises_ends_the_frame_within_a_tile(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 4))
    made = restorer()
    count = 0

    def pulse() -> None:
        nonlocal count
        count += 1
        if walk.left[0] == 2:
            raise _Enough

    made.pulse = pulse
    with Walk(job_of(source, tmp_path / "out"), made) as walk:
        walk.step()
        before = count
        with pytest.raises(_Enough):
            walk.step()
        assert count == before + 1
        walk.drain()
    assert sorted(files(tmp_path / "out")) == ["plate.0001.exr"]
    assert list((tmp_path / "out").glob(".*")) == []
    made.pulse = lambda: None
    run(job_of(source, tmp_path / "out", resume=True), made)
    run(job_of(source, tmp_path / "quiet"), restorer())
    assert files(tmp_path / "out") == files(tmp_path / "quiet")


def test_pulse_comes_before_every_tile(restorer: Make, pictures: Pictures) -> None:
    made = restorer(settings=Settings(tile=64))
    counted: list[int] = []
    made.pulse = lambda: counted.append(1)
    made.restore(pictures(96, 96, range(1, 2)), 1)
    tiles = len(made.plan(96, 96).tiles)
    assert tiles > 1
    # Once for what is broad, the frame to be encoded, each tile of it, what is broad taken back, each neighbour aligned
    # and each tile sampled.
    assert len(counted) == 1 + 1 + tiles + 1 + 2 * made.model.limits.radius + tiles
