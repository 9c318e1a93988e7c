"""A worker between its two pipes, in this process: what it reports for what it is told."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from frdm_engine.errors import PlateError, RestoreError
from frdm_engine.restore.kept import Kept
from frdm_engine.restore.remains import Remains
from frdm_engine.server import worker as working
from frdm_engine.server.records import spans
from frdm_engine.server.requests import job_of, settings_of, stale_files
from frdm_engine.server.worker import Worker, explain
from tests.server.engines import Shoot, pictures, request_of, until

GIB = 2**30


def packed(request: dict[str, Any]) -> dict[str, Any]:
    """A request as the journal keeps it."""
    return request | {"frames": spans(request["frames"])}


def begin(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The orders that have a job done."""
    return [{"do": "work", "job": "a", "request": packed(request)}, {"do": "go", "job": "a"}]


def told(
    model: Path, *orders: dict[str, Any], last: str, times: int = 1, worker: type[Worker] = Worker
) -> tuple[int, list[dict[str, Any]]]:
    """Runs a worker between two pipes until it has reported ``last`` so often; returns its exit code and reports."""
    from_engine, to_worker = os.pipe()
    from_worker, to_engine = os.pipe()
    config = {"model": str(model), "device": "cpu", "vram": 24 * GIB}
    codes, reports = [], []
    with open(from_engine) as orders_in, open(to_engine, "w") as reports_out, open(from_worker) as reports_in:
        with open(to_worker, "w") as orders_out:
            orders_out.writelines(json.dumps(order) + "\n" for order in [config, *orders])
            orders_out.flush()
            thread = threading.Thread(target=lambda: codes.append(worker(orders_in, reports_out).run()))
            thread.start()
            for line in reports_in:
                reports.append(json.loads(line))
                if [report["say"] for report in reports].count(last) == times:
                    break
        thread.join()
        reports_out.close()
        reports += [json.loads(line) for line in reports_in]
    return codes[0], reports


class Hungry(Worker):
    """A worker whose allocation fails once, in the middle of a frame."""

    asked = 0

    def _pulse(self, job: str) -> None:
        super()._pulse(job)
        self.asked += 1
        if self.asked == 8:
            torch.empty(2**60, dtype=torch.uint8)


def test_out_of_memory_is_a_note_and_a_smaller_plan(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 4), height=256, width=256)
    request = request_of(source, tmp_path / "out")
    code, reports = told(model, *begin(request), last="finished", worker=Hungry)
    notes = [report for report in reports if report["say"] == "note"]
    assert code == 0
    assert len(notes) == 1
    assert "cpu ran out of memory with tiles of 256 pixels; went on with tiles of 128" in notes[0]["text"]
    assert [report["frame"] for report in reports if report["say"] == "done"] == [1, 2, 3]
    assert reports[-1]["say"] == "finished"
    assert len(pictures(tmp_path / "out")) == 3


class Handing(Worker):
    """A worker that tells which frames the job before has left to the one that is opened."""

    def _open(self, order: dict[str, Any], *rest: Any) -> Any:
        self._say("left", frames=sorted(self._remains.frames) if self._remains is not None else None)
        return super()._open(order, *rest)


def test_frames_in_hand_pass_to_the_next_job(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 13))
    orders = [
        order | {"job": str(number)}
        for number in (5, 6, 3)
        for order in begin(request_of(source, tmp_path / "one by one", range(number, number + 1)))
    ]
    _, reports = told(model, *orders, last="finished", times=3, worker=Handing)
    left = [report["frames"] for report in reports if report["say"] == "left"]
    assert left[0] is None
    assert set(range(2, 10)) <= set(left[1])
    assert set(range(3, 11)) <= set(left[2])
    told(model, *begin(request_of(source, tmp_path / "at once", range(3, 7))), last="finished")
    alone, all_of_them = pictures(tmp_path / "one by one"), pictures(tmp_path / "at once")
    assert len(alone) == 3
    assert alone.items() <= all_of_them.items()


