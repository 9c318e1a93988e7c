"""`frdm farm start`, `task` and `stop` as a queue runs them: one engine, many tasks, and how each ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from frdm_bridge import Client
from tests.farm.conftest import Shoot
from tests.farm.nodes import PATIENCE_S, Node, files, leftovers, lines
from tests.server.engines import until

STEPS = ("--steps", 12)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Node]:
    """A node whose session has an engine, for all tests that leave it running."""
    node = Node(tmp_path_factory.mktemp("hall") / "n")
    connection = node.start(node.folder, node.folder / "out", model, "--root", node.folder)
    node.environment["FRDM_CONNECTION"] = connection
    yield node
    assert "has ended" in node.frdm("farm", "stop", "--session", node.session).stdout
    assert not list(node.processes())


def engine(node: Node) -> Client:
    """A client of the session's engine."""
    return Client.connect(node.environment["FRDM_CONNECTION"], timeout=PATIENCE_S)


def test_a_session_keeps_all_of_its_own_in_its_folder(hall: Node) -> None:
    connection = Path(hall.environment["FRDM_CONNECTION"])
    assert connection.is_relative_to(hall.session)
    assert connection.stat().st_mode & 0o777 == 0o600
    assert not list((hall.folder / "run").iterdir())
    assert not (hall.folder / "state").exists()
    refused = hall.frdm("farm", "start", "--session", hall.session, "--root", hall.folder, check=False)
    assert (refused.returncode, "runs already" in refused.stderr) == (5, True)


@pytest.mark.slow
def test_two_tasks_at_once_share_the_engine(hall: Node, shoot: Shoot, model: Path) -> None:
    plates, out = shoot(hall.folder / "two", range(1, 9)), hall.folder / "two_out"
    with engine(hall) as client:
        pid = client.status().pid
    tasks = [
        hall.begin("farm", "task", plates, out, "--frames", frames, "--model", model, "--of", "1-8")
        for frames in ("1-4", "5-8")
    ]
    said = [task.communicate(timeout=PATIENCE_S)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], said
    assert all("openjd_progress: 100.0" in one and "4 of 4 frames whole" in one for one in said)
    hall.frdm("restore", plates, hall.folder / "two_one", "--model", model, "--device", "cpu")
    assert files(out) == files(hall.folder / "two_one")
    with engine(hall) as client:
        assert client.status().pid == pid
    again = hall.frdm("farm", "task", plates, out, "--frames", "1-4").stdout
    assert "4 of 4 frames whole, 4 of them there already" in again
    assert Counter(lines(out / "plate.frdm.jsonl")) == Counter(range(1, 9))


def test_handles_of_the_whole_range_are_not_written(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "handles", range(1, 9)), hall.folder / "handles_out"
    whole = ("--of", "1-8", "--handles", 3)
    hall.frdm("farm", "task", plates, out, "--frames", "1-4", *whole)
    assert set(files(out)) == {"plate.0004.exr"}
    nothing = hall.frdm("farm", "task", plates, out, "--frames", "7-8", *whole).stdout
    assert "there is nothing to write" in nothing
    assert set(files(out)) == {"plate.0004.exr"}
    refused = hall.frdm("farm", "task", plates, out, "--frames", "1-4", "--handles", 2, check=False)
    assert (refused.returncode, "leaves none" in refused.stderr) == (2, True)


def test_sigterm_ends_it_after_the_frame_in_hand(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "term", range(1, 31)), hall.folder / "term_out"
    task = hall.begin("farm", "task", plates, out, "--frames", "1-30", *STEPS)
    until(lambda: len(files(out)) >= 2)
    task.send_signal(signal.SIGTERM)
    said, _ = task.communicate(timeout=PATIENCE_S)
    assert task.returncode == 130, said
    there = lines(out / "plate.frdm.jsonl")
    assert f"Stopped: {len(there)} of 30 frames whole" in said
    assert f"stopping after frame {there[-1]}" in said
    assert not leftovers(out)
    with engine(hall) as client:
        assert client.jobs().jobs[0].state == "cancelled"
        assert client.status().running == client.status().queued == 0


def test_a_task_that_runs_again_takes_up_the_job_of_the_killed_one(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "kill", range(1, 13)), hall.folder / "kill_out"
    order = ("farm", "task", plates, out, "--frames", "1-12", *STEPS)
    task = hall.begin(*order)
    until(lambda: len(files(out)) >= 2)
    task.kill()
    task.communicate()
    assert task.returncode == -signal.SIGKILL
    with engine(hall) as client:
        before = client.jobs().total
        said = hall.frdm(*order).stdout
        assert client.jobs().total == before
    assert "12 of 12 frames whole" in said
    assert Counter(lines(out / "plate.frdm.jsonl")) == Counter(range(1, 13))


