"""Pairs of scan and restoration: their register, their check, and the windows cut from them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.data.pair_check import check_pair
from frdm_engine.data.pairs import Pair, PairLibrary, Register, compare, numbered, read_picture
from frdm_engine.errors import InputError

HEIGHT, WIDTH, FRAMES, FIRST = 120, 160, 7, 11
Codes = npt.NDArray[np.uint16]


def restored_frame(frame: int) -> Codes:
    """16-bit film that moves by two pixels a frame, with grain."""
    soft = cv2.GaussianBlur(np.random.default_rng(0).random((HEIGHT, WIDTH, 3)), (0, 0), 2.5)
    grain = np.random.default_rng(frame).standard_normal(soft.shape)
    picture = np.roll(0.5 + 2.5 * (soft - 0.5), 2 * frame, axis=1) + 0.01 * grain
    return np.asarray(np.clip(picture, 0.02, 0.9) * 65535, np.uint16)


def scanned_frame(frame: int) -> Codes:
    scan = restored_frame(frame)
    for x, y in np.random.default_rng(100 + frame).integers(15, 105, (6, 2)):
        cv2.circle(scan, (int(x), int(y)), 3, (64000, 64000, 64000), -1)
    return scan


def write(path: Path, pixels: npt.NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[..., ::-1])


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """One pair of seven 16-bit frames, the restoration numbered from 1."""
    for frame in range(FRAMES):
        write(tmp_path / f"scan/s.{FIRST + frame:04d}.tif", scanned_frame(frame))
        write(tmp_path / f"done/d.{1 + frame:03d}.png", restored_frame(frame))
    pair = Pair("reel", "scan/s.%04d.tif", "done/d.%03d.png", FIRST, FIRST + FRAMES - 1, 1 - FIRST, "ours", "")
    made = Register(tmp_path / "pairs.json").add(pair)
    made.save()
    return made


def redo(register: Register, change: Any) -> None:
    """Replace every restored frame by what `change` makes of it."""
    for frame in range(FRAMES):
        write(register.path.parent / f"done/d.{1 + frame:03d}.png", change(restored_frame(frame), frame))


# Register


def test_a_register_is_written_and_read(register: Register) -> None:
    assert Register.load(register.path) == register
    assert json.loads(register.path.read_text())["version"] == 1
    files = register.files(register.pairs[0], FIRST + 2)
    assert [file.name for file in files] == ["s.0013.tif", "d.003.png"]


def test_numbers_are_put_in_as_padded() -> None:
    assert numbered("a.%04d.png", 7) == "a.0007.png"
    assert numbered("a.%03d.png", 12345) == "a.12345.png"
    assert numbered("still.png", 7) == "still.png"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "no register"),
        ("{", "no register"),
        ('{"version": 2, "pairs": []}', "version 2"),
        ('{"version": 1, "pairs": [{"title": "x"}]}', "unknown key title"),
        ('{"version": 1, "pairs": [{"name": "x", "damaged": "a", "restored": "b", "first": 5, "last": 4}]}', "last"),
        ('{"version": 1, "pairs": [{"name": "x", "damaged": 1, "restored": "b", "first": 1, "last": 4}]}', "damaged"),
    ],
)
def test_what_is_no_register_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        Register.load(path)


def test_names_are_unique(register: Register) -> None:
    with pytest.raises(InputError, match="named reel already"):
        register.add(register.pairs[0])


def test_sixteen_bits_are_kept_and_other_kinds_refused(register: Register, tmp_path: Path) -> None:
    assert np.array_equal(read_picture(tmp_path / "scan/s.0011.tif"), scanned_frame(0))
    (tmp_path / "a.exr").write_bytes(b"x")
    with pytest.raises(InputError, match="no PNG, TIFF or JPEG"):
        read_picture(tmp_path / "a.exr")
    with pytest.raises(InputError, match="does not exist"):
        read_picture(tmp_path / "b.png")


# Check


def test_a_sound_pair_is_fit(register: Register) -> None:
    found = check_pair(register, register.pairs[0])
    assert found.problems == ()
    assert found.warnings == ()
    assert (found.frames, found.width, found.height) == (FRAMES, WIDTH, HEIGHT)
    assert found.noise == 0
    assert found.shift < 0.02
    altered = [(scanned_frame(n) != restored_frame(n)).any(axis=-1).mean() for n in range(FRAMES)]
    assert found.changed == pytest.approx(np.mean(altered), rel=0.05)
    assert found.shares["dirt"] == pytest.approx(found.changed, rel=0.1)


def test_a_restoration_that_moved_is_unfit(register: Register) -> None:
    redo(register, lambda pixels, frame: np.roll(pixels, int(frame == 4), axis=0))
    assert "frame 15 lies 1.00 px off" in check_pair(register, register.pairs[0]).problems[0]


def test_a_resampled_restoration_is_unfit(register: Register) -> None:
    move = np.array([[1, 0, 0.3], [0, 1, 0.0]], np.float64)
    redo(register, lambda pixels, _: cv2.warpAffine(pixels, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=4))
    assert "resampled" in check_pair(register, register.pairs[0]).problems[0]


def test_a_grade_is_told_and_undone(register: Register) -> None:
    redo(register, lambda pixels, _: ((pixels / 65535) ** 0.85 * 65535).astype(np.uint16))
    found = check_pair(register, register.pairs[0])
    assert found.problems == ()
    assert "regraded" in found.warnings[0]
    assert found.shares["dirt"] > 0.5 * found.changed > 0


def test_a_degrained_restoration_is_told(register: Register) -> None:
    redo(register, lambda pixels, _: cv2.GaussianBlur(pixels, (0, 0), 1.0))
    assert any("degrained" in text for text in check_pair(register, register.pairs[0]).warnings)


def test_a_wrong_offset_is_told_with_the_right_one(register: Register) -> None:
    wrong = replace(register.pairs[0], first=FIRST + 2, offset=-1 - FIRST)
    assert f"try --offset {1 - FIRST}" in check_pair(register, wrong).problems[0]


def test_missing_files_and_sizes_are_told(register: Register) -> None:
    pair = register.pairs[0]
    (register.path.parent / "done/d.004.png").unlink()
    assert "1 files are missing" in check_pair(register, pair).problems[0]
    redo(register, lambda pixels, _: pixels[:-2])
    assert "160x120 pixels and d.004.png 160x118" in check_pair(register, pair).problems[0]


# Windows


def test_cuts_part_shots(register: Register) -> None:
    redo(register, lambda pixels, frame: pixels if frame < 4 else pixels[:, ::-1] // 4)
    assert [one.frame for one in compare(register, register.pairs[0]) if one.starts_shot] == [FIRST, FIRST + 4]


@pytest.mark.parametrize("cached", [False, True])
def test_a_window_is_scan_truth_and_matte(register: Register, tmp_path: Path, cached: bool) -> None:
    library = PairLibrary.open(register.path, cache=tmp_path / "cache" if cached else None)
    drawn = 0
    for seed in range(8):
        window = library.window(np.random.default_rng(seed), length=5, height=64, width=96)
        assert window.damaged.shape == (5, 64, 96, 3)
        assert window.matte.shape == (64, 96, 4)
        assert all(part.dtype == np.float32 for part in (window.damaged, window.truth, window.matte))
        sound = window.matte.max(axis=-1) == 0
        assert np.abs(window.damaged[2] - window.truth)[sound].max() < 1.6 / 255
        assert np.abs(window.damaged[2] - window.truth).max(axis=-1)[~sound].mean() > 0.1 or sound.all()
        drawn += not sound.all()
    assert drawn >= 5


def test_the_cache_is_used_and_follows_its_files(register: Register, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = PairLibrary.open(register.path, cache=cache).pairs[0]
    made = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert len(made) == 3
    PairLibrary.open(register.path, cache=cache)
    assert made == {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    redo(register, lambda pixels, _: pixels // 2)
    other = PairLibrary.open(register.path, cache=cache).pairs[0]
    assert not np.array_equal(first.truth, other.truth)


def test_windows_that_fit_nowhere_are_refused(register: Register) -> None:
    library = PairLibrary.open(register.path)
    with pytest.raises(InputError, match="no pair has a shot of 9 frames"):
        library.window(np.random.default_rng(0), length=9, height=64, width=64)
    assert library.summary() == [{"source": "reel", "licence": "ours", "kind": "pair", "frames": FRAMES}]
