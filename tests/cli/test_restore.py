"""`frdm restore`: what it writes, what it refuses, and how it stops."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.torch import load_file, save_file
from typer.testing import Result

from frdm_engine.plates.plate import read_plate

Frdm = Callable[..., Result]
Refused = Callable[..., str]
Save = Callable[..., Path]
Picture = Callable[..., npt.NDArray[np.float32]]

ROOT = Path(__file__).parents[2]
NAMES = [f"plate.{number}.exr" for number in range(1001, 1006)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def force(tmp_path: Path, save: Save) -> Path:
    """A mask over the middle of the plates."""
    mask = np.zeros((40, 64, 1), np.float32)
    mask[10:30, 20:44] = 1
    return save(tmp_path / "masks" / "force.exr", mask, ("A",))


def exr_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.exr"))


def rgb(path: Path) -> npt.NDArray[np.float32]:
    return read_plate(path).rgb()


def test_a_sequence_comes_out_with_mattes_difference_and_report(
    frdm: Frdm, plates: Path, out: Path, model: Path, force: Path, tmp_path: Path
) -> None:
    result = frdm(
        *("restore", plates / "plate.####.exr", out / "plate.####.exr", "--model", model, "--device", "cpu"),
        *("--matte", out / "matte.####.exr", "--difference", out / "difference.####.exr", "--force", force),
        *("--report", tmp_path / "report.json", "--fix", "dirt"),
    )
    assert result.exit_code == 0
    assert exr_names(out) == sorted(
        [*NAMES, *(f"{name}.{number}.exr" for name in ("matte", "difference") for number in range(1001, 1006))]
    )
    assert "colour space linear: EXR with no colour space given" in result.stderr
    assert re.search(r"frame 1005  5/5  \d+ % of tiles sampled  18\.75 % of pixels changed  \d", result.stderr)
    assert re.match(
        r"5 frames; 18\.75 % of pixels changed, 81\.25 % bit for bit as they were; [\d.]+ s a frame\n", result.stdout
    )
    before, after = rgb(plates / NAMES[2]), rgb(out / NAMES[2])
    outside = np.ones(before.shape[:2], bool)
    outside[10:30, 20:44] = False
    assert (after[outside] == before[outside]).all()
    assert (after[~outside] != before[~outside]).any()
    report = json.loads((tmp_path / "report.json").read_text())
    assert [line["frame"] for line in report["frames"]] == [1001, 1002, 1003, 1004, 1005]
    assert report["stopped"] is False


def test_protect_wins_over_force(
    frdm: Frdm, plates: Path, out: Path, model: Path, force: Path, tmp_path: Path, save: Save
) -> None:
    protect = save(tmp_path / "masks" / "protect.exr", np.ones((40, 64, 1), np.float32), ("A",))
    result = frdm("restore", plates, out, "--model", model, "--force", force, "--protect", protect)
    assert result.exit_code == 0
    assert "0.00 % of pixels changed, 100.00 % bit for bit" in result.stdout
    assert all((rgb(plates / name) == rgb(out / name)).all() for name in NAMES)


def test_parts_of_a_range_come_out_as_the_whole_would(
    frdm: Frdm, plates: Path, out: Path, model: Path, force: Path, tmp_path: Path
) -> None:
    common = ("--model", model, "--force", force, "--device", "cpu")
    frdm("restore", plates, tmp_path / "whole", *common)
    result = frdm("restore", plates, out, "--handles", 1, "--frames", "1002-1004", *common)
    assert result.exit_code == 0
    assert exr_names(out) == ["plate.1003.exr"]
    assert (rgb(out / NAMES[2]) == rgb(tmp_path / "whole" / NAMES[2])).all()


def test_resume_does_only_what_is_missing(frdm: Frdm, plates: Path, out: Path, model: Path, refused: Refused) -> None:
    common = ("restore", plates, out, "--model", model)
    frdm(*common)
    assert "plate.1001.exr exists; add --overwrite to replace it or --resume" in refused(*common)
    (out / NAMES[3]).unlink()
    result = frdm(*common, "--resume")
    assert result.exit_code == 0
    assert result.stderr.count("there already") == 4
    assert "; 4 there already\n" in result.stdout
    assert exr_names(out) == NAMES
    assert frdm(*common, "--overwrite").stderr.count("there already") == 0


def test_one_named_file_stands_alone_and_says_so(frdm: Frdm, plates: Path, out: Path, model: Path) -> None:
    result = frdm("restore", plates / NAMES[1], out, "--model", model)
    assert result.exit_code == 0
    assert exr_names(out) == [NAMES[1]]
    assert re.search(r"restored on its own, .* --frames 1002\n", result.stderr)


def test_a_gap_beside_chosen_frames_is_mentioned(frdm: Frdm, plates: Path, out: Path, model: Path) -> None:
    (plates / NAMES[2]).unlink()
    result = frdm("restore", plates, out, "--frames", "1001-1002", "--cuts", "none", "--model", model)
    assert result.exit_code == 0
    assert "lacks 1003; frames near it have fewer neighbours" in result.stderr


def test_the_plan_is_shown_and_nothing_written(
    frdm: Frdm, plates: Path, out: Path, model: Path, refused: Refused
) -> None:
    result = frdm("restore", plates, out, "--model", model, "--plan")
    assert result.exit_code == 0
    assert result.stdout.startswith("frame   64 x 40")
    assert not out.exists()
    assert "colour space" in refused("restore", plates, out, "--model", model, "--plan", "--colorspace", "x")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--frames", "990-1002"), "Frame 990 is outside of"),
        (("--frames", "abc"), "Frames 'abc' are not understood"),
        (("--handles", "3"), "--handles 3 leaves none"),
        (("--colorspace", "teal"), "no colour space 'teal'"),
        (("--layer", "beauty"), "'beauty'"),
        (("--fix", "dirt,rust"), "--fix names rust"),
        (("--fix", ""), "--fix names nothing"),
        (("--strength", "-1"), "--strength is -1"),
        (("--steps", "0"), "--steps is 0"),
        (("--grain", "9"), "--grain is 9"),
        (("--tile", "100"), "100"),
        (("--vram", "much"), "--vram 'much' is not a size"),
        (("--cuts", "a"), "Frames 'a' are not understood"),
        (("--model", "frdm-xxl"), "'frdm-xxl' is neither an embedded model"),
        (("--protect", "none.####.exr"), "none.####.exr"),
        (("--overwrite", "--resume"), "--overwrite and --resume exclude each other"),
        (("--report", "none/report.json"), "none/report.json"),
    ],
)
def test_settings_that_cannot_be_used(
    refused: Refused, plates: Path, out: Path, model: Path, options: tuple[str, ...], named: str
) -> None:
    assert named in refused("restore", plates, out, "--model", model, *options)
    assert not out.exists()


@pytest.mark.parametrize("options", [("--device", "cuda:99"), ("--device", "abacus"), ("--vram", "100MB")])
def test_devices_that_are_not_there_or_too_small_end_with_4(
    refused: Refused, plates: Path, out: Path, model: Path, options: tuple[str, ...]
) -> None:
    refused("restore", plates, out, "--model", model, *options, code=4)
    assert not out.exists()


def test_missing_frames(refused: Refused, plates: Path, out: Path, model: Path) -> None:
    (plates / NAMES[2]).unlink()
    assert "Frame 1003 of" in refused("restore", plates / "plate.####.exr", out, "--model", model)
    assert "No frame scan####.exr" in refused("restore", plates / "scan####.exr", out, "--model", model)
    assert "nowhere" in refused("restore", plates / "nowhere", out, "--model", model)
    assert not out.exists()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _no_exr(path: Path) -> None:
    path.write_text("no picture at all", encoding="utf-8")


def _absurd(path: Path) -> None:
    """Let the header claim 200,000 by 200,000 pixels."""
    data = bytearray(path.read_bytes())
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = data.index(name) + len(name) + 4
        data[at : at + 16] = struct.pack("<4i", 0, 0, 199_999, 199_999)
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [_truncate, _no_exr, _absurd])
@pytest.mark.parametrize("index", [0, 1])
def test_files_that_cannot_be_read(
    frdm: Frdm, refused: Refused, plates: Path, out: Path, model: Path, spoil: Callable[[Path], None], index: int
) -> None:
    spoil(plates / NAMES[index])
    assert NAMES[index] in refused("restore", plates / NAMES[index], out, "--model", model)
    assert not exr_names(out)
    result = frdm("restore", plates, out, "--model", model)
    assert result.exit_code == 3
    assert f"\nframe {1001 + index} failed: {plates / NAMES[index]}" in result.stderr
    assert result.stdout.startswith("4 of 5 frames; ")
    assert f"; 1 failed: {1001 + index}\n" in result.stdout
    assert exr_names(out) == [name for name in NAMES if name != NAMES[index]]


def test_frames_of_another_size(frdm: Frdm, plates: Path, out: Path, model: Path, save: Save, picture: Picture) -> None:
    save(plates / NAMES[1], picture(0, width=80))
    result = frdm("restore", plates, out, "--model", model)
    assert result.exit_code == 3
    assert f"frame 1002 failed: {plates / NAMES[1]} is 80 x 40 pixels" in result.stderr
    assert exr_names(out) == [NAMES[0], *NAMES[2:]]


def test_a_run_is_on_the_record_and_has_a_page(frdm: Frdm, plates: Path, out: Path, model: Path) -> None:
    _truncate(plates / NAMES[3])
    assert frdm("restore", plates, out / "o.####.exr", "--model", model, "--every", 60).exit_code == 3
    record = json.loads((out / "o.frdm.json").read_text())
    assert (record["shot"], record["done"], record["failed"]) == ("in", 4, 1)
    assert [failure["frame"] for failure in record["failures"]] == [1004]
    assert NAMES[3] in (out / "o.report.html").read_text()
    assert not (out / "o.frdm.lock").exists()


def test_a_second_run_on_the_same_frames_ends_at_once(
    frdm: Frdm, refused: Refused, plates: Path, out: Path, model: Path
) -> None:
    names = [sys.executable, "-c", "import sys; from tests.restore.claims import hold; hold(*sys.argv[1:])"]
    with subprocess.Popen(
        [*names, str(plates), str(out), "1003-1005"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for more in ((), ("--resume",), ("--overwrite",), ("--log", out.parent / "log")):
            said = refused("restore", plates, out, "--model", model, *more)
            assert f"Another run is writing 1003-1005 in {out}: process {other.pid} on " in said
        assert not exr_names(out)
        # Other frames of the shot are not its own.
        assert frdm("restore", plates, out, "--frames", "1001-1002", "--model", model).exit_code == 0
        assert exr_names(out) == NAMES[:2]
        assert "process" in refused("restore", plates, out, "--model", model)  # and not that some of it exists
        other.communicate("")
    assert frdm("restore", plates, out, "--resume", "--model", model).exit_code == 0
    assert not (out / "plate.frdm.lock").exists()


def test_plates_without_colours(refused: Refused, tmp_path: Path, out: Path, model: Path, save: Save) -> None:
    save(tmp_path / "depth.1001.exr", np.zeros((40, 64, 1), np.float32), ("Z",))
    assert "depth.1001.exr" in refused("restore", tmp_path / "depth.####.exr", out, "--model", model)
    assert not out.exists()


def test_the_output_is_never_the_input(refused: Refused, plates: Path, model: Path, out: Path) -> None:
    before = [(plates / name).read_bytes() for name in NAMES]
    for option in ((), ("--overwrite",), ("--resume",)):
        assert NAMES[0] in refused("restore", plates, plates, "--model", model, *option)
    assert NAMES[0] in refused("restore", plates, out, "--matte", plates, "--overwrite", "--model", model)
    assert "twice" in refused("restore", plates, out, "--matte", out, "--model", model)
    assert [(plates / name).read_bytes() for name in NAMES] == before
    assert not out.exists()


def test_masks_of_another_size(
    refused: Refused, plates: Path, out: Path, model: Path, tmp_path: Path, save: Save
) -> None:
    mask = save(tmp_path / "mask.exr", np.ones((40, 60, 1), np.float32), ("A",))
    for option in ("--protect", "--force"):
        assert "mask.exr is 60 x 40 pixels and the plate 64 x 40" in refused(
            "restore", plates, out, option, mask, "--model", model
        )
    assert not out.exists()


def _copy(model: Path, folder: Path, *, config: dict[str, object] | None = None, drop: int = 0) -> Path:
    folder.mkdir()
    told = json.loads((model / "config.json").read_text()) | (config or {})
    (folder / "config.json").write_text(json.dumps(told))
    tensors = load_file(model / "diffusion_pytorch_model.safetensors")
    kept = dict(list(tensors.items())[drop:])
    save_file(kept, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    return folder


def test_models_that_do_not_fit(refused: Refused, plates: Path, out: Path, model: Path, tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        return refused("restore", plates, out, "--model", folder)

    assert "checkpoint format 99" in told(_copy(model, tmp_path / "newer", config={"format": 99}))
    assert "as nothing and the model needs" in told(_copy(model, tmp_path / "lacking", drop=1))
    assert "another configuration" in told(_copy(model, tmp_path / "other", config={"width": 24}))
    torn = _copy(model, tmp_path / "torn")
    _truncate(torn / "diffusion_pytorch_model.safetensors")
    assert "cannot be read as safetensors" in told(torn)
    assert not out.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_whole_frames_and_resume_goes_on(
    frdm: Frdm, tmp_path: Path, out: Path, model: Path, save: Save, picture: Picture, number: signal.Signals
) -> None:
    for index in range(60):
        save(tmp_path / "long" / f"plate.{index:04d}.exr", picture(index))
    common = ("restore", str(tmp_path / "long"), str(out), "--model", str(model), "--device", "cpu", "--cuts", "none")
    with subprocess.Popen(
        [sys.executable, "-m", "frdm_engine", *common], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("frame "):
                process.send_signal(number)
                break
        rest = process.stderr.read().splitlines()
        assert process.wait(timeout=30) == 130
    match = re.fullmatch(
        r"frdm: Stopped: (\d+) of 60 frames are written whole; the same command with --resume goes on\.", rest[-1]
    )
    assert match is not None
    written = exr_names(out)
    assert 0 < len(written) == int(match[1]) < 60
    assert all(rgb(out / name).shape == (40, 64, 3) for name in written)
    assert not list(out.glob(".*"))
    left = [name for name in exr_names(tmp_path / "long") if name not in written]
    result = frdm(*common, "--resume", "--frames", f"0-{len(written)}")
    assert result.exit_code == 0
    assert result.stderr.count("there already") == len(written)
    assert exr_names(out) == [*written, left[0]]
