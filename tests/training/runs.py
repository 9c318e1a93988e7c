"""A tiny training, and what it may be compared by."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import torch

from frdm_engine.data.patches import PatchStream
from frdm_engine.training.loop import Report, Schedule, Training
from frdm_engine.training.presets import Preset

CPU = torch.device("cpu")
MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
TINY = Preset(model=MODEL, patch=64, frames=1, rate=3e-3, warmup=1, later=0.3)
LONG = Schedule(minutes=10, total_minutes=10, log_every=1)


def after(steps: int) -> Report:
    """A report that interrupts the training after so many logged steps, as Ctrl-C does."""
    seen: list[float] = []

    def report(line: dict[str, float]) -> None:
        seen.append(line["step"])
        if len(seen) == steps:
            signal.raise_signal(signal.SIGINT)

    return report


def train(folder: Path, stream: PatchStream, *, steps: int, preset: Preset = TINY) -> Training:
    made = Training(folder, preset, device=CPU)
    made.run(stream, LONG, workers=0, report=after(steps))
    return made


def as_shipped(name: str, value: torch.Tensor) -> torch.Tensor:
    """A tensor as a model folder holds it: hints in half precision."""
    return value.half().float() if name.startswith("hints.") else value


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
