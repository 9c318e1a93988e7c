"""Whole sequences on disk: bit-exact in any chunks, shots apart, on the record, never silent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_engine.errors import FrdmError, MaskError, OutputError, PlateError, SequenceError
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import Sequence
from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.ledger import Ledger, ledger_path
from frdm_engine.restore.matte import opacity
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Done, Job, check, repairs, run
from frdm_engine.version import __version__
from tests.restore.on_disk import (
    HEIGHT,
    WIDTH,
    Make,
    Pictures,
    changed_pixels,
    contents,
    files,
    job_of,
    linear,
    load,
    save,
)

# C2, C7: chunks and shots


def test_one_run_of_ten_frames_is_two_runs_of_five(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 11))
    run(job_of(source, tmp_path / "once", matte=tmp_path / "once_matte"), restorer())
    for frames in (range(6, 11), range(1, 6)):
        run(job_of(source, tmp_path / "twice", frames, matte=tmp_path / "twice_matte"), restorer())
    assert len(files(tmp_path / "once")) == 10
    assert files(tmp_path / "once") == files(tmp_path / "twice")
    assert contents(tmp_path / "once_matte") == contents(tmp_path / "twice_matte")
    shares = [changed_pixels(source.path(n), tmp_path / "once" / source.path(n).name).mean() for n in source.frames]
    assert all(0.02 < share < 0.98 for share in shares)


def test_one_frame_alone_is_that_of_the_whole_run(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot()
    run(job_of(source, tmp_path / "all"), restorer())
    for number in (1, 4, 6):
        run(job_of(source, tmp_path / "one", [number]), restorer())
    alone = files(tmp_path / "one")
    assert alone == {name: data for name, data in files(tmp_path / "all").items() if name in alone}


@pytest.mark.parametrize("frames", [range(1, 4), range(4, 7)])
def test_frames_beside_a_cut_do_not_see_the_other_shot(
    frames: range, tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot()
    run(job_of(source, tmp_path / "a", frames, cuts=(4,)), restorer())
    run(job_of(source, tmp_path / "uncut_a", frames, cuts=()), restorer())
    rng = np.random.default_rng(0)
    for number in set(source.frames) - set(frames):
        save(source.path(number), (linear(rng.random((HEIGHT, WIDTH, 3), dtype=np.float32)), {}))
    run(job_of(source, tmp_path / "b", frames, cuts=(4,)), restorer())
    run(job_of(source, tmp_path / "uncut_b", frames, cuts=()), restorer())
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "uncut_a") != files(tmp_path / "uncut_b")


def test_cuts_are_found_and_every_chunk_finds_the_same(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make, pictures: Pictures
) -> None:
    source = shoot(range(1, 9))
    for number, picture in pictures(HEIGHT, WIDTH, range(5, 9), seed=7).items():
        save(source.path(number), (linear(picture), {}))
    report = run(job_of(source, tmp_path / "found"), restorer())
    assert report["cuts"] == [5]
    told = run(job_of(source, tmp_path / "told", cuts=(5,)), restorer())
    assert told["cuts"] == [5]
    assert files(tmp_path / "found") == files(tmp_path / "told")
    for frames in (range(1, 4), range(4, 6), range(6, 9)):
        run(job_of(source, tmp_path / "chunks", frames), restorer())
    assert files(tmp_path / "chunks") == files(tmp_path / "found")


def test_gaps_and_single_frames_are_restored(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    gappy = shoot([1, 2, 4, 9])
    assert len(run(job_of(gappy, tmp_path / "out"), restorer())["frames"]) == 4
    single = Sequence.find(gappy.path(9))
    run(job_of(single, tmp_path / "single"), restorer())
    assert (tmp_path / "single" / "plate.0009.exr").is_file()


# C9: on the record


def test_outputs_carry_what_made_them(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 3))
    settings = Settings(seed=5, strength=1.5)
    job = job_of(source, tmp_path / "out", matte=tmp_path / "matte", colourspace="linear")
    run(job, restorer(settings=settings))
    assert job.matte is not None
    for path in (job.output.path(1), job.matte.path(2)):
        spec = load(path)[0][0]
        notes = {name: spec.get_string_attribute(f"frdm:{name}") for name in ("version", "model", "modelHash", "seed")}
        assert notes == {"version": __version__, "model": "tiny", "modelHash": "0" * 64, "seed": "5"}
        assert json.loads(spec.get_string_attribute("frdm:settings")) == settings.record() | {"steps": 1}
        assert spec.get_string_attribute("frdm:colourspace") == "linear"


def test_the_report_and_its_ledger(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 5))
    told: list[Done] = []
    job = job_of(source, tmp_path / "out", [2, 3, 4], matte=tmp_path / "matte")
    report = run(job, restorer(), on_frame=told.append)
    assert json.loads(json.dumps(report)) == report
    assert report["frdm"] == __version__
    assert report["model"] == {"name": "tiny", "sha256": "0" * 64}
    assert report["settings"] == Settings().record() | {"steps": 1}
    assert report["precision"] in ("float32", "bfloat16")
    assert report["device"] == "cpu"
    assert (report["source"], report["output"]) == (source.pattern, job.output.pattern)
    assert report["colourspace"]["name"] == "linear"
    assert report["stopped"] is False
    assert report["cuts"] == []
    assert any("48 x 32" in line for line in report["plan"])
    assert report["seconds"] > 0
    assert [line["frame"] for line in report["frames"]] == [2, 3, 4]
    for line in report["frames"]:
        assert 0 < line["changed"] < 1
        assert 0 < line["sampled"] <= 1
        assert [name for name, _, _ in line["files"]] == [path.name for path in job.files(line["frame"])]
        view = line["views"][""]
        assert set(view["share"]) == set(CLASSES)
        assert view["count"] >= len(view["largest"]) > 0
        areas = [box[4] for box in view["largest"]]
        assert areas == sorted(areas, reverse=True)
        x, y, width, height, pixels = view["largest"][0]
        assert 0 <= x <= x + width <= WIDTH
        assert 0 <= y <= y + height <= HEIGHT
        assert 0 < pixels <= width * height
        assert len(view["kinds"]) == len(view["largest"])
        assert set(view["kinds"]) <= set(CLASSES) - {"flicker"}
    lines = [json.loads(line) for line in ledger_path(job.output).read_text().splitlines()]
    assert lines == report["frames"]
    assert told == [
        Done(
            frame=line["frame"],
            index=index,
            total=3,
            skipped=False,
            sampled=line["sampled"],
            changed=line["changed"],
            seconds=done.seconds,
            written=job.files(line["frame"]),
        )
        for index, (line, done) in enumerate(zip(report["frames"], told, strict=True))
    ]


def test_a_repair_has_its_place_and_class_though_the_whole_frame_flickers() -> None:
    mattes = np.zeros((4, 20, 30), np.float32)
    mattes[CLASSES.index("flicker")] = 0.5
    mattes[CLASSES.index("dirt"), 2:5, 3:7] = 1  # 12 pixels
    mattes[CLASSES.index("stain"), 4:12, 6:16] = 0.4  # 80 pixels, one of them in the dirt
    mattes[CLASSES.index("scratch"), :, 25] = 0.8  # 20 pixels
    alpha = opacity(mattes)
    said = repairs(Restored(np.zeros((20, 30, 3), np.float32), mattes, alpha, 1.0))
    assert (alpha > 0).all()
    assert said["count"] == 2
    assert said["largest"] == [[3, 2, 13, 10, 91], [25, 0, 1, 20, 20]]
    assert said["kinds"] == ["stain", "scratch"]
    assert said["share"]["flicker"] == 1


# C4: never silent


def all_files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_bad_jobs_are_refused_before_anything_is_written(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 4))
    small = save(tmp_path / "small.exr", ({"Y": np.ones((9, 9), np.float16)}, {}))
    for number in (1, 2):
        save(tmp_path / "few" / f"m.{number}.exr", ({"Y": np.ones((HEIGHT, WIDTH), np.float16)}, {}))
    taken = save(tmp_path / "taken" / "plate.0002.exr", ({"Y": np.ones((4, 4), np.float16)}, {}))
    few, out = Sequence.find(tmp_path / "few"), tmp_path / "new" / "out"
    into_itself, mask = Job(source, source, source.frames), Sequence.find(taken)

    def beside(name: str, pattern: str) -> Job:
        options: dict[str, Any] = {name: Sequence.output(out.parent / pattern, frames=source.frames, like=source)}
        return dataclasses.replace(job_of(source, out), **options)

    cases: list[tuple[Job, type[FrdmError], str]] = [
        (Job(source, job_of(source, out).output, ()), SequenceError, "No frame of .* is left to restore"),
        (Job(source, job_of(source, out).output, (1, 2, 7)), SequenceError, "Frame 7 is not in .* holds 1-3"),
        (into_itself, OutputError, r"plate\.0001\.exr is an input frame"),
        (job_of(source, taken.parent), OutputError, r"plate\.0002\.exr exists; add --overwrite .* or --resume"),
        (job_of(source, out, matte=taken.parent), OutputError, r"plate\.0002\.exr exists"),
        (job_of(source, out, matte=out), OutputError, r"plate\.0001\.exr would be written twice"),
        (job_of(source, out, protect=Sequence.find(small)), MaskError, "9 x 9 pixels and the plate 48 x 32"),
        (job_of(source, out, force=few), MaskError, r"--force .* has no frame 3"),
        (job_of(source, out, protect=mask, matte=taken.parent, overwrite=True), OutputError, "is a mask of --protect"),
        (job_of(source, out, force=mask, difference=taken.parent, overwrite=True), OutputError, "is a mask of --force"),
        (beside("matte", "m.####.jpg"), OutputError, r"--matte .*m\.%04d\.jpg cannot be held by \.jpg; write \.exr"),
        (beside("difference", "d.####.tif"), OutputError, r"--difference .* cannot be held by \.tif; write \.exr"),
        (job_of(source, out, layer="beauty"), PlateError, "no colours in a layer 'beauty'"),
        (job_of(source, out, colourspace="nonsense"), FrdmError, "no colour space 'nonsense'"),
    ]
    before = all_files(tmp_path)
    for job, kind, says in cases:
        with pytest.raises(kind, match=says) as caught:
            run(job, restorer())
        assert str(caught.value).count("\n") == 0
        with pytest.raises(kind, match=says):
            check(job, restorer())
        assert all_files(tmp_path) == before
    with pytest.raises(FrdmError):
        check(job_of(source, out), restorer(settings=Settings(tile=100)))
    with pytest.raises(FrdmError):
        check(job_of(source, out), restorer(settings=Settings(vram=1)))
    assert all_files(tmp_path) == before


def test_input_through_a_link_is_still_the_input(
    tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    source = shoot(range(1, 3))
    (tmp_path / "link").symlink_to(tmp_path / "in")
    outputs = Sequence(tmp_path / "link", source.prefix, source.suffix, source.width, source.frames, source.names)
    with pytest.raises(OutputError, match="is an input frame"):
        run(Job(source, outputs, source.frames, overwrite=True), restorer())


def test_a_good_job_is_described(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    checked = check(job_of(shoot(range(1, 3)), tmp_path / "out"), restorer())
    assert checked.size == {"": (HEIGHT, WIDTH)}
    assert checked.space.name == "linear"
    assert (checked.plan.width, checked.plan.height) == (WIDTH, HEIGHT)
    assert checked.notes[0].startswith("colour space linear: ")
    assert not (tmp_path / "out").exists()


def spoil(path: Path, how: str) -> None:
    if how == "size":
        save(path, (linear(np.zeros((HEIGHT, WIDTH + 2, 3), np.float32)), {}))
    elif how == "torn":
        path.write_bytes(path.read_bytes()[:-400])
    else:
        path.unlink()


@pytest.mark.parametrize(("how", "says"), [("size", "is 50 x 32 pixels"), ("torn", "damaged"), ("gone", "not there")])
def test_a_bad_frame_is_named_and_earlier_ones_are_whole(
    how: str, says: str, tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make
) -> None:
    bad = 4 + restorer().reach  # the first frame that frame 4 looks at
    source = shoot(range(1, bad + 2))
    run(job_of(source, tmp_path / "good", range(1, 4), cuts=()), restorer())
    spoil(source.path(bad), how)
    told: list[Done] = []
    job = job_of(source, tmp_path / "out", cuts=())
    with pytest.raises(PlateError, match=rf"plate\.{bad:04d}\.exr .*{says}"):
        run(job, restorer(), on_frame=told.append)
    written = files(tmp_path / "out")
    assert sorted(written) == ["plate.0001.exr", "plate.0002.exr", "plate.0003.exr"]
    assert all(files(tmp_path / "good")[name] == data for name, data in written.items())
    assert list((tmp_path / "out").glob(".*")) == []
    assert sorted(Ledger(ledger_path(job.output)).lines) == [1, 2, 3]
    assert {done.frame for done in told} <= {1, 2, 3}


def test_a_failure_to_write_ends_the_job(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot()
    job = job_of(source, tmp_path / "out")

    def vanish(done: Done) -> None:
        if done.frame == 2:
            for path in (tmp_path / "out").iterdir():
                path.unlink()
            (tmp_path / "out").rmdir()

    with pytest.raises(OutputError, match=r"out.* not there"):
        run(job, restorer(), on_frame=vanish)
    assert not (tmp_path / "out").exists()


def test_notes_of_the_restorer_reach_the_report(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    made = restorer()
    made.notes.append("went on with smaller tiles")
    assert "went on with smaller tiles" in run(job_of(shoot(range(1, 2)), tmp_path / "out"), made)["notes"]
