"""Whole sequences on disk: bit-exact in any chunks, nothing changed beside repairs, nothing lost, nothing silent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest

from frdm_engine.errors import FrdmError, MaskError, OutputError, PlateError, SequenceError
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import Sequence, read_mask, read_plate
from frdm_engine.restore.ledger import Ledger, ledger_path
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Done, Job, check, run
from frdm_engine.version import __version__

Array = npt.NDArray[np.float32]
Planes = dict[str, npt.NDArray[Any]]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]
HEIGHT, WIDTH = 32, 48
KINDS = {np.float16: "half", np.float32: "float", np.uint8: "uint8", np.uint16: "uint16"}


# Files, written and read with OpenImageIO alone


def header(planes: Planes, **attributes: Any) -> Any:
    first = next(iter(planes.values()))
    spec = oiio.ImageSpec(first.shape[1], first.shape[0], len(planes), KINDS[first.dtype.type])
    spec.channelnames = tuple(planes)
    if len({plane.dtype for plane in planes.values()}) > 1:
        spec.channelformats = tuple(oiio.TypeDesc(KINDS[plane.dtype.type]) for plane in planes.values())
    spec.x, spec.y = attributes.pop("window", (0, 0))
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = attributes.pop(
        "display", (spec.x, spec.y, spec.width, spec.height)
    )
    for name, value in attributes.items():
        if isinstance(value, tuple):
            spec.attribute(name, *value)
        else:
            spec.attribute(name, value)
    return spec


def save(path: Path, *parts: tuple[Planes, dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    specs = tuple(header(planes, **attributes) for planes, attributes in parts)
    out: Any = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), specs) if len(specs) > 1 else out.open(str(path), specs[0]), out.geterror()
    for index, (planes, _) in enumerate(parts):
        if index:
            assert out.open(str(path), specs[index], "AppendSubimage"), out.geterror()
        kinds = {plane.dtype for plane in planes.values()}
        cube = np.stack(list(planes.values()), axis=-1)
        assert out.write_image(cube if len(kinds) == 1 else cube.astype(np.float32)), out.geterror()
    assert out.close(), out.geterror()
    return path


def load(path: Path) -> list[tuple[Any, Planes]]:
    """Header and native planes of each part."""
    source: Any = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    parts, index = [], 0
    while source.seek_subimage(index, 0):
        spec = oiio.ImageSpec(source.spec())
        formats = list(spec.channelformats) or [spec.format] * spec.nchannels
        planes = {
            name: source.read_image(index, 0, c, c + 1, formats[c]).reshape(spec.height, spec.width)
            for c, name in enumerate(spec.channelnames)
        }
        parts.append((spec, planes))
        index += 1
    source.geterror()
    source.close()
    return parts


def bits(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(plane).view(f"u{plane.dtype.itemsize}")


def linear(picture: Array) -> Planes:
    """Half planes R, G, B of a picture."""
    return {name: (picture[..., c] ** 2.2).astype(np.float16) for c, name in enumerate("RGB")}


@pytest.fixture
def shoot(tmp_path: Path, pictures: Pictures) -> Callable[..., Sequence]:
    """Writes plates `plate.####.exr` of a moving texture into the folder `name`."""

    def write(frames: Iterable[int] = range(1, 7), *, name: str = "in", seed: int = 0) -> Sequence:
        for number in frames:
            picture = pictures(HEIGHT, WIDTH, range(number, number + 1), seed=seed)[number]
            save(tmp_path / name / f"plate.{number:04d}.exr", (linear(picture), {}))
        return Sequence.find(tmp_path / name)

    return write


def job_of(source: Sequence, out: Path, frames: Iterable[int] | None = None, **options: Any) -> Job:
    """A job into the folder `out`; `matte` and `difference` name folders too."""
    wanted = tuple(source.frames if frames is None else frames)
    for name in ("matte", "difference"):
        if name in options:
            options[name] = Sequence.output(options[name], frames=wanted, like=source)
    return Job(source, Sequence.output(out, frames=wanted, like=source), wanted, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Every image of a folder, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.exr"))}


def contents(folder: Path) -> dict[str, list[Any]]:
    """Every image of a folder: channels, their bits and the metadata but for the date of writing."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.exr")):
        for spec, planes in load(path):
            notes = {item.name: item.value for item in spec.extra_attribs if item.name != "DateTime"}
            found.setdefault(path.name, []).append((notes, {name: p.tobytes() for name, p in planes.items()}))
    return found