def test_a_worker_left_alone_lets_go_of_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, order = Worker(io.StringIO(), io.StringIO()), {"do": "close", "job": "a"}
    worker._remains = Remains((), {}, Kept())
    worker._queue.put(order)
    assert worker._next() == order
    assert worker._remains is not None
    monkeypatch.setattr(working, "IDLE", 0.05)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(worker._next()))
    thread.start()
    until(lambda: worker._remains is None)
    worker._queue.put(order)
    thread.join()
    assert found == [order]


def test_the_order_of_reports(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 3))
    request = request_of(source, tmp_path / "out", difference=str(tmp_path / "difference"))
    code, reports = told(model, *begin(request), last="finished")
    assert code == 0
    said = [report["say"] for report in reports]
    assert said[:2] == ["ready", "opened"]
    assert said[-1] == "finished"
    assert sorted(said[2:-1]) == ["done", "done", "frame", "frame"]
    done = [report for report in reports if report["say"] == "done"]
    assert [(one["frame"], one["index"], one["total"], one["matte"]) for one in done] == [(1, 0, 2, ""), (2, 1, 2, "")]
    assert [Path(one["difference"]).is_file() for one in done] == [True, True]


def test_nothing_is_written_before_the_engine_says_go(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 3))
    work, _ = begin(request_of(source, tmp_path / "out"))
    code, reports = told(model, work, last="opened")  # and here the engine is gone
    assert (code, [report["say"] for report in reports]) == (0, ["ready", "opened"])
    code, reports = told(model, work, {"do": "cancel", "job": "a"}, last="cancelled")
    assert [report["say"] for report in reports if report["say"] != "opened"] == ["ready", "cancelled"]
    assert not (tmp_path / "out").exists()


def test_a_worker_without_an_engine_ends(model: Path) -> None:
    assert Worker(io.StringIO(""), io.StringIO()).run() == 0
    assert told(model, last="ready")[0] == 0


def test_only_what_dead_workers_left_of_this_job_is_swept(tmp_path: Path, shoot: Shoot) -> None:
    source = shoot(tmp_path / "in", range(1, 4))
    out = tmp_path / "out"
    out.mkdir()
    mine = [".plate.0001.4242-0a1b2c3d.tmp.exr", ".plate.0003.4243-0a1b2c3d.tmp.exr"]
    others = [
        ".plate.0001.4244-0a1b2c3d.tmp.exr",  # a process that is not named
        ".plate.0004.4242-0a1b2c3d.tmp.exr",  # a frame of another job
        "plate.0001.exr",
        ".hidden",
        ".plate.0001.exr",
        "plate.0002.4242-0a1b2c3d.tmp.exr",
    ]
    for name in mine + others:
        (out / name).write_bytes(b"")
    job = job_of(packed(request_of(source, out)), resume=True)
    assert sorted(path.name for path in stale_files(job, pids=frozenset({4242, 4243}))) == mine
    assert stale_files(job, pids=frozenset()) == []


def test_the_engines_budget_bounds_a_jobs_memory() -> None:
    assert settings_of({}, vram=8 * GIB).vram == 8 * GIB
    assert settings_of({"settings": {"vram": 4 * GIB}}, vram=8 * GIB).vram == 4 * GIB
    assert settings_of({"settings": {"vram": 16 * GIB, "fix": ["dirt"]}}, vram=8 * GIB).vram == 8 * GIB


def test_errors_as_plain_data() -> None:
    told = explain(PlateError("plate.exr is damaged; replace it."), frame=7)
    assert told == {"code": "input", "sentence": "plate.exr is damaged; replace it.", "frame": 7, "tile": None}
    exact = RestoreError("it broke", frame=3, tile=(0, 8, 64, 64), remedy="try again")
    assert (explain(exact, frame=9)["frame"], explain(exact, frame=9)["tile"]) == (3, [0, 8, 64, 64])
    gone = explain(FileNotFoundError(2, os.strerror(2), "/plates/a.exr"), frame=4)
    assert gone["sentence"].startswith("Frame 4 could not be restored: /plates/a.exr cannot be used (No such file")
