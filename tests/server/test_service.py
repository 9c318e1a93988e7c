"""The engine without sockets: real workers, a real journal, the pixels of `frdm restore`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from frdm_engine.errors import BusyError, CheckpointError, DeviceError, ServerError, SettingError, UnknownJobError
from frdm_engine.server.service import Service
from tests.server.engines import (
    PATIENCE_S,
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


def test_a_job_gives_the_files_and_the_sidecar_of_frdm_restore(
    tmp_path: Path, shoot: Shoot, shared: Service, reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 7))
    wanted = reference(source, tmp_path / "wanted", seed=3)
    heard: list[tuple[str, str, int]] = []
    shared.on_event = lambda *event: heard.append(event)
    request = request_of(source, tmp_path / "out", settings={"seed": 3}, matte=str(tmp_path / "matte"))
    taken = shared.submit("anna", request)
    assert (taken["total"], taken["done"], taken["again"]) == (6, 0, False)
    [job] = ended(shared, request["key"])
    assert (job["state"], job["done"], job["error"]) == ("done", 6, "")
    made = pictures(tmp_path / "out")
    assert made == wanted
    told = kinds(shared, request["key"])
    assert told[:2] == ["accepted", "started"]
    assert told[2:-1] == ["frame_ready", "progress"] * 6
    assert told[-1] == "done"
    assert heard[-1] == (request["key"], "anna", len(told))
    ready = [event for event in all_events(shared, request["key"]) if event["kind"] == "frame_ready"]
    assert [event["frame"] for event in ready] == list(range(1, 7))
    for event in ready:
        assert Path(event["path"]).is_file()
        assert Path(event["matte"]).is_file()
        assert 0 < event["changed"] < 1
    assert temporary_files(tmp_path / "out", tmp_path / "matte") == []
    again = shared.submit("anna", request)
    assert again["again"]
    assert shared.status()["done"] >= 1


def test_more_jobs_than_it_takes_are_refused_until_one_ends(tmp_path: Path, shoot: Shoot, engine: Engine) -> None:
    source = shoot(tmp_path / "in", range(1, 3))
    service = engine(most_open=2)
    first, second, third = (request_of(source, tmp_path / f"out{n}") for n in range(3))
    service.submit("anna", first)
    service.submit("anna", second)
    with pytest.raises(BusyError, match=r"^2 jobs are open already; submit it again when some have ended"):
        service.submit("berta", third)
    assert service.submit("anna", second)["again"]  # one that is known is no further job
    ended(service, first["key"], second["key"])
    assert not service.submit("berta", third)["again"]
    assert ended(service, third["key"])[0]["state"] == "done"


def test_cancel_takes_effect_within_a_tile_and_leaves_whole_frames(
    tmp_path: Path, shoot: Shoot, shared: Service
) -> None:
    source = shoot(tmp_path / "in", range(1, 5), height=256, width=256)
    request = request_of(source, tmp_path / "out", settings={"tile": 64})
    shared.submit("anna", request)
    until(lambda: frame_in_hand(shared) == 2)
    asked = time.monotonic()
    shared.cancel(request["key"])
    [job] = ended(shared, request["key"])
    took = time.monotonic() - asked
    ready = [event for event in all_events(shared, request["key"]) if event["kind"] == "frame_ready"]
    assert job["state"] == "cancelled"
    assert kinds(shared, request["key"])[-1] == "cancelled"
    assert 1 <= len(ready) < 4
    assert took < ready[0]["seconds"]  # of 25 tiles and more, one was in hand
    assert {Path(event["path"]) for event in ready} == set((tmp_path / "out").glob("*.exr"))
    assert temporary_files(tmp_path / "out") == []
    assert shared.cancel(request["key"])["state"] == "cancelled"
    # The worker lives on, and serves the next.
    other = request_of(source, tmp_path / "other", range(1, 2))
    shared.submit("anna", other)
    assert ended(shared, other["key"])[0]["state"] == "done"
    assert shared.status()["devices"][0]["restarts"] == 0


def test_a_job_that_waits_is_cancelled_at_once(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 5), height=128, width=128)
    first, second = request_of(source, tmp_path / "a"), request_of(source, tmp_path / "b")
    shared.submit("anna", first)
    shared.submit("anna", second)
    assert shared.cancel(second["key"])["state"] == "cancelled"
    assert kinds(shared, second["key"]) == ["accepted", "cancelled"]
    assert ended(shared, first["key"])[0]["state"] == "done"
    assert not (tmp_path / "b").exists()


def test_interactive_jobs_overtake_and_the_overtaken_pixels_are_the_same(
    tmp_path: Path, shoot: Shoot, shared: Service, reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 13), height=64, width=64)
    wanted = reference(source, tmp_path / "wanted")
    batch = request_of(source, tmp_path / "batch")
    shared.submit("anna", batch)
    looks = []
    for number in (5, 6, 7):
        while (frame_in_hand(shared) or 0) < number - 3:
            time.sleep(0.01)
        look = request_of(source, tmp_path / f"look{number}", range(number, number + 1), interactive=True)
        looks.append(look)
        shared.submit("ben", look)
    states = ended(shared, batch["key"], *(look["key"] for look in looks))
    assert [job["state"] for job in states] == ["done"] * 4
    assert max(job["ended"] for job in states[1:]) < states[0]["ended"]
    made = pictures(tmp_path / "batch")
    assert made == wanted
    for look, number in zip(looks, (5, 6, 7), strict=True):
        name = f"plate.{number:04d}.exr"
        assert (Path(look["output"]) / name).read_bytes() == wanted[name]
    assert kinds(shared, batch["key"]).count("started") == 1


def test_an_interactive_job_of_many_frames_is_batch(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 11))
    taken = shared.submit("anna", request_of(source, tmp_path / "out", interactive=True))
    assert taken["priority"] == "batch"


def test_bad_jobs_fail_with_what_frdm_restore_would_say(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 4))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "plate.0002.exr").write_bytes(b"mine")
    cases = [
        (request_of(source, tmp_path / "taken"), "output", "exists; add --overwrite"),
        (request_of(source, tmp_path / "in"), "output", "is the input itself"),
        (request_of(source, tmp_path / "out", range(1, 9)), "input", "Frame 4 is not in"),
        (request_of(source, tmp_path / "out", colourspace="nonsense"), "input", "no colour space 'nonsense'"),
        (request_of(source, tmp_path / "out", settings={"strength": 99.0}), "input", "--strength is 99"),
        (request_of(source, tmp_path / "out", settings={"magic": 1}), "input", "no setting 'magic'"),
        (request_of(source, tmp_path / "out") | {"source": str(tmp_path / "no.####.exr")}, "input", "No frame"),
    ]
    for request, code, says in cases:
        shared.submit("anna", request)
        [job] = ended(shared, request["key"])
        assert job["state"] == "failed", says
        [told] = [event for event in all_events(shared, request["key"]) if event["kind"] == "failed"]
        assert told["code"] == code
        assert says in told["sentence"]
        assert job["error"] == told["sentence"]
    assert (tmp_path / "taken" / "plate.0002.exr").read_bytes() == b"mine"
    assert not (tmp_path / "out").exists()
    assert shared.status()["devices"][0]["restarts"] == 0


def test_what_cannot_be_taken_is_said_at_once(tmp_path: Path, shoot: Shoot, engine: Engine) -> None:
    source = shoot(tmp_path / "in", range(1, 2))
    service = engine()
    with pytest.raises(SettingError, match="no frames"):
        service.submit("anna", request_of(source, tmp_path / "out") | {"frames": []})
    with pytest.raises(SettingError, match=r"serves the model .*, not other"):
        service.submit("anna", request_of(source, tmp_path / "out", model="other"))
    for ask in (service.job, service.cancel, service.events):
        with pytest.raises(UnknownJobError):
            ask("nobody")
    with pytest.raises(ServerError, match=r"runs in .* already"):
        Service(service.home, model=service.model).start()
    service.stop()
    with pytest.raises(ServerError, match="is leaving"):
        service.submit("anna", request_of(source, tmp_path / "out"))


def test_a_stopped_engine_finishes_its_frame_and_the_next_goes_on(
    tmp_path: Path, shoot: Shoot, engine: Engine, reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 9), height=96, width=96)
    wanted = reference(source, tmp_path / "wanted")
    service = engine()
    first, second = request_of(source, tmp_path / "out"), request_of(source, tmp_path / "second", range(2, 4))
    service.submit("anna", first)
    service.submit("ben", second)
    until(lambda: frame_in_hand(service) == 3)
    service.stop()
    whole = pictures(tmp_path / "out")
    assert 3 <= len(whole) < 8
    assert temporary_files(tmp_path / "out") == []
    again = engine()
    assert [job["job"] for job in again.jobs(("queued", "running"))[0]] == [second["key"], first["key"]]
    assert [job["state"] for job in ended(again, first["key"], second["key"])] == ["done", "done"]
    assert pictures(tmp_path / "out") == wanted
    told = all_events(again, first["key"])
    assert [event["frame"] for event in told if event["kind"] == "frame_ready"] == list(range(1, 9))
    assert [event["attempt"] for event in told if event["kind"] == "started"] == [1, 2]


def test_idle_workers_give_their_memory_back_and_come_again(tmp_path: Path, shoot: Shoot, engine: Engine) -> None:
    source = shoot(tmp_path / "in", range(1, 3))
    service = engine(idle_s=0.3)
    pid = service.status()["devices"][0]["pid"]
    until(lambda: service.status()["devices"][0]["state"] == "unloaded")
    device = service.status()["devices"][0]
    assert (device["pid"], device["memory_used"], device["restarts"]) == (0, 0, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    request = request_of(source, tmp_path / "out")
    service.submit("anna", request)
    assert ended(service, request["key"])[0]["state"] == "done"


def test_status_and_metrics_say_how_it_is(tmp_path: Path, shoot: Shoot, shared: Service) -> None:
    source = shoot(tmp_path / "in", range(1, 4))
    before = shared.status()
    request = request_of(source, tmp_path / "out")
    shared.submit("anna", request)
    ended(shared, request["key"])
    status = until(lambda: (now := shared.status())["devices"][0]["state"] == "idle" and now)
    assert status["done"] - before["done"] == 1
    assert status["frames"] - before["frames"] == 3
    assert status["queued"] == status["running"] == 0
    assert status["frames_per_minute"] > 0
    assert status["memory"] > 50 * 2**20
    [device] = status["devices"]
    assert (device["name"], device["job"], device["frame"], device["restarts"]) == ("cpu", "", None, 0)
    assert 0 < device["memory_used"] < device["memory_total"]
    text = shared.metrics()
    samples = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            name, value = line.rsplit(" ", 1)
            samples[name] = float(value)
    assert samples["frdm_frames_total"] == status["frames"]
    assert samples['frdm_frame_seconds_bucket{le="+Inf"}'] == samples["frdm_frame_seconds_count"]
    assert samples['frdm_jobs{state="done"}'] == status["done"]
    assert samples['frdm_device_loaded{device="cpu"}'] == 1
    assert text.endswith("\n")


def test_a_model_that_cannot_be_loaded_is_said(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"empty.* is neither an embedded model"):
        engine(model=tmp_path / "empty", ready=False)
    with pytest.raises(DeviceError, match="No worker can run on cuda:99: --device cuda:99"):
        engine(home="other", devices=("cuda:99",), ready=False).wait_ready(PATIENCE_S)