def test_a_frame_that_cannot_be_restored_does_not_keep_the_others(hall: Node, shoot: Shoot, model: Path) -> None:
    plates, out = shoot(hall.folder / "bad", range(1, 17)), hall.folder / "bad_out"
    broken = hall.folder / "bad" / "plate.0009.exr"
    broken.write_bytes(broken.read_bytes()[:400])
    ran = hall.frdm("farm", "task", plates, out, "--frames", "1-16", check=False)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    [told] = [line for line in ran.stdout.splitlines() if line.startswith("openjd_fail: ")]
    assert told.startswith("openjd_fail: frame 9: ")
    assert "plate.0009.exr" in told
    assert [line for line in ran.stderr.splitlines() if "plate.0009.exr" in line]
    assert "15 of 16 frames whole" in ran.stdout
    # One job did it, and the others are as if that plate were not there.
    with engine(hall) as client:
        [job] = [job for job in client.jobs().jobs if job.output == str(out)]
        assert (job.state, job.done) == ("failed", 15)
        assert job.error.startswith("1 of 16 frames could not be restored, frame 9: ")
    broken.unlink()
    hall.frdm("restore", plates, hall.folder / "gap_out", "--frames", "1-8,10-16", "--model", model, "--device", "cpu")
    assert files(out) == files(hall.folder / "gap_out")


def test_a_bad_plate_next_to_a_chunk_costs_it_nothing(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "beside", range(1, 9)), hall.folder / "beside_out"
    (hall.folder / "beside" / "plate.0005.exr").write_bytes(b"")
    ran = hall.frdm("farm", "task", plates, out, "--frames", "1-4")
    assert "4 of 4 frames whole" in ran.stdout
    assert "Frames beside it are restored without it" in ran.stdout
    alone = hall.frdm("farm", "task", plates, out, "--frames", "5-5", check=False)
    assert (alone.returncode, "plate.0005.exr" in alone.stderr) == (2, True)


