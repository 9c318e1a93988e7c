"""`frdm train`: a run of seconds, gone on with, whose model restores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import Result

from frdm_engine.cli.train import describe
from frdm_engine.model.folder import TENSORS
from frdm_engine.training.presets import PRESETS, Preset

Frdm = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def footage(tmp_path: Path, picture: Callable[..., npt.NDArray[np.float32]]) -> Path:
    """One still of free footage with its manifest."""
    root = tmp_path / "footage"
    (root / "train" / "images" / "stills").mkdir(parents=True)
    still = np.clip(255 * picture(0, height=420, width=520), 0, 255).astype(np.uint8)
    cv2.imwrite(str(root / "train" / "images" / "stills" / "a.png"), still)
    (root / "MANIFEST.tsv").write_text("path\tclass\tlicence\ntrain/images/stills\tfree\tCC0\n", encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Preset(model={"width": 16, "features": 16, "prompt_dim": 16}, patch=64, frames=1, patches=1)
    monkeypatch.setitem(PRESETS, "tiny", tiny)


def test_a_run_is_begun_gone_on_with_and_used(frdm: Frdm, footage: Path, tmp_path: Path, model: Path) -> None:
    run = tmp_path / "run"
    common = ("train", "--data", footage, "--run", run, "--preset", "tiny", "--device", "cpu", "--workers", 0)
    result = frdm(*common, "--minutes", 0.001, "--log-every", 1, "--from", model)
    assert result.exit_code == 0, result.output
    assert "1 sources, 1 frames of class free" in result.stderr
    assert "Mpixel/s" in result.stdout
    assert f"--model {run / 'last'}" in result.stdout
    step = json.loads((run / "state.json").read_text())["step"]
    assert step >= 1
    result = frdm(*common, "--minutes", 0.001)
    assert f"from step {step} at" in result.stderr
    assert json.loads((run / "state.json").read_text())["step"] > step
    assert frdm("models", run / "last").exit_code == 0


def test_what_cannot_be_trained(refused: Refused, footage: Path, tmp_path: Path, model: Path) -> None:
    def told(*options: object) -> str:
        return refused("train", "--run", tmp_path / "run", *options)

    assert "--preset 'frdm-z' is unknown" in told("--data", footage, "--preset", "frdm-z")
    assert "MANIFEST.tsv does not exist" in told("--data", tmp_path / "none", "--preset", "tiny")
    assert "class bought" in told("--data", footage, "--preset", "tiny", "--classes", "bought")
    assert "'frdm-xxl' is neither" in told("--data", footage, "--preset", "tiny", "--from", "frdm-xxl")
    assert "has width 16 and --preset frdm-s 32" in told("--data", footage, "--from", model)
    refused("train", "--data", footage, "--device", "cuda:99", code=4)
    assert not (tmp_path / "run" / "state.json").exists()


def test_a_module_is_left_out(frdm: Frdm, refused: Refused, footage: Path, tmp_path: Path, model: Path) -> None:
    """From a whole model, on which a run that has gone on with it insists."""
    run = tmp_path / "run"
    common = ("train", "--data", footage, "--run", run, "--preset", "tiny", "--device", "cpu", "--workers", 0)
    short = ("--minutes", 0.001, "--from", model)
    result = frdm(*common, *short, "--without", "frequency", "--without", "frame_fusion")
    assert result.exit_code == 0, result.output
    assert "tiny without frame_fusion, frequency on cpu, from step 0" in result.stderr
    assert json.loads((run / "last" / "config.json").read_text())["frequency"] is False
    assert frdm(*common, *short, "--without", "frame_fusion", "--without", "frequency").exit_code == 0
    assert "was begun without frame_fusion, frequency" in refused(*common, *short)
    assert "--without 'prompt' is no module; choose from" in refused(*common, *short, "--without", "prompt")
    assert "was trained without frame_fusion; add --without frame_fusion --without frequency" in refused(
        "train", "--data", footage, "--run", tmp_path / "other", "--preset", "tiny", "--from", run / "last"
    )


def test_the_low_resolution_pass_is_trained_alone(
    frdm: Frdm, refused: Refused, footage: Path, tmp_path: Path, model: Path
) -> None:
    """What it says is of stains alone, and all else of the model stays as it was."""
    run = tmp_path / "run"
    common = ("train", "--data", footage, "--run", run, "--preset", "tiny", "--device", "cpu", "--workers", 0)
    short = ("--minutes", 0.001, "--from", model, "--log-every", 1)
    result = frdm(*common, *short, "--only", "broad")
    assert result.exit_code == 0, result.output
    told = result.stdout.splitlines()[0]
    assert "small" in told
    assert "stain" in told
    assert "dirt" not in told
    given, made = (load_file(folder / TENSORS) for folder in (model, run / "last"))
    changed = {
        name.split(".")[0] for name, value in given.items() if not torch.equal(value.to(made[name].dtype), made[name])
    }
    assert changed == {"low_resolution"}
    assert "was begun with --only broad" in refused(*common, *short)
    assert frdm(*common, "--minutes", 0.001, "--only", "broad").exit_code == 0
    other = ("train", "--data", footage, "--run", tmp_path / "other", "--preset", "tiny")
    assert "use broad or local" in refused(*other, "--only", "dirt")
    assert "--without global_residual exclude each other" in refused(
        *other, "--only", "broad", "--without", "global_residual"
    )
    assert "--pairs exclude each other" in refused(*other, "--only", "broad", "--pairs", tmp_path / "pairs.json")


def test_a_line_tells_progress_and_throughput() -> None:
    line = {"step": 50.0, "minutes": 1.5, "image": 0.01234, "matte": 0.2, "megapixels_per_second": 0.5, "waited": 0.03}
    for name in ("dirt", "scratch", "stain"):
        line |= {f"{name}_psnr_before": 20.0, f"{name}_psnr": 30.0}
    assert describe(line) == (
        "step 50  1.5 min  image 0.0123  matte 0.2000  dirt 20.0>30.0 dB  scratch 20.0>30.0 dB  "
        "stain 20.0>30.0 dB  0.500 Mpixel/s  waited 3 %"
    )


def test_anew_asks_for_the_pass_and_for_weights(refused: Refused, footage: Path, tmp_path: Path, model: Path) -> None:
    common = ("train", "--data", footage, "--run", tmp_path / "run", "--preset", "tiny", "--anew")
    for wrong in (("--only", "broad"), ("--from", model), ("--from", model, "--only", "local")):
        assert "give --only broad and --from too" in refused(*common, *wrong)
    assert not (tmp_path / "run").exists()
