"""Training learns, saves, goes on where it was, and ends when it is told to."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from frdm_engine.data.patches import Batch, PatchStream
from frdm_engine.errors import CheckpointError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.folder import TENSORS
from frdm_engine.training.ema import Average
from frdm_engine.training.loop import Schedule, Training, facts_of, step_loss
from frdm_engine.training.presets import PRESETS
from frdm_engine.training.state import write_model
from tests.training.runs import CPU, LONG, MODEL, TINY, after, as_shipped, same, train

# Learning


@pytest.mark.parametrize("later", [False, True])
def test_one_batch_is_learned(later: bool, batch: Batch) -> None:
    model = FilmRestorer(**MODEL).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss, parts = step_loss(model, batch, later=later)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(math.isfinite(value) for value in (*losses, *parts.values()))
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_every_part_learns(batch: Batch) -> None:
    """No parameter is left out of the loss once branches that start silent have taken a step."""
    model = FilmRestorer(**MODEL).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    for _ in range(3):
        loss, _ = step_loss(model, batch, later=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


def test_the_loss_tells_its_parts(batch: Batch) -> None:
    loss, parts = step_loss(FilmRestorer(**MODEL), batch, later=False)
    assert loss.requires_grad
    assert {"image", "composite", "frequency", "matte", "small", "dirt_area", "scratch_after"} <= set(parts)
    assert all(math.isfinite(value) and value >= 0 for value in parts.values())
    assert float(loss.detach()) > parts["image"] + 0.2 * parts["small"] > 0


# Saving and going on


def test_a_run_goes_on_bit_for_bit(tmp_path: Path, repeated: PatchStream) -> None:
    first = train(tmp_path, repeated, steps=3)
    assert first.step == 3
    assert facts_of(tmp_path)["step"] == 3
    again = Training(tmp_path, TINY, device=CPU)
    assert (again.step, again.minutes) == (first.step, first.minutes)
    assert again.average.count == first.average.count
    same(again._tensors(), first._tensors())
    names = set(again._tensors())
    assert {"model.denoiser.leave.weight", "average.denoiser.leave.weight"} <= names
    assert {f"optimizer.denoiser.leave.weight.{key}" for key in ("step", "exp_avg", "exp_avg_sq")} <= names
    for made in (first, again):
        torch.manual_seed(5)
        made.folder = tmp_path / f"{id(made)}"
        made.folder.mkdir()
        made.minutes = 0.0
        made.run(repeated, replace(LONG, total_minutes=1e9), workers=0, report=after(2))
    assert first.step == again.step == 5
    same(again._tensors(), first._tensors())


def test_a_run_folder_holds_one_state_and_a_model(tmp_path: Path, repeated: PatchStream) -> None:
    made = train(tmp_path, repeated, steps=2)
    train(tmp_path, repeated, steps=1)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["last", "log.jsonl", "state-3.safetensors", "state.json"]
    assert facts_of(tmp_path)["tensors"] == "state-3.safetensors"
    shipped = load(tmp_path / "last").model
    tensors = load_file(tmp_path / "state-3.safetensors")
    for name, value in shipped.state_dict().items():
        assert torch.equal(value, as_shipped(name, tensors[f"average.{name}"])), name
    assert shipped.limits == made.model.limits
    assert any(not torch.equal(tensors[f"average.{n}"], tensors[f"model.{n}"]) for n in shipped.state_dict())


def test_a_run_that_ended_before_its_first_step_goes_on(tmp_path: Path, repeated: PatchStream) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    made.run(repeated, Schedule(minutes=0, total_minutes=1), workers=0, report=after(1))
    assert facts_of(tmp_path) == {"step": 0, "minutes": made.minutes, "tensors": "state-0.safetensors"}
    assert train(tmp_path, repeated, steps=1).step == 1


@pytest.mark.parametrize("switch", ["frame_fusion", "global_prompt", "frequency", "global_residual"])
def test_ablations_train_and_go_on(switch: str, tmp_path: Path, repeated: PatchStream) -> None:
    preset = replace(TINY, model=MODEL | {switch: False})
    train(tmp_path, repeated, steps=1, preset=preset)
    assert train(tmp_path, repeated, steps=1, preset=preset).step == 2


@pytest.mark.parametrize(
    ("began", "goes_on"),
    [
        ({}, {"width": 16}),
        ({}, {"frequency": False}),
        ({"frequency": False}, {}),
        ({}, {"limits": {"small_side": 48, "radius": 1}}),
    ],
    ids=str,
)
def test_a_run_of_another_preset_is_refused(
    began: dict[str, Any], goes_on: dict[str, Any], tmp_path: Path, repeated: PatchStream
) -> None:
    train(tmp_path, repeated, steps=1, preset=replace(TINY, model=MODEL | began))
    with pytest.raises(CheckpointError, match=rf"{re.escape(str(tmp_path))}.*another preset"):
        Training(tmp_path, replace(TINY, model=MODEL | goes_on), device=CPU)


@pytest.mark.parametrize("damage", ["json", "facts", "torn", "gone", "average"])
def test_a_damaged_run_folder_is_refused(damage: str, tmp_path: Path, repeated: PatchStream) -> None:
    train(tmp_path, repeated, steps=1)
    state = tmp_path / "state-1.safetensors"
    if damage == "json":
        (tmp_path / "state.json").write_text('{"step": 1')
    elif damage == "facts":
        (tmp_path / "state.json").write_text("{}")
    elif damage == "torn":
        state.write_bytes(state.read_bytes()[:-1000])
    elif damage == "gone":
        state.unlink()
    else:
        save_file({n: v for n, v in load_file(state).items() if n != "average.encoder.first.bias"}, state)
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path))):
        Training(tmp_path, TINY, device=CPU)


def test_weights_begin_a_run_and_do_not_disturb_one(tmp_path: Path, repeated: PatchStream) -> None:
    FilmRestorer(**MODEL).save_pretrained(tmp_path / "given")
    given = load_file(tmp_path / "given" / "diffusion_pytorch_model.safetensors")
    made = Training(tmp_path / "run", TINY, device=CPU, weights=tmp_path / "given")
    same(dict(made.model.state_dict()), given)
    same(made.average.values, given)
    made.run(repeated, LONG, workers=0, report=after(1))
    again = Training(tmp_path / "run", TINY, device=CPU, weights=tmp_path / "given")
    assert again.step == 1
    same(again._tensors(), made._tensors())


# Logs


def test_the_log_tells_each_interval(tmp_path: Path, repeated: PatchStream) -> None:
    made, told = Training(tmp_path, TINY, device=CPU), []
    stop = after(2)

    def report(line: dict[str, float]) -> None:
        told.append(line)
        stop(line)

    made.run(repeated, replace(LONG, log_every=2), workers=0, report=report)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == told
    assert [line["step"] for line in lines] == [2, 4]
    for line in lines:
        assert all(math.isfinite(value) for value in line.values())
        assert 0 < line["rate"] <= TINY.rate
        assert 0 <= line["waited"] < 1
        assert line["megapixels_per_second"] > 0
        assert {"image", "matte", "dirt_psnr", "dirt_psnr_before", "scratch_recall", "dirt_precision"} <= set(line)


def test_the_rate_warms_up_and_falls_over_all_stretches(tmp_path: Path) -> None:
    made = Training(tmp_path, replace(TINY, rate=1.0, warmup=4), device=CPU)
    schedule = Schedule(minutes=5, total_minutes=20)
    rates = []
    for made.step in range(6):
        rates.append(made._rate(0.0, schedule))
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    late = [made._rate(minutes, schedule) for minutes in (0, 5, 10, 15, 20, 30)]
    assert late == sorted(late, reverse=True)
    assert late[2] == pytest.approx(0.51)
    assert late[4] == late[5] == pytest.approx(0.02)


def test_a_training_that_begins_from_weights_goes_gently(tmp_path: Path) -> None:
    FilmRestorer(**MODEL).save_pretrained(tmp_path / "given")
    bare = Training(tmp_path / "bare", TINY, device=CPU)
    begun = Training(tmp_path / "begun", TINY, device=CPU, weights=tmp_path / "given")
    begun.save()
    again = Training(tmp_path / "begun", TINY, device=CPU)
    for minutes in (0.0, 5.0):
        rates = [made._rate(minutes, LONG) for made in (bare, begun, again)]
        assert rates[1] == rates[2] == pytest.approx(TINY.gentle * rates[0])


# Ends


def test_minutes_are_kept(tmp_path: Path, repeated: PatchStream) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    before = signal.getsignal(signal.SIGTERM)
    began = time.monotonic()
    made.run(repeated, Schedule(minutes=0.5 / 60, total_minutes=1), workers=0, report=lambda line: None)
    assert 0.5 <= time.monotonic() - began < 20
    assert made.step >= 1
    assert 0.5 / 60 <= facts_of(tmp_path)["minutes"] < 0.3
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_saves_now_and_then(tmp_path: Path, repeated: PatchStream) -> None:
    made, seen = Training(tmp_path, TINY, device=CPU), []

    def report(line: dict[str, float]) -> None:
        seen.append((tmp_path / "state.json").exists() and facts_of(tmp_path)["step"])
        stop(line)

    stop = after(3)
    made.run(repeated, replace(LONG, save_every=0.0), workers=0, report=report)
    assert seen == [False, 1, 2]


def test_an_error_is_raised_and_what_was_learned_saved(tmp_path: Path, repeated: PatchStream) -> None:
    made = Training(tmp_path, TINY, device=CPU)

    def fail(line: dict[str, float]) -> None:
        raise RuntimeError("no room for the log")

    with pytest.raises(RuntimeError, match="no room"):
        made.run(repeated, LONG, workers=0, report=fail)
    assert facts_of(tmp_path)["step"] == 1


SCRIPT = """
import sys
from pathlib import Path
import cv2
import torch
from frdm_engine.damage import PRESETS
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.patches import PatchStream
from frdm_engine.training.loop import Schedule, Training
from frdm_engine.training.presets import Preset