def test_frames_that_another_run_is_at_are_left_to_it(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "both", range(1, 9)), hall.folder / "both_out"
    hold = [sys.executable, "-c", "import sys; from tests.restore.claims import hold; hold(*sys.argv[1:])"]
    with subprocess.Popen(
        [*hold, plates, str(out), "3-4"], env=hall.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        ran = hall.frdm("farm", "task", plates, out, "--frames", "1-4", check=False)
        assert ran.returncode == 2, ran.stdout + ran.stderr
        said = f"Another run is writing 3-4 in {out}: process {other.pid} on {socket.gethostname()}, since "
        assert f"frdm: {said}" in ran.stderr
        assert f"openjd_fail: {said}" in ran.stdout
        assert not files(out)
        assert "4 of 4 frames whole" in hall.frdm("farm", "task", plates, out, "--frames", "5-8").stdout
        other.kill()
    assert "4 of 4 frames whole" in hall.frdm("farm", "task", plates, out, "--frames", "1-4").stdout
    assert not (out / "plate.frdm.lock").exists()
    assert not leftovers(out)


def test_frame_after_frame_that_fails_ends_the_task(hall: Node, shoot: Shoot) -> None:
    plates, out = shoot(hall.folder / "row", range(1, 41)), hall.folder / "row_out"
    for number in range(3, 41):
        (hall.folder / "row" / f"plate.{number:04d}.exr").write_bytes(b"no picture")
    ran = hall.frdm("farm", "task", plates, out, "--frames", "1-40", check=False)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert "20 frames one after the other could not be done" in ran.stderr
    assert set(files(out)) == {"plate.0001.exr", "plate.0002.exr"}


def test_what_cannot_be_done_is_told_to_the_queue(hall: Node, shoot: Shoot, tmp_path: Path) -> None:
    plates = shoot(hall.folder / "wrong", range(1, 5))
    out = hall.folder / "wrong_out"
    for arguments, code, words in (
        ((plates, out, "--frames", "1-9"), 2, "Frame 5 is outside"),
        ((plates, out, "--frames", "1-x"), 2, "are not understood"),
        ((plates, out, "--frames", "1-4", "--strength", "99"), 2, "strength"),
        ((plates, out, "--frames", "1-4", "--existing", "keep"), 2, "choose from resume, overwrite, refuse"),
        ((plates, tmp_path / "elsewhere", "--frames", "1-4"), 2, "outside of what the engine may write"),
        ((plates, out, "--frames", "1-4", "--model", "other"), 2, "serves the model"),
        ((plates, out, "--frames", "1-4", "--connection", tmp_path / "none.json"), 5, "no engine runs here"),
    ):
        ran = hall.frdm("farm", "task", *arguments, check=False)
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert words in ran.stderr
        if "--existing" not in arguments:
            assert "openjd_fail: " in ran.stdout
    assert not out.exists() or not files(out)


@pytest.mark.slow
def test_an_engine_that_was_killed_is_gone_after_stop_too(node: Node, shoot: Shoot, model: Path) -> None:
    plates, out = shoot(node.folder / "in", range(1, 31)), node.folder / "out"
    node.environment["FRDM_CONNECTION"] = connection = node.start(plates, out, model)  # type: ignore[arg-type]
    task = node.begin("farm", "task", plates, out, "--frames", "1-30", *STEPS)
    until(lambda: files(out))
    os.kill(json.loads(Path(connection).read_text())["pid"], signal.SIGKILL)
    stopped = node.frdm("farm", "stop", "--session", node.session)
    assert not list(node.processes()), stopped.stdout
    # It waits for an engine that may come back; asked to end a second time it does not.
    for _ in range(2):
        task.terminate()
        time.sleep(0.5)
    said, _ = task.communicate(timeout=PATIENCE_S)
    assert task.returncode == 130, said
    assert "no engine of" in node.frdm("farm", "stop", "--session", node.session).stdout


@pytest.mark.slow
def test_an_engine_nobody_stops_ends_by_itself(node: Node, model: Path) -> None:
    node.start(node.folder, node.folder / "out", model, "--linger", "0.05")
    began = time.monotonic()
    until(lambda: not list(node.processes()))
    assert time.monotonic() - began < 30
    assert "no job for 0.05 minutes" in (node.session / "frdm-engine/home/logs/engine.log").read_text()


@pytest.mark.slow
def test_a_start_that_fails_leaves_nothing(node: Node, tmp_path: Path, model: Path) -> None:
    place = ("farm", "start", "--session", node.session, "--root", node.folder)
    for options, code, words in (
        (("--model", tmp_path / "none"), 2, "neither an embedded model"),
        (("--model", model, "--device", "cuda:77"), 4, "--device cuda:77"),
        (("--model", model, "--ocio", tmp_path / "none.ocio"), 2, "OCIO config"),
        (("--model", model, "--engine", "mine"), 2, "choose session or node"),
        (("--model", model, "--engine", "node"), 5, "no engine runs here"),
    ):
        ran = node.frdm(*place, *options, check=False)
        assert (ran.returncode, words in ran.stderr) == (code, True), ran.stdout + ran.stderr
        assert not list(node.processes())
    nowhere = node.frdm("farm", "start", "--session", tmp_path / "no", check=False)
    assert (nowhere.returncode, "is not there" in nowhere.stderr) == (2, True)


def test_a_start_that_is_cancelled_leaves_nothing(node: Node, model: Path) -> None:
    start = node.begin("farm", "start", "--session", node.session, "--root", node.folder, "--model", model)
    until(lambda: list(node.processes()))
    start.terminate()
    said, _ = start.communicate(timeout=PATIENCE_S)
    assert start.returncode == 130, said
    assert not list(node.processes())


@pytest.mark.slow
def test_the_engine_of_the_node_is_taken_and_left(node: Node, model: Path) -> None:
    connection = node.start(node.folder, node.folder / "out", model)
    other = node.folder / "other"
    other.mkdir()
    shown = node.frdm("farm", "start", "--session", other, "--engine", "node", FRDM_CONNECTION=connection).stdout
    assert f"openjd_env: FRDM_CONNECTION={connection}" in shown
    assert "no engine of" in node.frdm("farm", "stop", "--session", other).stdout
    assert list(node.processes())
    node.frdm("farm", "stop", "--session", node.session)
    assert not list(node.processes())


@pytest.mark.slow
def test_a_session_with_a_long_name_has_an_engine_too(node: Node, model: Path) -> None:
    node.session = node.folder / ("long" * 30)
    node.session.mkdir()
    connection = node.start(node.folder, node.folder / "out", model)
    assert json.loads(Path(connection).read_text())["address"].startswith("tcp://127.0.0.1:")
    node.frdm("farm", "stop", "--session", node.session)
    assert not list(node.processes())