def changed_pixels(before: Path, after: Path) -> npt.NDArray[np.bool_]:
    """Where any of R, G, B differs in its bits."""
    one, two = load(before)[0][1], load(after)[0][1]
    return np.asarray(np.any([bits(one[name]) != bits(two[name]) for name in "RGB"], axis=0))


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


# C1: nothing else changes


def test_parts_channels_windows_and_metadata_come_through(tmp_path: Path, restorer: Make, pictures: Pictures) -> None:
    rng = np.random.default_rng(1)
    extras = {
        "window": (5, -3),
        "display": (0, 0, 64, 40),
        "compression": "zips",
        "smpte:TimeCode": (oiio.TypeDesc("timecode"), (0x01020304, 0)),
        "FramesPerSecond": (oiio.TypeDesc("rational"), (24000, 1001)),
        "studio:shot": "sc010 – ünïcode",
        "studio:numbers": (oiio.TypeDesc("int[3]"), (1, -2, 3)),
        "chromaticities": (oiio.TypeDesc("float[8]"), (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)),
    }

    def noise(kind: type[np.generic], *names: str) -> Planes:
        # Any bit pattern: NaN with payloads, Inf and both zeros too.
        size = np.dtype(kind).itemsize
        words = rng.integers(0, 1 << (8 * size), (len(names), HEIGHT, WIDTH), dtype=np.uint64)
        return {name: plane.astype(f"u{size}").view(kind) for name, plane in zip(names, words, strict=True)}

    for number, picture in pictures(HEIGHT, WIDTH, range(1, 4)).items():
        save(
            tmp_path / "in" / f"a.{number:04d}.exr",
            (linear(picture) | noise(np.float16, "A", "spec.R", "spec.G", "spec.B"), {"name": "rgba", **extras}),
            (noise(np.float32, "Z", "id"), {"name": "depth", **extras}),
            (noise(np.float16, "diffuse.R", "diffuse.G", "diffuse.B"), {"name": "light", **extras}),
        )
    source = Sequence.find(tmp_path / "in")
    run(job_of(source, tmp_path / "out", matte=tmp_path / "matte"), restorer())
    for number in source.frames:
        name = source.path(number).name
        before, after = load(source.path(number)), load(tmp_path / "out" / name)
        alpha = load(tmp_path / "matte" / name)[0][1]["A"] > 0
        assert 0.02 < alpha.mean() < 0.98
        assert len(before) == len(after) == 3
        for index, ((spec, planes), (again, out)) in enumerate(zip(before, after, strict=True)):
            assert list(planes) == list(out)
            for channel, plane in planes.items():
                assert out[channel].dtype == plane.dtype
                differs = bits(plane) != bits(out[channel])
                if index == 0 and channel in "RGB":
                    assert not differs[~alpha].any()
                    assert differs[alpha].mean() > 0.5
                else:
                    assert not differs.any(), channel
            for side in ("x", "y", "width", "height", "full_x", "full_y", "full_width", "full_height"):
                assert getattr(again, side) == getattr(spec, side)
            kept = {item.name: item.value for item in again.extra_attribs if not item.name.startswith("frdm:")}
            assert kept == {item.name: item.value for item in spec.extra_attribs}
        assert load(tmp_path / "matte" / name)[0][0].x == 5


