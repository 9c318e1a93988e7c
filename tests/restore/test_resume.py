"""Nothing is lost: a job that was stopped goes on with what is not vouched for (C5)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_engine.plates import Sequence
from frdm_engine.restore.ledger import Ledger, ledger_path
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Done, Job, run
from tests.restore.on_disk import (
    HEIGHT,
    WIDTH,
    Make,
    files,
    job_of,
    save,
)


def done_by(job: Job, restorer: Restorer) -> tuple[list[int], list[int]]:
    """Frames restored and frames skipped by a run."""
    told: list[Done] = []
    run(job, restorer, on_frame=told.append)
    return [done.frame for done in told if not done.skipped], [done.frame for done in told if done.skipped]


def test_resume_redoes_only_what_is_not_vouched_for(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source, out = shoot(range(1, 10)), tmp_path / "out"
    job = job_of(source, out, resume=True, matte=tmp_path / "matte")
    everything = list(source.frames)
    assert done_by(job, restorer(radius=1)) == (everything, [])
    before = files(out)
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*.exr")}
    assert done_by(job, restorer(radius=1)) == ([], everything)
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.exr")} == stamps

    job.output.path(4).unlink()
    assert done_by(job, restorer(radius=1))[0] == [4]
    assert job.matte is not None
    job.matte.path(5).unlink()
    job.output.path(7).write_bytes(b"not what was written")
    assert done_by(job, restorer(radius=1))[0] == [5, 7]
    assert files(out) == before

    reach = restorer(radius=1).reach
    os.utime(source.path(5), ns=(1, 1))  # what can have a say, and a frame more that cuts are judged by
    assert done_by(job, restorer(radius=1))[0] == list(range(4 - reach, 7 + reach))
    os.utime(source.path(5), ns=(2, 2))
    given = job_of(source, out, resume=True, matte=tmp_path / "matte", cuts=())
    assert done_by(given, restorer(radius=1))[0] == everything
    os.utime(source.path(5), ns=(3, 3))
    assert done_by(given, restorer(radius=1))[0] == list(range(5 - reach, 6 + reach))
    assert files(out) == before


def test_resume_redoes_all_when_settings_model_or_masks_change(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 3))
    mask = save(tmp_path / "m.exr", ({"Y": np.zeros((HEIGHT, WIDTH), np.float16)}, {}))

    def redone(settings: Settings | None = None, **options: Any) -> list[int]:
        return done_by(job_of(source, tmp_path / "out", resume=True, **options), restorer(settings=settings))[0]

    assert redone() == [1, 2]
    assert redone() == []
    assert redone(Settings(vram=2**34)) == []
    for other in (Settings(seed=1), Settings(strength=2), Settings(steps=2), Settings(fix=("dirt",))):
        assert redone(other) == [1, 2], other
    assert redone() == [1, 2]
    assert redone(colourspace="srgb") == [1, 2]
    assert redone(protect=Sequence.find(mask)) == [1, 2]
    assert redone(protect=Sequence.find(mask)) == []
    os.utime(mask, ns=(1, 1))
    assert redone(protect=Sequence.find(mask)) == [1, 2]
    other_model = restorer()
    other_model.loaded = type(other_model.loaded)("tiny", other_model.loaded.model, "1" * 64)
    job = job_of(source, tmp_path / "out", resume=True, protect=Sequence.find(mask))
    assert done_by(job, other_model)[0] == [1, 2]


def test_what_came_after_it_was_read_is_not_vouched_for(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 8))
    mask = save(tmp_path / "m.exr", ({"Y": np.zeros((HEIGHT, WIDTH), np.float16)}, {}))
    job = job_of(source, tmp_path / "out", resume=True, protect=Sequence.find(mask), cuts=())
    other = shoot(range(5, 6), name="other", seed=3).path(5)
    first, told = restorer(radius=1), []

    def put_anew(done: Done) -> None:
        told.append(done.frame)
        if done.frame == 3:  # by now frame 5 is in hand
            os.replace(other, source.path(5))
            os.utime(mask, ns=(1, 1))

    run(job, first, on_frame=put_anew)
    assert told == list(source.frames)
    reach = first.reach
    stale = range(5 - reach, 6 + reach)
    redone = done_by(job, restorer(radius=1))[0]
    assert set(stale) & set(redone) == set(stale) & set(source.frames)
    assert 1 in redone  # its mask has another date
    fresh = job_of(source, tmp_path / "fresh", protect=Sequence.find(mask), cuts=())
    run(fresh, restorer(radius=1))
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_another_ocio_config_is_another_job(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(shoot(range(1, 3)), tmp_path / "out", resume=True, colourspace="show")
    for name, gain in (("one", 2), ("two", 3)):
        (tmp_path / f"{name}.ocio").write_text(
            f"""ocio_profile_version: 2
