"""The engine without sockets: real workers, a real journal, the pixels of `frdm restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frdm_engine.plates import Sequence
from frdm_engine.server.service import Service
from tests.server.conftest import all_events, ended, kinds, request_of, temporary_files

Shoot = Callable[..., Sequence]
Engine = Callable[..., Service]
Reference = Callable[..., dict[str, bytes]]


def test_a_job_gives_the_files_and_the_sidecar_of_frdm_restore(
    tmp_path: Path, shoot: Shoot, engine: Engine, reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 7))
    wanted = reference(source, tmp_path / "wanted", seed=3)
    service = engine()
    heard: list[tuple[str, str, int]] = []
    service.on_event = lambda *event: heard.append(event)
    request = request_of(source, tmp_path / "out", settings={"seed": 3}, matte=str(tmp_path / "matte"))
    taken = service.submit("anna", request)
    assert (taken["state"], taken["total"], taken["done"], taken["again"]) == ("running", 6, 0, False) or taken[
        "state"
    ] == "queued"
    [job] = ended(service, request["key"])
    assert (job["state"], job["done"], job["error"]) == ("done", 6, "")
    made = {path.name: path.read_bytes() for path in sorted((tmp_path / "out").glob("*.exr"))}
    assert made == wanted
    told = kinds(service, request["key"])
    assert told[:2] == ["accepted", "started"]
    assert told[2:-1] == ["frame_ready", "progress"] * 6
    assert told[-1] == "done"
    assert heard[-1] == (request["key"], "anna", len(told))
    ready = [event for event in all_events(service, request["key"]) if event["kind"] == "frame_ready"]
    assert [event["frame"] for event in ready] == list(range(1, 7))
    for event in ready:
        assert Path(event["path"]).is_file()
        assert Path(event["matte"]).is_file()
        assert 0 < event["changed"] < 1
    assert temporary_files(tmp_path / "out", tmp_path / "matte") == []
    again = service.submit("anna", request)
    assert again["again"]
    assert service.status()["frames"] == 6