@pytest.mark.parametrize("space", ["linear", "ACEScg", "cineon"])
def test_float_plates_keep_every_bit_beside_repairs(
    space: str, tmp_path: Path, restorer: Make, pictures: Pictures
) -> None:
    for number, picture in pictures(HEIGHT, WIDTH, range(1, 3)).items():
        planes = {name: plane.astype(np.float32) * np.float32(1.0001) for name, plane in linear(picture).items()}
        planes["R"][::7, ::5], planes["G"][::7, ::5], planes["B"][::7, ::5] = 37.5, -0.02, 1e-7
        save(tmp_path / "in" / f"a.{number:04d}.exr", (planes, {}))
    source = Sequence.find(tmp_path / "in")
    run(job_of(source, tmp_path / "out", matte=tmp_path / "matte", colourspace=space), restorer())
    for number in source.frames:
        name = source.path(number).name
        touched = changed_pixels(source.path(number), tmp_path / "out" / name)
        alpha = load(tmp_path / "matte" / name)[0][1]["A"] > 0
        assert 0.02 < alpha.mean() < 0.98
        assert not touched[~alpha].any()
        assert touched[alpha].mean() > 0.9


def test_nan_and_inf_stay_as_they_are(tmp_path: Path, restorer: Make, pictures: Pictures) -> None:
    for number, picture in pictures(HEIGHT, WIDTH, range(1, 4)).items():
        planes = linear(picture)
        words = planes["G"].view(np.uint16)
        words[3, 4], words[5, 6], words[7, 8], words[9, 10] = 0x7E01, 0x7C00, 0xFC00, 0xFD55
        planes["R"][11, 12] = -0.5
        planes["B"][13, 14] = 60000
        save(tmp_path / "in" / f"a.{number:04d}.exr", (planes, {}))
    everything = save(tmp_path / "mask.exr", ({"Y": np.ones((HEIGHT, WIDTH), np.float16)}, {}))
    source = Sequence.find(tmp_path / "in")
    job = job_of(source, tmp_path / "out", matte=tmp_path / "matte", force=Sequence.find(everything))
    run(job, restorer())
    for number in source.frames:
        touched = changed_pixels(source.path(number), job.output.path(number))
        unusable = ~np.isfinite(load(source.path(number))[0][1]["G"])
        assert unusable.sum() == 4
        assert not touched[unusable].any()
        assert touched[~unusable].mean() > 0.9
        assert job.matte is not None
        assert (load(job.matte.path(number))[0][1]["A"] == ~unusable).all()
        assert np.isfinite(read_plate(job.output.path(number)).rgb()[~unusable]).all()


def test_stereo_views_are_both_restored(tmp_path: Path, restorer: Make, pictures: Pictures) -> None:
    left, right = (pictures(HEIGHT, WIDTH, range(1, 4), seed=seed) for seed in (1, 2))
    for number in left:
        planes = linear(left[number]) | {f"right.{name}": plane for name, plane in linear(right[number]).items()}
        views = {"multiView": (oiio.TypeDesc("string[2]"), ("left", "right"))}
        save(tmp_path / "in" / f"a.{number:04d}.exr", (planes, views))
    source = Sequence.find(tmp_path / "in")
    report = run(job_of(source, tmp_path / "out"), restorer())
    assert sorted(report["frames"][0]["views"]) == ["left", "right"]
    for number in source.frames:
        before, after = load(source.path(number))[0][1], load(tmp_path / "out" / source.path(number).name)[0][1]
        for name in before:
            assert (bits(before[name]) != bits(after[name])).any(), name


