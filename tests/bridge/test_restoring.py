"""From a host's call to restored frames, against a running engine: by paths, streamed, by shared memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frdm_bridge import Client, JobSpec, PathRule, Settings, restore, restore_pixels
from frdm_bridge.errors import (
    AccessError,
    InputError,
    JobCancelledError,
    OutputError,
    RefusedError,
    UnknownJobError,
    UsageError,
)
from frdm_bridge.messages import Done, Event, FrameReady
from frdm_bridge.probing import sees
from frdm_bridge.restoring import why_not_paths
from frdm_bridge.streaming import upload
from tests.bridge.doors import Door
from tests.restore.on_disk import contents, load

BOLD = Settings(strength=16)


def spec(door: Door, out: Path, **options: object) -> JobSpec:
    made = JobSpec(
        source=str(door.plate), output=str(out / "o.%04d.exr"), matte=str(out / "matte" / "m.####.exr"), settings=BOLD
    )
    return replace(made, **options)  # type: ignore[arg-type]


def test_paths_and_streaming_give_the_same_files(door: Door, client: Client, tmp_path: Path) -> None:
    by_paths, streamed = door.out / "by-paths", tmp_path / "streamed"
    before = set(door.listener.spool.folder.iterdir())
    restore(client, spec(door, by_paths), way="paths")
    told: list[Event] = []
    restore(client, spec(door, streamed), on_event=told.append)  # the engine may not write there
    assert contents(streamed) == contents(by_paths)
    assert contents(streamed / "matte") == contents(by_paths / "matte")
    assert (streamed / "o.frdm.jsonl").read_text().count("\n") == 6
    ready = [event for event in told if isinstance(event, FrameReady)]
    assert [event.path for event in ready] == [str(streamed / f"o.{frame}.exr") for frame in range(1001, 1007)]
    assert ready[0].matte == str(streamed / "matte" / "m.1001.exr")
    assert set(door.listener.spool.folder.iterdir()) == before
    assert not list(streamed.rglob(".*"))


def test_tcp_with_keys_gives_the_same_files(tcp_door: Door, tmp_path: Path) -> None:
    with tcp_door.client() as client:
        assert client.link.welcome.exchange
        restore(client, spec(tcp_door, tcp_door.out / "p"), way="paths")
        restore(client, spec(tcp_door, tmp_path / "s"), way="streamed")
    assert contents(tmp_path / "s") == contents(tcp_door.out / "p")


def test_part_of_a_range_streamed_is_as_the_whole(door: Door, client: Client, tmp_path: Path) -> None:
    restore(client, spec(door, tmp_path / "whole"), way="streamed")
    restore(client, spec(door, tmp_path / "part", frames="1003-1004"), way="streamed")
    whole = contents(tmp_path / "whole")
    assert contents(tmp_path / "part") == {f"o.{n}.exr": whole[f"o.{n}.exr"] for n in (1003, 1004)}


def test_masks_go_along(door: Door, client: Client, tmp_path: Path) -> None:
    mask = door.source / "plate.1001.exr"  # white enough to protect in part
    restore(client, spec(door, door.out / "masked", protect=str(mask)), way="paths")
    restore(client, spec(door, tmp_path / "masked", protect=str(mask)), way="streamed")
    assert contents(tmp_path / "masked") == contents(door.out / "masked")


def test_a_live_host_gets_its_pixels_back(door: Door, client: Client) -> None:
    planes = {frame: load(door.source / f"plate.{frame}.exr")[0][1] for frame in range(1001, 1007)}
    pixels = {frame: np.stack([found[c] for c in "RGB"], axis=-1).tobytes() for frame, found in planes.items()}
    live = JobSpec(source="-", output="-", settings=BOLD, colourspace="linear")
    made = restore_pixels(client, pixels, [1003], width=48, height=32, spec=live)
    restore(client, spec(door, door.out / "live", frames="1003", colourspace="linear"), way="paths")
    expected = load(door.out / "live" / "o.1003.exr")[0][1]
    assert bytes(made[1003]) == np.stack([expected[c] for c in "RGB"], axis=-1).tobytes() != pixels[1003]
    assert list(door.listener.exchange.iterdir()) == []
    with pytest.raises(UsageError, match="should have"):
        restore_pixels(client, {1: b"short"}, [1], width=48, height=32)
    with pytest.raises(UsageError, match="not given"):
        restore_pixels(client, pixels, [1], width=48, height=32)


def test_events_name_files_as_the_client_does(door: Door, client: Client) -> None:
    rules = (PathRule(client="/client/in", engine=str(door.source)), PathRule(client="P:\\out", engine=str(door.out)))
    told: list[Event] = []
    job = JobSpec(source="/client/in/plate.%04d.exr", output="P:\\out\\m\\o.%04d.exr", frames="1001", path_map=rules)
    client.wait(client.submit(job), on_event=told.append)
    assert [event.path for event in told if isinstance(event, FrameReady)] == ["P:\\out\\m\\o.1001.exr"]
    assert (door.out / "m" / "o.1001.exr").exists()


def test_the_engine_is_asked_what_it_sees(door: Door, client: Client, tmp_path: Path) -> None:
    assert sees(client.link, door.source) == (True, "")
    assert sees(client.link, door.out)[0] is False
    seen, why = sees(client.link, tmp_path)
    assert not seen
    assert "--read" in why
    assert sees(client.link, door.out, write=True) == (True, "")
    assert sees(client.link, door.source, write=True)[0] is False
    assert why_not_paths(client, spec(door, door.out)) == ""
    assert "--write" in why_not_paths(client, spec(door, tmp_path))
    assert not list(door.source.glob(".frdm-probe*"))
    assert not list(door.out.glob(".frdm-probe*"))


def test_a_job_sent_twice_is_one_job(door: Door, client: Client) -> None:
    wanted = spec(door, door.out / "twice")
    job = client.submit(wanted)
    assert client.submit(wanted, job=job) == job
    client.wait(job)
    assert client.submit(wanted, job=job) == job
    assert client.jobs(job=job).total == 1
    with pytest.raises(RefusedError, match="another job") as caught:
        client.submit(replace(wanted, label="other"), job=job)
    assert caught.value.code == "conflict"
    with door.client() as other, pytest.raises(RefusedError, match="another job"):
        other.submit(wanted, job=job)


def test_who_comes_back_gets_what_it_missed(door: Door) -> None:
    first: list[Event] = []
    with door.client() as client:
        name = client.name
        job = client.submit(spec(door, door.out / "back"))
        client.wait(job, on_event=first.append)
    again: list[Event] = []
    with door.client(client=name) as client:
        done = client.wait(job, on_event=again.append, since=4)
        assert [one.job for one in client.jobs(mine=True).jobs] == [job]
    assert again == first[4:]
    assert isinstance(done, Done)


def test_refusals_say_what_and_what_to_do(door: Door, client: Client) -> None:
    out = str(door.out / "o.%04d.exr")
    (door.source / "linked").symlink_to(door.private)
    cases: list[tuple[JobSpec, type[RefusedError], str]] = [
        (JobSpec(source="/etc/p.%04d.exr", output=out), AccessError, "--read"),
        (JobSpec(source=str(door.source / ".." / "private"), output=out), AccessError, r"\.\."),
        (JobSpec(source=str(door.source / "linked" / "p.%d.exr"), output=out), AccessError, "--read"),
        (JobSpec(source=str(door.plate), output=str(door.private / "o.%d.exr")), AccessError, "--write"),
        (JobSpec(source=str(door.plate), output=str(door.source / "o.%d.exr")), AccessError, "--write"),
        (JobSpec(source=str(door.source / "none.%d.exr"), output=out), InputError, "check the name"),
        (JobSpec(source=str(door.plate), output=out, frames="1-5"), InputError, "outside of"),
        (JobSpec(source=str(door.plate), output=out, protect=str(door.private / "m.exr")), AccessError, "--read"),
        (JobSpec(source=str(door.plate), output=str(door.out / "one.exr")), InputError, "one file for 6"),
        (JobSpec(source="../in/plate.%d.exr", output="o", bundle="a" * 32), AccessError, "no file name"),
        (JobSpec(source=str(door.plate), output=out, model="other"), InputError, "model"),
    ]
    for wanted, kind, said in cases:
        with pytest.raises(kind, match=said):
            client.submit(wanted)
    (door.source / "linked").unlink()
    with pytest.raises(UnknownJobError):
        client.cancel("0" * 32)
    with pytest.raises(UnknownJobError):
        client.wait("0" * 32)


def test_what_exists_is_not_overwritten_by_streaming(door: Door, client: Client, tmp_path: Path) -> None:
    (tmp_path / "o.1002.exr").write_bytes(b"mine")
    with pytest.raises(OutputError, match=re.escape("o.1002.exr exists")):
        restore(client, spec(door, tmp_path), way="streamed")
    restore(client, spec(door, tmp_path, frames="1002", existing="overwrite"), way="streamed")
    assert (tmp_path / "o.1002.exr").stat().st_size > 4


def test_cancelled_while_streaming_leaves_nothing(door: Door, client: Client, tmp_path: Path) -> None:
    before = set(door.listener.spool.folder.iterdir())
    with pytest.raises(JobCancelledError):
        restore(client, spec(door, tmp_path), way="streamed", cancelled=lambda: True)
    assert set(door.listener.spool.folder.iterdir()) == before


def test_a_file_larger_than_the_spool_is_refused(door: Door, client: Client, tmp_path: Path) -> None:
    big = tmp_path / "big.exr"
    with big.open("wb") as out:
        out.truncate(65 * 2**20)
    with pytest.raises(RefusedError, match="--spool"):
        upload(client.link, big, bundle="1" * 32, name="big.exr")
    client.release("1" * 32)


def test_many_megabytes_pass_by_credit(tcp_door: Door, tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(20 * 2**20 + 17)
    (tmp_path / "big.exr").write_bytes(data)
    steps: list[int] = []
    with tcp_door.client() as client:
        upload(
            client.link, tmp_path / "big.exr", bundle="2" * 32, name="big.exr", on_bytes=lambda n, _: steps.append(n)
        )
        assert (tcp_door.listener.spool.inputs("2" * 32) / "big.exr").read_bytes() == data
        client.release("2" * 32)
    assert steps == sorted(steps)
    assert steps[-1] == len(data)


def test_a_second_listener_in_the_folder_is_refused(door: Door, opener: Callable[[], None]) -> None:
    with pytest.raises(Exception, match="Another engine listens"):
        opener()
