"""What goes wrong around an engine ends in a clear event or error, and the engine serves the next job (C4)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frdm_bridge import JobSpec
from frdm_bridge.messages import Event
from frdm_engine.errors import JournalError
from frdm_engine.plates import Sequence
from frdm_engine.server.service import Service
from tests.server.engines import (
    Engine,
    Reference,
    Shoot,
    all_events,
    ended,
    frame_in_hand,
    kinds,
    pictures,
    request_of,
    temporary_files,
    until,
)
from tests.server.served import ROOT, Served

FRAMES = 300 if os.environ.get("FRDM_FULL") else 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes file systems of their own, of so many KiB, where that is permitted."""
    mounted: list[Path] = []

    def make(name: str, *, kib: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "frdm-test", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def served_next(service: Service, source: Any, out: Path) -> None:
    """The engine lives: another job is done."""
    other = request_of(source, out, range(1, 2))
    service.submit("ben", other)
    assert ended(service, other["key"])[0]["state"] == "done"


def failure(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """The last event of a job that must fail."""
    assert ended(service, request["key"])[0]["state"] == "failed"
    assert kinds(service, request["key"])[-1] == "failed"
    return all_events(service, request["key"])[-1]


def submit_many(service: Service, source: Any, out: Path) -> None:
    """Small jobs with long names, one after the other: the last of the journal's room goes."""
    for _ in range(100):
        service.submit("ben", request_of(source, out, range(1, 2)) | {"label": "x" * 4000})


def test_a_full_disk_ends_the_job_with_whole_frames(
    tmp_path: Path, shoot: Shoot, shared: Service, disk: Callable[..., Path]
) -> None:
    source = shoot(tmp_path / "in", range(1, 9), height=64, width=64)
    size = source.path(1).stat().st_size
    out = disk("small", kib=9 * size // 1024)  # the plates fit, but not beside their sidecar and something else
    (out / "other").write_bytes(os.urandom(5 * size))
    request = request_of(source, out)
    shared.submit("anna", request)
    told = failure(shared, request)
    assert told["code"] == "output"
    assert "free and 8 frames need" in told["sentence"] or "cannot be written" in told["sentence"]
    # Room at the start, none later.
    (out / "other").unlink()
    request = request_of(source, out)
    shared.submit("anna", request)
    until(lambda: any(event["kind"] == "frame_ready" for event in all_events(shared, request["key"])))
    with contextlib.suppress(OSError):
        (out / "other").write_bytes(b"x" * 20 * size)
    told = failure(shared, request)
    assert told["code"] == "output"
    assert str(out) in told["sentence"]
    ready = {event["path"] for event in all_events(shared, request["key"]) if event["kind"] == "frame_ready"}
    assert ready == {str(path) for path in out.glob("*.exr")}
    assert temporary_files(out) == []
    served_next(shared, source, tmp_path / "other")


def test_a_source_that_vanishes_is_named(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 25), height=96, width=96)
    request = request_of(source, tmp_path / "out")
    shared.submit("anna", request)
    until(lambda: (frame_in_hand(shared) or 0) >= 2)
    for number in range(17, 25):
        source.path(number).unlink()
    told = failure(shared, request)
    # What was read by then is restored; all that needs what was not fails, and the frames before are whole.
    failed = 25 - told["frame"]
    assert 1 < told["frame"] <= 24
    assert told["sentence"].startswith(f"{failed} of 24 frames could not be restored, frames {told['frame']}-24, ")
    assert ("plate.00" in told["sentence"], told["code"], told["frames"]) == (True, "input", f"{told['frame']}-24")
    assert len(pictures(tmp_path / "out")) == told["frame"] - 1
    assert temporary_files(tmp_path / "out") == []
    served_next(shared, source, tmp_path / "other")


def test_a_bad_plate_fails_alone(tmp_path: Path, shoot: Shoot, shared: Service, reference: Reference) -> None:
    source = shoot(tmp_path / "in", range(1, 13))
    whole = source.path(6).read_bytes()
    source.path(6).write_bytes(whole[: len(whole) // 2])
    request = request_of(source, tmp_path / "out")
    shared.submit("anna", request)
    told = failure(shared, request)
    assert (told["code"], told["frame"], told["frames"]) == ("input", 6, "6")
    assert told["sentence"].startswith("1 of 12 frames could not be restored, frame 6: ")
    events = all_events(shared, request["key"])
    [bad] = [event for event in events if event.get("failed")]
    assert (bad["kind"], bad["frame"], "plate.0006.exr" in bad["text"]) == ("warning", 6, True)
    [lost] = [event for event in events if event["kind"] == "warning" and event is not bad]
    assert (lost["frame"], lost["text"].endswith("Frames beside it are restored without it.")) == (6, True)
    assert [event["frame"] for event in events if event["kind"] == "frame_ready"] == [*range(1, 6), *range(7, 13)]
    source.path(6).unlink()
    gap = Sequence.find(source.pattern)
    assert pictures(tmp_path / "out") == reference(gap, tmp_path / "gap")
    # Asked for alone, it is the plate that is meant.
    source.path(6).write_bytes(b"no picture")
    request = request_of(source, tmp_path / "one", range(6, 7), interactive=True)
    shared.submit("anna", request)
    told = failure(shared, request)
    assert (told["code"], told["sentence"].startswith(str(source.path(6)))) == ("input", True)


def test_frame_after_frame_that_fails_ends_the_job(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 41))
    for number in range(3, 41):
        source.path(number).write_bytes(b"no picture")
    request = request_of(source, tmp_path / "out")
    shared.submit("anna", request)
    told = failure(shared, request)
    assert told["sentence"].startswith("20 frames one after the other could not be done, the last one so: ")
    assert (told["frame"], told.get("frames", "")) == (22, "")
    assert len([event for event in all_events(shared, request["key"]) if event.get("failed")]) == 20
    assert len(pictures(tmp_path / "out")) == 2


def test_an_output_that_may_not_be_written(
    tmp_path: Path, shoot: Shoot, shared: Service, disk: Callable[..., Path]
) -> None:
    source = shoot(tmp_path / "in", range(1, 4))
    (tmp_path / "file").write_bytes(b"")
    request = request_of(source, tmp_path / "file" / "out")
    shared.submit("anna", request)
    told = failure(shared, request)
    assert told["code"] == "output"
    assert "cannot be made" in told["sentence"]
    locked = disk("locked", kib=10_000)
    subprocess.run(["mount", "-o", "remount,ro", str(locked)], check=True)
    request = request_of(source, locked)
    shared.submit("anna", request)
    told = failure(shared, request)
    assert told["code"] == "output"
    assert "ead-only file system" in told["sentence"]
    assert "check the folder's permissions" in told["sentence"]
    served_next(shared, source, tmp_path / "other")


def test_a_journal_without_room_holds_everything_up_and_loses_nothing(
    tmp_path: Path, shoot: Shoot, engine: Engine, disk: Callable[..., Path], reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 9), height=48, width=48)
    wanted = reference(source, tmp_path / "wanted")
    home = disk("home", kib=1024)
    service = engine()
    request = request_of(source, tmp_path / "out")
    service.submit("anna", request)
    until(lambda: frame_in_hand(service) == 2)
    with contextlib.suppress(OSError), (home / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)
    with pytest.raises(JournalError, match=r"journal .* cannot be written .*free space"):
        submit_many(service, source, tmp_path / "refused")
    time.sleep(2)
    assert service.status()["pid"] == os.getpid()  # it answers
    (home / "filler").unlink()
    assert ended(service, request["key"])[0]["state"] == "done"
    assert {job["state"] for job in ended(service, *(job["job"] for job in service.jobs()[0]))} <= {"done", "failed"}
    ready = [event["frame"] for event in all_events(service, request["key"]) if event["kind"] == "frame_ready"]
    assert ready == list(range(1, 9))
    assert kinds(service, request["key"])[-1] == "done"
    assert pictures(tmp_path / "out") == wanted


def test_the_clock_may_be_set_in_the_middle_of_a_job(
    tmp_path: Path, shoot: Shoot, shared: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shoot(tmp_path / "in", range(1, 7), height=64, width=64)
    first, second = request_of(source, tmp_path / "a"), request_of(source, tmp_path / "b", range(1, 3))
    shared.submit("anna", first)
    until(lambda: frame_in_hand(shared) == 2)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    shared.submit("anna", second)
    jobs = ended(shared, first["key"], second["key"])
    assert [job["state"] for job in jobs] == ["done", "done"]
    assert [job["job"] for job in shared.jobs(limit=2)[0]] == [second["key"], first["key"]]
    told = all_events(shared, first["key"])
    assert told[0]["at"] > told[-1]["at"]
    assert told[-1]["seconds"] >= 0


def test_a_half_written_journal_is_saved_and_served(tmp_path: Path, shoot: Shoot, engine: Engine) -> None:
    source = shoot(tmp_path / "in", range(1, 3))
    service = engine()
    request = request_of(source, tmp_path / "out", range(1, 2))
    service.submit("anna", request)
    ended(service, request["key"])
    service.stop()
    path = service.home / "journal.sqlite3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = engine()
    assert "was damaged" in again.journal.notes[0]
    assert (service.home / "journal.sqlite3.damaged-1").is_file()
    served_next(again, source, tmp_path / "other")


CLIENT = """
import sys
from frdm_bridge import Client, JobSpec
with Client.connect(sys.argv[1]) as client:
    job = client.submit(JobSpec(source=sys.argv[2], output=sys.argv[3]))
    print(job, flush=True)
    client.wait(job)
"""


def test_clients_that_go_away_or_read_slowly(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    many = shoot(tmp_path / "many", range(1, FRAMES + 1), height=16, width=16)
    with Served(tmp_path, model) as engine, engine.client() as client, engine.client() as slow:
        # One is killed while its job runs: the job is done, whoever asks hears of it.
        arguments = [str(engine.connection), many.pattern, str(tmp_path / "left")]
        with subprocess.Popen(
            [sys.executable, "-c", CLIENT, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as gone:
            assert gone.stdout is not None
            left = gone.stdout.readline().strip()
            until(lambda: client.jobs(job=left).jobs[0].done >= 1)
            gone.send_signal(signal.SIGKILL)
        # Another follows and does not read for as long as a job takes.
        job = slow.submit(JobSpec(source=many.pattern, output=str(tmp_path / "slow")))
        slow.link.follow(job, since=0, timeout=60.0)
        until(lambda: all(one.state == "done" for one in client.jobs().jobs))
        assert client.jobs(job=left).jobs[0].done == FRAMES
        assert client.ping() < 5
        told: list[Event] = []
        slow.wait(job, on_event=told.append)
        assert [event.seq for event in told] == list(range(1, 3 + 2 * FRAMES + 1))
