"""`frdm damage`: the same damage however it is asked for, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import Result

from frdm_engine.damage import CLASSES, KINDS, PRESETS
from frdm_engine.damage.drawing import CLASS_OF
from frdm_engine.plates.exr import read_parts
from frdm_engine.plates.plate import read_plate

Frdm = Callable[..., Result]
Refused = Callable[..., str]
Save = Callable[..., Path]
NAMES = [f"plate.{number}.exr" for number in range(1001, 1006)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def _bytes(path: Path) -> list[bytes]:
    return [plane.tobytes() for part in read_parts(path) for plane in part.planes]


def _mattes(path: Path) -> npt.NDArray[np.float32]:
    part = read_parts(path)[0]
    return np.stack([part.planes[part.names.index(name)] for name in CLASSES], axis=-1).astype(np.float32)


def test_damage_lies_in_the_matte_and_nowhere_else(frdm: Frdm, plates: Path, out: Path) -> None:
    result = frdm(
        *("damage", plates, out, "--recipe", "heavy", "--seed", 3),
        *("--matte", out / "matte.####.exr", "--clean", out / "clean.####.exr"),
    )
    assert result.exit_code == 0
    assert result.stdout.startswith("5 frames damaged by heavy, seed 3")
    seen = 0
    for number, name in enumerate(NAMES, start=1001):
        damaged, clean = read_plate(out / name), read_plate(out / f"clean.{number}.exr")
        mattes = _mattes(out / f"matte.{number}.exr")
        assert damaged.dtype == clean.dtype == np.float16
        assert mattes.min() >= 0
        assert mattes.max() <= 1
        sound = ~mattes.any(axis=-1)
        assert (damaged.rgb()[sound] == clean.rgb()[sound]).all()
        seen += int((damaged.rgb() != clean.rgb()).any(axis=-1).sum())
        assert damaged.metadata["frdm:damage"] == "heavy"
        assert "frdm:damage" not in clean.metadata
    assert seen > 100


def test_kinds_are_told_apart(frdm: Frdm, plates: Path, out: Path) -> None:
    patterns = "--kinds", out / "kinds.####.exr", "--matte", out / "matte.####.exr"
    frdm("damage", plates, out, "--recipe", "heavy", "--seed", 3, *patterns)
    seen = 0
    for number in range(1001, 1006):
        part = read_parts(out / f"kinds.{number}.exr")[0]
        assert sorted(part.names) == sorted(kind.replace(" ", "_") for kind in KINDS)
        mattes = _mattes(out / f"matte.{number}.exr")
        for kind in KINDS:
            plane = part.planes[part.names.index(kind.replace(" ", "_"))]
            assert set(np.unique(plane)) <= {0, 1}
            assert (mattes[..., CLASS_OF[kind]][plane > 0] > 0.04).all()
            seen += int(plane.sum())
    assert seen > 100


def test_a_part_of_the_range_is_damaged_as_the_whole(frdm: Frdm, plates: Path, out: Path, tmp_path: Path) -> None:
    frdm("damage", plates, out, "--seed", 9)
    frdm("damage", plates / "plate.1003-1004####.exr", tmp_path / "part", "--seed", 9)
    frdm("damage", plates / "plate.1005.exr", tmp_path / "part", "--seed", 9)
    for name in NAMES[2:]:
        assert _bytes(out / name) == _bytes(tmp_path / "part" / name)
    assert not (tmp_path / "part" / NAMES[0]).exists()
    frdm("damage", plates, tmp_path / "other", "--seed", 10)
    assert _bytes(out / NAMES[0]) != _bytes(tmp_path / "other" / NAMES[0])


def test_without_grain_weave_fading_or_scan_truth_is_the_plate(
    frdm: Frdm, plates: Path, out: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "recipe.json"
    plain.write_text(
        '{"weave": {"presence": 0}, "fading": {"presence": 0}, "scan": {"presence": 0}, '
        '"flicker": {"presence": 0}, "stains": {"presence": 0}}'
    )
    frdm("damage", plates, out, "--recipe", plain, "--no-grain", "--clean", out / "clean.####.exr")
    for number, name in enumerate(NAMES, start=1001):
        assert _bytes(out / f"clean.{number}.exr") == _bytes(plates / name)
    assert any(_bytes(out / name) != _bytes(plates / name) for name in NAMES)


def test_values_out_of_range_survive(frdm: Frdm, tmp_path: Path, out: Path, save: Save) -> None:
    pixels = np.full((40, 64, 3), 0.2, np.float32)
    pixels[3, 3], pixels[4, 4], pixels[5:9, 5:9], pixels[20, 20] = np.nan, np.inf, 40.0, -0.5
    save(tmp_path / "in" / "plate.1001.exr", pixels)
    recipe = tmp_path / "none.json"
    recipe.write_text(
        '{"dirt": {"presence": 0}, "scratches": {"presence": 0, "rain_presence": 0, "scuff": 0, "cinch": 0}, '
        '"stains": {"presence": 0}, "mould": {"presence": 0}, "splices": {"chance": 0}, "tears": {"chance": 0}, '
        '"gate": {"presence": 0}, "flicker": {"presence": 0}, "weave": {"presence": 0}, "fading": {"presence": 0}, '
        '"scan": {"presence": 0}}'
    )
    frdm("damage", tmp_path / "in", out, "--recipe", recipe, "--no-grain")
    assert _bytes(out / "plate.1001.exr") == _bytes(tmp_path / "in" / "plate.1001.exr")


def test_a_grey_plate_stays_grey_and_its_other_channels_stay(frdm: Frdm, tmp_path: Path, out: Path, save: Save) -> None:
    pixels = np.random.default_rng(1).random((40, 64, 2), dtype=np.float32)
    save(tmp_path / "in" / "plate.1001.exr", pixels, ("Y", "Z"))
    frdm("damage", tmp_path / "in", out, "--recipe", "heavy")
    before, after = (read_parts(folder / "plate.1001.exr")[0] for folder in (tmp_path / "in", out))
    assert before.names == after.names
    assert (before.planes[after.names.index("Z")] == after.planes[after.names.index("Z")]).all()
    assert (before.planes[after.names.index("Y")] != after.planes[after.names.index("Y")]).any()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--recipe", "brutal"), f"'brutal' is neither a damage recipe ({', '.join(PRESETS)}) nor a file"),
        (("--templates", "nowhere"), "nowhere holds no sub-folders"),
        (("--frames", "1004-1006"), "Frame 1006 is outside of"),
        (("--colorspace", "teal"), "no colour space 'teal'"),
        (("--layer", "beauty"), "'beauty'"),
        (("--matte", "matte.####.png"), "--matte matte.####.png must be EXR"),
        (("--kinds", "kinds.####.png"), "--kinds kinds.####.png must be EXR"),
    ],
)
def test_settings_that_cannot_be_used(
    refused: Refused, plates: Path, out: Path, options: tuple[str, ...], named: str
) -> None:
    assert named in refused("damage", plates, out, *options)
    assert not out.exists()


def test_files_are_not_overwritten_unasked(frdm: Frdm, refused: Refused, plates: Path, out: Path) -> None:
    assert NAMES[0] in refused("damage", plates, plates, "--overwrite")
    assert "twice" in refused("damage", plates, out, "--clean", out)
    frdm("damage", plates, out)
    assert "plate.1001.exr exists; add --overwrite" in refused("damage", plates, out)
    assert frdm("damage", plates, out, "--overwrite").exit_code == 0


def test_frames_of_another_size(
    refused: Refused, plates: Path, out: Path, save: Save, picture: Callable[..., npt.NDArray[np.float32]]
) -> None:
    save(plates / NAMES[1], picture(0, width=80))
    assert "plate.1002.exr is 80 x 40 pixels" in refused("damage", plates, out)
    assert [path.name for path in out.iterdir()] == [NAMES[0]]
