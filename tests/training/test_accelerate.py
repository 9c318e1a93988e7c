"""Several training processes: each draws its own windows, and all take the same steps and end together."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from frdm_engine.data.patches import PatchStream
from frdm_engine.errors import SettingError
from frdm_engine.training.processes import Launched, Processes, begin
from frdm_engine.training.state import facts_of

CPU = torch.device("cpu")

SCRIPT = """
import json
import signal
import sys
from pathlib import Path
import cv2
import torch
from safetensors.torch import save_file
from frdm_engine.damage import PRESETS
from frdm_engine.data.patches import PatchStream
from frdm_engine.training.loop import Schedule, Training
from frdm_engine.training.presets import Preset
from frdm_engine.training.processes import begin

torch.set_num_threads(1)
cv2.setNumThreads(1)
footage, run, out = (Path(one) for one in sys.argv[1:])
processes = begin(torch.device("cpu"))
index = processes.index
with processes.main_first():
    came_after = (out / "first").exists()
    (out / "first").touch()

both, one, none = (torch.nn.Parameter(torch.zeros(2, 3)) for _ in range(3))
both.grad = torch.full((2, 3), 1.0 + index)
one.grad = torch.full((2, 3), 4.0) if index else None
loss = processes.average(torch.tensor(float(index)), [both, one, none])
told = {
    "count": processes.count,
    "came_after": came_after,
    "loss": loss,
    "both": both.grad.unique().tolist(),
    "one": one.grad.unique().tolist(),
    "none": none.grad is None,
    "gathered": processes.gather(index, 7.0),
}

torch.manual_seed(index)  # unlike starts: they must be made one
model = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
preset = Preset(model=model, patch=64, frames=1, warmup=1, rate=3e-3)
made = Training(run, preset, device=processes.device, processes=processes)
before = {name: value.clone() for name, value in made.model.state_dict().items()}
stream = PatchStream(root=footage, classes=("free",), cache=None, recipes=(PRESETS["heavy"],), seed=0, radius=2,
                     small_side=48, size=64, frames=1, patches=1, process=index)
lines = []


def report(line):
    lines.append(line["step"])
    if line["step"] == 2:  # only the first process reports, so it alone has the signal
        signal.raise_signal(signal.SIGINT)


made.run(stream, Schedule(minutes=5, total_minutes=5, log_every=1), workers=0, report=report)
told |= {"step": made.step, "minutes": made.minutes, "lines": lines}
after = {name: value.contiguous() for name, value in made.model.state_dict().items()}
told["moved"] = any(not torch.equal(value, before[name]) for name, value in after.items())
save_file(after, out / f"{index}.safetensors")
(out / f"{index}.json").write_text(json.dumps(told))
processes.end()
"""


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path, footage: Path) -> None:
    """They are started as a launcher does, by what it leaves in the environment."""
    pytest.importorskip("accelerate")
    run, out = tmp_path / "run", tmp_path / "out"
    out.mkdir()
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    common |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    started = []
    try:
        for index in range(2):
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", SCRIPT, str(footage), str(run), str(out)],
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).parents[2],
                    env=os.environ | common | {"RANK": str(index), "LOCAL_RANK": str(index)},
                )
            )
        errors = [process.communicate(timeout=120)[1] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0, 0], "\n".join(errors)

    first, second = (json.loads((out / f"{index}.json").read_text()) for index in range(2))
    for told in (first, second):
        assert told["count"] == 2
        assert (told["loss"], told["both"], told["one"], told["none"]) == (0.5, [1.5], [2.0], True)
        assert told["gathered"] == [[0.0, 7.0], [1.0, 7.0]]
        assert told["step"] == 2
        assert told["moved"]
    assert (first["came_after"], second["came_after"]) == (False, True)
    assert (first["lines"], second["lines"]) == ([1, 2], [])
    assert first["minutes"] == second["minutes"]

    weights = [load_file(out / f"{index}.safetensors") for index in range(2)]
    saved = load_file(run / "state-2.safetensors")
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name
        assert torch.equal(value, saved[f"model.{name}"]), name
    assert facts_of(run)["step"] == 2
    assert len((run / "log.jsonl").read_text().splitlines()) == 2


def test_each_process_draws_windows_of_its_own(stream: Callable[[], PatchStream]) -> None:
    one, same, other = stream(), stream(), stream()
    other.process = 1
    drawn = [next(iter(islice(each, 1))).patches.window for each in (one, same, other)]
    assert torch.equal(drawn[0], drawn[1])
    assert drawn[0].shape != drawn[2].shape or not torch.equal(drawn[0], drawn[2])


def test_a_process_alone_is_the_first_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = begin(CPU)
    assert type(alone) is Processes
    assert (alone.main, alone.count, alone.device) == (True, 1, CPU)
    assert alone.gather(1.0, 2.0) == [(1.0, 2.0)]


def test_one_numbered_device_for_several_processes_is_refused() -> None:
    pytest.importorskip("accelerate")
    with pytest.raises(SettingError, match="--device cuda:1 is one device for all processes; give cuda"):
        Launched(torch.device("cuda:1"))