torch.set_num_threads(1)
cv2.setNumThreads(4)
ClipLibrary.open(Path(sys.argv[1]))  # as the command line does: OpenCV has threads before workers are forked
model = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
made = Training(Path(sys.argv[2]), Preset(model=model, patch=64, frames=1), device=torch.device("cpu"))
stream = PatchStream(root=Path(sys.argv[1]), classes=("free",), cache=None, recipes=(PRESETS["light"],), seed=0,
                     radius=2, small_side=48, size=64, frames=1, patches=1)
made.run(stream, Schedule(minutes=5, total_minutes=5, log_every=1), workers=1,
         report=lambda line: print("step", line["step"], flush=True))
print("saved", made.step, flush=True)
"""


def test_sigterm_saves_and_ends(tmp_path: Path, footage: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(footage), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    assert process.stdout is not None
    # A worker that hangs outlives its parent and holds the pipe.
    watchdog = threading.Timer(90, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    try:
        assert process.stdout.readline().startswith("step 1")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    finally:
        watchdog.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 0
    steps = facts_of(tmp_path)["step"]
    assert out.splitlines()[-1] == f"saved {steps}"
    assert 1 <= steps <= 3
    assert load(tmp_path / "last").sha256


# Averages and presets


def test_the_average_follows_and_forgets_its_youth() -> None:
    model = torch.nn.Linear(2, 1)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    average = Average(model, decay=0.99)
    for parameter in model.parameters():
        torch.nn.init.ones_(parameter)
    values = []
    for _ in range(2000):
        average.update(model)
        values.append(float(average.values["bias"]))
    assert values[0] == pytest.approx(1 - 2 / 11)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1, abs=1e-3)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    average.update(model)
    assert float(average.values["bias"]) == pytest.approx(0.99 * values[-1])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_describe_networks(name: str) -> None:
    preset = PRESETS[name]
    with torch.device("meta"):
        model = FilmRestorer(**preset.model)
    assert preset.patch % model.limits.multiple == 0
    assert preset.patch > 2 * model.limits.halo
    assert preset.recipes


def test_the_embedded_preset_stays_small_on_disk(tmp_path: Path) -> None:
    write_model(tmp_path / "made", FilmRestorer(**PRESETS["frdm-s"].model))
    assert (tmp_path / "made" / TENSORS).stat().st_size <= 25e6