roles: {{default: raw, scene_linear: mine}}
file_rules: [!<Rule> {{name: Default, colorspace: default}}]
displays: {{d: [!<View> {{name: v, colorspace: raw}}]}}
colorspaces:
  - !<ColorSpace> {{name: raw, isdata: true}}
  - !<ColorSpace> {{name: mine}}
  - !<ColorSpace>
    name: show
    to_scene_reference: !<MatrixTransform> {{matrix: [{gain}, 0, 0, 0, 0, {gain}, 0, 0, 0, 0, {gain}, 0, 0, 0, 0, 1]}}
"""
        )
    for name, redone in (("one", [1, 2]), ("one", []), ("two", [1, 2])):
        monkeypatch.setenv("OCIO", str(tmp_path / f"{name}.ocio"))
        assert done_by(job, restorer())[0] == redone
        record = run(job, restorer())
        assert str(tmp_path / f"{name}.ocio") in record["colourspace"]["ocio"]


def test_a_mask_that_moves_from_protect_to_force_is_another_job(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 3))
    half = np.zeros((HEIGHT, WIDTH), np.float16)
    half[:, :9] = 1
    mask = Sequence.find(save(tmp_path / "m.exr", ({"Y": half}, {})))
    assert done_by(job_of(source, tmp_path / "out", resume=True, protect=mask), restorer())[0] == [1, 2]
    assert done_by(job_of(source, tmp_path / "out", resume=True, force=mask), restorer())[0] == [1, 2]


@pytest.mark.parametrize("kept", [0, 1, 30, -1])
def test_a_torn_last_line_of_the_ledger_is_tolerated(
    kept: int, tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 4))
    job = job_of(source, tmp_path / "out", resume=True)
    run(job, restorer())
    path = ledger_path(job.output)
    *whole, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole) + last[:-1][:kept])
    torn = [] if kept == -1 and json_or_none(last[:-1][:kept]) else [3]
    assert done_by(job, restorer())[0] == torn
    assert done_by(job, restorer()) == ([], [1, 2, 3])
    entries = [json_or_none(line) for line in path.read_bytes().splitlines()]
    assert [entry["frame"] for entry in entries if entry] == [1, 2, 3]


def json_or_none(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def test_a_ledger_of_rubbish_vouches_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.frdm.jsonl"
    path.write_text('\n7\n[]\n{"frame": "1"}\n{"frame": true, "key": 1}\n{"frame": 2, "key": "k", "files": []}\n{')
    ledger = Ledger(path)
    assert ledger.vouches(2, "k", [])
    assert not ledger.vouches(2, "other", [])
    assert not ledger.vouches(2, "k", [tmp_path / "gone.exr"])
    assert not ledger.vouches(7, "k", [])
    ledger.add({"frame": 3, "key": "n", "files": []})
    assert Ledger(path).vouches(3, "n", [])


def test_a_sidecar_shared_by_several_is_read_where_its_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "x.frdm.jsonl"
    one, two = Ledger(path), Ledger(path)
    one.add({"frame": 1, "key": "a"})
    two.add({"frame": 2, "key": "b"})
    one.add({"frame": 3, "key": "c"})
    assert sorted(one.lines) == [1, 3]
    assert one.line(2) is None
    one.refresh()
    assert [one.line(frame) for frame in (1, 2, 3)] == [
        *({"frame": 1, "key": "a"}, {"frame": 2, "key": "b"}, {"frame": 3, "key": "c"})
    ]
    # A place that is not that of the line, and a file that was put in another's place.
    path.write_bytes(b"\n".join(reversed(path.read_bytes().splitlines())) + b"\n")
    assert two.line(2) == {"frame": 2, "key": "b"}
    assert one.line(3) == {"frame": 3, "key": "c"}
    path.unlink()
    assert one.line(3) is None
    assert not one.vouches(3, "c", [])


def test_stop_ends_between_frames_and_resume_goes_on(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot()
    run(job_of(source, tmp_path / "whole"), restorer())
    told: list[Done] = []
    asked = iter([False, False, False, True])
    report = run(job_of(source, tmp_path / "out"), restorer(), on_frame=told.append, stop=lambda: next(asked))
    assert report["stopped"] is True
    assert [done.frame for done in told] == [1, 2, 3]
    assert [line["frame"] for line in report["frames"]] == [1, 2, 3]
    assert sorted(files(tmp_path / "out")) == ["plate.0001.exr", "plate.0002.exr", "plate.0003.exr"]
    assert list((tmp_path / "out").glob(".*")) == []
    assert done_by(job_of(source, tmp_path / "out", resume=True), restorer()) == ([4, 5, 6], [1, 2, 3])
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_overwrite_replaces_everything(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 3))
    run(job_of(source, tmp_path / "out"), restorer())
    before = files(tmp_path / "out")
    job = job_of(source, tmp_path / "out", overwrite=True)
    assert done_by(job, restorer(settings=Settings(seed=3)))[0] == [1, 2]
    assert files(tmp_path / "out") != before
