"""The engine dies or its disk is full in the middle of a run: what the colourist reads, and what the project holds."""

from __future__ import annotations

import dataclasses
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve import clips, engine, marks, remove, runs
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin
from tests.networks import tiny_network
from tests.server.served import Served

START = 86400
LENGTH = 24
SILENT = (
    r": The engine at \S*engine\.sock did not answer in \d s\. Is it running\? "
    r"Start it with `frdm serve`, or see what it does with `frdm status`\."
)
AtWork = Callable[[], Open]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and mounts")


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An engine of the test's own, given up after a few seconds of silence."""
    folder = tmp_path_factory.mktemp("mortal")
    tiny_network().save_pretrained(folder / "tiny")
    monkeypatch.setattr(engine, "PATIENCE", 3.0)
    with Served(folder, folder / "tiny", "--read", str(tmp_path_factory.getbasetemp())) as served:
        yield served


@pytest.fixture
def shots(project: Any, tmp_path: Path) -> list[Any]:
    """A sequence, a movie and two sequences, one after the other on the first track."""
    made = []
    for at, name in enumerate("abcd"):
        start = f"01:0{at}:00:00"
        if name == "b":
            pictures = [standin.picture(number) for number in range(1001, 1001 + LENGTH)]
            clip = standin.bring(standin.movie(tmp_path / "b.mov", pictures, start=start))
        else:
            standin.sequence(tmp_path / f"{name}_%04d.exr", range(1001, 1001 + LENGTH), timecode=start)
            clip = standin.bring(tmp_path / f"{name}_%04d.exr", 1001, 1000 + LENGTH)
        made.append(standin.cut(clip, first=0, last=LENGTH - 1, at=START + at * LENGTH))
    return made


@pytest.fixture
def small(served: Served) -> Iterator[Path]:
    """A folder the engine may write, on a file system of its own with room for a few frames."""
    folder = served.folder / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1024k", "frdm-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def run(
    at_work: AtWork, options: Options, tell: runs.Tell = lambda what, done, total, left: None
) -> list[runs.Outcome]:
    chosen, refused = clips.choose(at_work(), "timeline")
    assert refused == []
    return runs.restore(at_work(), chosen, options, tell=tell)


def kill(served: Served) -> None:
    """The engine and its worker are gone at once, as for want of memory."""
    worker = served.worker
    served.process.send_signal(signal.SIGKILL)
    worker.kill()
    served.process.communicate()


def results(folder: Path) -> dict[Path, int]:
    """Every result on the disk, and when it was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.exr") if path.parent.name != "source"}


def in_sync(project: Any) -> None:
    """Every frame of the timeline shows its own source frame, restored or not."""
    line = project.GetCurrentTimeline()
    for at in range(4 * LENGTH):
        told = float(standin.seen(line, START + at, (64, 48))[0, 0, 0]) * 1024
        assert told == pytest.approx(1001 + at % LENGTH, abs=0.6)


def placed(project: Any, place: str) -> list[int]:
    """Where results that carry a mark begin on the timeline."""
    line = project.GetCurrentTimeline()
    return sorted(
        int(item.GetStart(False)) for _, item in marks.items(line) for mark in marks.read(item) if mark.way == place
    )


@pytest.mark.parametrize("place", ["track", "take"])
def test_the_engine_is_killed_in_the_middle(
    session: standin.Session, project: Any, at_work: AtWork, shots: list[Any], mortal: Served, place: str
) -> None:
    out = mortal.folder / "out"
    options = Options(place=place, folder=str(out), connection=str(mortal.connection))
    before = standin.snapshot(project)
    seen: list[Any] = []

    def tell(what: str, done: int, total: int, left: float | None) -> None:
        if not seen and what == shots[1].GetName() and done >= 2:
            seen.append(standin.snapshot(project))
            kill(mortal)

    told = run(at_work, options, tell)
    assert [one.state for one in told] == ["done", "failed", "failed", "failed"], told
    for at in (1, 2, 3):
        assert re.fullmatch(re.escape(shots[at].GetName()) + SILENT, told[at].said), told[at]
    assert standin.snapshot(project) == seen[0] != before
    assert placed(project, place) == [START]
    in_sync(project)
    kept = results(out)
    assert LENGTH + 2 <= len(kept) < 2 * LENGTH

    mortal.start()
    again = run(at_work, options)
    assert [one.state for one in again] == ["kept", "done", "done", "done"], again
    now = results(out)
    assert len(now) == 4 * LENGTH
    assert {path: now[path] for path in kept} == kept
    assert session.calls.count("Project.AddRenderJob") == 1
    assert placed(project, place) == [START + at * LENGTH for at in range(4)]
    in_sync(project)
    assert [one.state for one in run(at_work, options)] == ["kept"] * 4
    assert results(out) == now
    assert {one.state for one in remove.remove(at_work())} == {"done"}
    assert standin.snapshot(project) == before
    assert session.violations == []


def test_the_engine_is_silent(project: Any, at_work: AtWork, shots: list[Any], mortal: Served) -> None:
    before = standin.snapshot(project)
    options = Options(folder=str(mortal.folder / "out"), connection=str(mortal.connection))
    mortal.process.send_signal(signal.SIGSTOP)
    try:
        (told,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], options)
    finally:
        mortal.process.send_signal(signal.SIGCONT)
    assert told.state == "failed"
    assert re.fullmatch(re.escape(shots[0].GetName()) + SILENT, told.said), told
    assert standin.snapshot(project) == before


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_the_disk_of_the_results_is_full(
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    shots: list[Any],
    options: Options,
    small: Path,
    moment: str,
) -> None:
    asked = dataclasses.replace(options, folder=str(small), place="take")
    before = standin.snapshot(project)

    def fill() -> None:
        with (small / "other").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                return

    def tell(what: str, done: int, total: int, left: float | None) -> None:
        if done >= 2 and not (small / "other").exists():
            fill()

    chosen = clips.choose(at_work(), "current")[0]
    if moment == "before":
        fill()
    (told,) = runs.restore(at_work(), chosen, asked, tell=tell)
    assert told.state == "failed"
    assert re.fullmatch(
        re.escape(f"{shots[0].GetName()}: {small}/") + r"Film/.*\.exr cannot be written \(.*\); .*free space.*\.",
        told.said,
    ), told
    assert standin.snapshot(project) == before
    assert list(small.rglob("*.tmp*")) == []
    kept = results(small)
    assert (len(kept) >= 2) == (moment == "meanwhile")

    (small / "other").unlink()
    (again,) = runs.restore(at_work(), chosen, asked)
    assert again.state == "done", again
    now = results(small)
    assert len(now) == LENGTH
    assert {path: now[path] for path in kept} == kept
    assert remove.remove(at_work())[0].state == "done"
    assert standin.snapshot(project) == before
    assert session.violations == []
