"""Nothing but repairs changes in a sequence on disk (C1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import Sequence, read_mask, read_plate
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import run
from tests.restore.on_disk import (
    HEIGHT,
    WIDTH,
    Make,
    Pictures,
    Planes,
    bits,
    changed_pixels,
    job_of,
    linear,
    load,
    save,
)


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