def test_grey_plates_stay_grey(tmp_path: Path, restorer: Make, pictures: Pictures) -> None:
    for number, picture in pictures(HEIGHT, WIDTH, range(1, 4)).items():
        grey = np.rint(255 * picture.mean(axis=2)).astype(np.uint8)
        save(tmp_path / "in" / f"a.{number:04d}.png", ({"Y": grey}, {}))
    source = Sequence.find(tmp_path / "in")
    run(job_of(source, tmp_path / "out", matte=tmp_path / "matte"), restorer())
    for number in source.frames:
        (before,), (after,) = (
            [planes for _, planes in load(folder / source.path(number).name)]
            for folder in (tmp_path / "in", tmp_path / "out")
        )
        assert list(after) == ["Y"]
        assert after["Y"].dtype == np.uint8
        matte = load(tmp_path / "matte" / source.path(number).name)[0][1]
        assert list(matte) == ["Y"]
        assert matte["Y"].dtype == np.uint16
        touched = matte["Y"] > 0
        assert 0.02 < touched.mean() < 0.98
        np.testing.assert_array_equal(after["Y"][~touched], before["Y"][~touched])
        assert (after["Y"] != before["Y"])[touched].any()


def test_matte_and_difference_tell_what_changed(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 4))
    job = job_of(source, tmp_path / "out", matte=tmp_path / "matte", difference=tmp_path / "diff")
    run(job, restorer())
    for number in source.frames:
        before, after = (read_plate(s.path(number)).rgb() for s in (source, job.output))
        assert job.matte is not None
        assert job.difference is not None
        (_, matte), (spec, difference) = (load(s.path(number))[0] for s in (job.matte, job.difference))
        assert sorted(matte) == sorted(["A", *(f"frdm.{name}" for name in CLASSES)])
        alpha = np.prod([1 - matte[f"frdm.{name}"].astype(np.float32) for name in CLASSES], axis=0)
        np.testing.assert_allclose(matte["A"], 1 - alpha, atol=2e-3)
        assert not (after != before).any(axis=-1)[matte["A"] == 0].any()
        told = np.stack([difference[name] for name in "RGB"], axis=-1)
        np.testing.assert_allclose(told, after - before, atol=1e-3)
        assert spec.get_string_attribute("frdm:model") == "tiny"
        assert read_mask(job.matte.path(number), shape=(HEIGHT, WIDTH)).shape == (HEIGHT, WIDTH)


def test_masks_one_for_all_or_one_a_frame(tmp_path: Path, shoot: Callable[..., Sequence], restorer: Make) -> None:
    source = shoot(range(1, 4))
    half = np.zeros((HEIGHT, WIDTH), np.float16)
    half[:, : WIDTH // 2] = 1
    one = Sequence.find(save(tmp_path / "keep.exr", ({"Y": half}, {})))
    for number in source.frames:
        save(tmp_path / "force" / f"m.{number}.exr", ({"Y": half[:, ::-1] * np.float16(number == 2)}, {}))
    each = Sequence.find(tmp_path / "force")
    used = restorer(bias=-1e4, settings=Settings(fix=("dirt",)))
    run(job_of(source, tmp_path / "out", protect=one, force=each), used)
    for number in source.frames:
        touched = changed_pixels(source.path(number), tmp_path / "out" / source.path(number).name)
        assert not touched[:, : WIDTH // 2].any()
        assert touched[:, WIDTH // 2 :].mean() > 0.9 if number == 2 else not touched.any()


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


# C5: nothing lost


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
    into_itself = Job(source, source, source.frames)
    cases: list[tuple[Job, type[FrdmError], str]] = [
        (Job(source, job_of(source, out).output, ()), SequenceError, "No frame of .* is left to restore"),
        (Job(source, job_of(source, out).output, (1, 2, 7)), SequenceError, "Frame 7 is not in .* holds 1-3"),
        (into_itself, OutputError, r"plate\.0001\.exr is an input frame"),
        (job_of(source, taken.parent), OutputError, r"plate\.0002\.exr exists; add --overwrite .* or --resume"),
        (job_of(source, out, matte=taken.parent), OutputError, r"plate\.0002\.exr exists"),
        (job_of(source, out, matte=out), OutputError, r"plate\.0001\.exr would be written twice"),
        (job_of(source, out, protect=Sequence.find(small)), MaskError, "9 x 9 pixels and the plate 48 x 32"),
        (job_of(source, out, force=few), MaskError, r"--force .* has no frame 3"),
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
