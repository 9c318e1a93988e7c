"""Training within a time limit: resumes, checkpoints, never loses more than a few minutes.

A run is a folder: ``last/`` (a model that loads with ``from_pretrained``, averaged weights), ``state-N.safetensors``
(raw weights and optimiser), ``state.json`` (step, minutes) and ``log.jsonl``; see ``state``.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from frdm_engine.data.patches import Batch, PatchStream
from frdm_engine.errors import CheckpointError, TrainingError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.restore.device import fast_precision
from frdm_engine.training.ema import Average
from frdm_engine.training.muon import Mixed
from frdm_engine.training.presets import Preset
from frdm_engine.training.processes import Processes
from frdm_engine.training.replay import Replay
from frdm_engine.training.state import STATE, facts_of, read_state, write_model, write_state
from frdm_engine.training.step import look_of, predict, step_loss

__all__ = ["Report", "Schedule", "Training", "Validator", "facts_of", "look_of", "predict", "step_loss"]

Report = Callable[[dict[str, float]], None]
BROAD = "low_resolution."
"""How the parameters of the low-resolution pass are named."""
SILENT = ("denoiser.prompt.", "denoiser.frequency.", "fusion.trust.", "prompt_encoder.")
"""The same of what starts silent and learns at a rate of its own."""


class Validator(Protocol):
    """Measures the averaged weights now and then: see ``validation``."""

    def due(self) -> bool:
        """Whether it is time."""

    def __call__(self, model: FilmRestorer, *, device: torch.device) -> dict[str, float]:
        """Figures of a model on ``device``, for the log."""


@dataclass(frozen=True)
class Schedule:
    """Minutes of this stretch and how often it writes."""

    minutes: float
    total_minutes: float
    """Length of the whole training, all stretches: what the learning rate's cosine runs over."""
    save_every: float = 5.0
    log_every: int = 50


class Training:
    """One run folder, brought forward by ``run``."""

    def __init__(
        self,
        folder: Path,
        preset: Preset,
        *,
        device: torch.device,
        weights: Path | None = None,
        processes: Processes | None = None,
    ) -> None:
        """Goes on with a run, or begins one, from a model's ``weights`` where given.

        Among several ``processes`` each has its own ``device``, and all call ``run`` alike.

        Raises:
            CheckpointError: the run is damaged or of another preset, or the weights do not fit.
        """
        self.folder, self.device = folder, device
        self.processes = processes or Processes(device)
        self.step, self.minutes, self.pretrained = 0, 0.0, weights is not None
        folder.mkdir(parents=True, exist_ok=True)
        goes_on = (folder / STATE).exists()
        facts, tensors = read_state(folder) if goes_on else ({}, {})
        normed = bool(facts.get("normed", False)) if goes_on else _normed(preset, weights)
        self.preset = preset = replace(preset, model=preset.model | {"normed": normed})
        self.model = FilmRestorer(**preset.model)
        if weights is not None and not goes_on:
            self._begin_from(weights)
        if preset.only:
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(name.startswith(BROAD) == (preset.only == "broad"))
        self.model.to(device, memory_format=torch.channels_last).train()
        self.optimizer = Mixed(self._groups(), lr=preset.rate, betas=(0.9, 0.99))
        if goes_on:
            self.average = Average(self.model)
            self._load(facts, tensors)
        else:
            # Each process has drawn its own: they must begin as one.
            self.processes.spread(self.model.state_dict().values())
            self.average = Average(self.model)

    def _begin_from(self, weights: Path) -> None:
        """Takes a model's tensors, but those of modules that are switched off here, or begin anew."""
        given, own = load(weights).model.state_dict(), self.model.state_dict()
        if self.preset.anew:
            given = {name: value for name, value in given.items() if not name.startswith(BROAD)}
            given |= {name: value for name, value in own.items() if name.startswith(BROAD)}
        wrong = next((n for n, value in own.items() if n not in given or given[n].shape != value.shape), None)
        if wrong is not None:
            raise CheckpointError(
                f"{weights} does not fit in {wrong}: it is of another preset; give the preset it was made with."
            )
        self.model.load_state_dict({name: given[name] for name in own})

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters by optimiser and learning rate; ``names`` says whose optimiser state is whose."""
        groups: dict[tuple[bool, float], dict[str, Any]] = {}
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            muon = self.preset.muon > 0 and parameter.ndim == 4 and not name.endswith("leave.weight")
            factor = self.preset.branches if name.startswith(SILENT) else 1.0
            if muon:
                factor = self.preset.muon / self.preset.rate
            group = groups.setdefault((muon, factor), {"params": [], "names": [], "factor": factor, "muon": muon})
            group["params"].append(parameter)
            group["names"].append(name)
        return list(groups.values())

    def _names(self) -> list[str]:
        return [name for group in self.optimizer.param_groups for name in group["names"]]

    def _tensors(self) -> dict[str, Tensor]:
        out = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        out |= {f"average.{name}": value for name, value in self.average.values.items()}
        names = self._names()
        for index, entry in self.optimizer.state_dict()["state"].items():
            for key, value in entry.items():
                out[f"optimizer.{names[index]}.{key}"] = torch.as_tensor(value)
        return {name: value.detach().cpu().contiguous() for name, value in out.items()}

    def _load(self, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.step, self.minutes = facts["step"], facts["minutes"]
        self.pretrained = self.pretrained or bool(facts.get("pretrained", False))
        off = tuple(facts.get("off", ()))
        if off != self.preset.off:
            begun, now = (
                f"without {', '.join(names)}" if names else "with all modules" for names in (off, self.preset.off)
            )
            raise CheckpointError(
                f"{self.folder} was begun {begun} and cannot be gone on with {now}, as that is another preset; "
                "name another run folder, or the switches it was begun with."
            )
        only = facts.get("only", "")
        if only != self.preset.only:
            raise CheckpointError(
                f"{self.folder} was begun {f'with --only {only}' if only else 'without --only'}; go on with it so, or "
                "name another run folder and begin it --from this one's last."
            )
        own = self.model.state_dict()
        wanted = {f"{kind}.{name}": value.shape for kind in ("model", "average") for name, value in own.items()}
        held = {name: value.shape for name, value in tensors.items() if not name.startswith("optimizer.")}
        wrong = [name for name in sorted(wanted | held) if wanted.get(name) != held.get(name)]
        if wrong:
            raise CheckpointError(
                f"{self.folder / facts['tensors']} does not fit in {wrong[0]}: it belongs to another preset; "
                "name another run folder, or the preset it was begun with."
            )
        self.model.load_state_dict({name: tensors[f"model.{name}"] for name in own})
        self.average.values = {name: tensors[f"average.{name}"].to(self.device) for name in own}
        self.average.count = self.step
        state: dict[int, dict[str, Tensor]] = {}
        for index, name in enumerate(self._names()):
            if f"optimizer.{name}.step" in tensors:  # before the first step, and for idle parameters, there is none
                keys = (f"optimizer.{name}.{key}" for key in ("step", "exp_avg", "exp_avg_sq"))
                state[index] = {key.rpartition(".")[2]: tensors[key] for key in keys if key in tensors}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def save(self) -> None:
        """Writes the run so that a kill at any moment leaves this state or the one before; one process does it.

        Raises:
            TrainingError: a tensor is not finite; the state before is kept.
            OutputError: there is no room; the state before is kept.
        """
        if not self.processes.main:
            return
        tensors = self._tensors()
        bad = next((name for name, value in tensors.items() if not value.isfinite().all()), None)
        if bad is not None:
            raise self._spoilt(f"{bad} is not finite after step {self.step}")
        facts: dict[str, Any] = {"step": self.step, "minutes": self.minutes}
        # What holds for most runs goes without saying: folders of earlier versions say neither.
        if self.preset.off:
            facts["off"] = list(self.preset.off)
        if self.pretrained:
            facts["pretrained"] = True
        if self.preset.only:
            facts["only"] = self.preset.only
        if self.preset.model["normed"]:
            facts["normed"] = True
        write_state(self.folder, facts, tensors)
        self.export(self.folder / "last")

    def _spoilt(self, what: str) -> TrainingError:
        state = self.folder / STATE
        kept = f"step {facts_of(self.folder)['step']} is kept" if state.exists() else "nothing was saved yet"
        return TrainingError(f"{self.folder}: {what}; {kept}. Go on from there with another --seed.")

    def averaged(self) -> FilmRestorer:
        """A model with the averaged weights, on the CPU; no random number of the training is drawn for it."""
        with torch.random.fork_rng(devices=[]):
            made = FilmRestorer(**self.preset.model)
        made.load_state_dict({name: value.cpu() for name, value in self.average.values.items()})
        return made

    def export(self, folder: Path) -> None:
        """Writes the averaged weights as a model folder."""
        write_model(folder, self.averaged())

    def _rate(self, minutes: float, schedule: Schedule) -> float:
        progress = min(1.0, minutes / max(schedule.total_minutes, 1e-6))
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        peak = self.preset.rate * (self.preset.gentle if self.pretrained else 1.0)
        return peak * cosine * min(1.0, (self.step + 1) / self.preset.warmup)

    def run(
        self,
        stream: PatchStream,
        schedule: Schedule,
        *,
        workers: int,
        report: Report,
        validate: Validator | None = None,
    ) -> None:
        """Trains for ``schedule.minutes``, or until SIGINT or SIGTERM; saves at the end either way.

        Among several processes whichever is stopped or out of time ends all, after the same step; the first alone
        writes, reports and validates.

        Raises:
            TrainingError: a loss or gradient is not finite; the state saved before is kept.
        """
        stop: list[int] = []
        spoilt = False
        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = {n: signal.signal(n, lambda number, _: stop.append(number)) for n in numbers}
        loader = DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
        threads = cv2.getNumThreads()
        try:
            # A forked worker hangs on the threads that OpenCV had in this process, so there must be none.
            cv2.setNumThreads(1 if workers else threads)
            stream.advance(self._progress(schedule))
            replay = Replay(iter(loader), ahead=workers > 0, seed=self.processes.index)
            self._steps(replay, stream, schedule, report, stop, validate)
        except RuntimeError:
            if not stop:  # a signal to the whole group ends the other processes too; that is no failure
                raise
        except TrainingError:
            spoilt = True
            raise
        finally:
            cv2.setNumThreads(threads)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if not spoilt:
                self.save()

    def _progress(self, schedule: Schedule) -> float:
        """Share of the whole training that has passed, 0..1."""
        return min(1.0, self.minutes / max(schedule.total_minutes, 1e-6))

    def _steps(
        self,
        replay: Replay,
        stream: PatchStream,
        schedule: Schedule,
        report: Report,
        stop: list[int],
        validate: Validator | None,
    ) -> None:
        began = saved = time.monotonic()
        earlier = self.minutes
        sums: defaultdict[str, float] = defaultdict(float)
        half = fast_precision(self.device) == torch.bfloat16
        while True:
            now = time.monotonic()
            passed = (now - began) / 60
            drawn = None if stop or passed >= schedule.minutes else self._draw(replay, stop)
            waited = time.monotonic() - now
            ends, later = drawn is None or bool(stop), float(torch.rand(()) < self.preset.later)
            everyone = self.processes.gather(float(ends), earlier + passed, later)
            self.minutes, later = everyone[0][1:]
            if drawn is None or any(row[0] for row in everyone):
                break
            batch, new = drawn[0].to(self.device), drawn[1]
            sums["stage"] = stream.advance(self._progress(schedule))
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(self.minutes, schedule) * group["factor"]
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss, parts = step_loss(self.model, batch, later=bool(later))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            mean = self.processes.average(loss, self.model.parameters())
            norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0))
            if not (math.isfinite(mean) and math.isfinite(norm)):
                raise self._spoilt(f"step {self.step + 1} has a loss of {mean} with gradients of size {norm}")
            self.optimizer.step()
            self.average.update(self.model)
            self.step += 1
            replay.judge(parts["small" if self.preset.only == "broad" else "sharp"])
            if new:  # the log tells of what was never seen before
                for name, value in parts.items():
                    sums[name] += value
                sums["new"] += 1
            sums["steps"] += 1
            sums["waited"] += waited
            pixels = sum(seen.clean[:, 0].numel() for seen in (batch.patches, batch.small))
            sums["pixels"] += pixels * self.processes.count
            sums["seconds"] += time.monotonic() - now
            if not self.processes.main:
                continue
            if self.step % schedule.log_every == 0:
                self._log(sums, schedule, report)
                sums.clear()
            if validate is not None and validate.due():
                self._validate(validate, report)
            if time.monotonic() - saved > 60 * schedule.save_every:
                self.save()
                saved = time.monotonic()

    def _draw(self, replay: Replay, stop: list[int]) -> tuple[Batch, bool] | None:
        """A batch and whether it is new, or None if the signal that ends this process ended the data workers first."""
        try:
            return replay.draw()
        except RuntimeError:
            if not stop:
                raise
            return None

    def _log(self, sums: dict[str, float], schedule: Schedule, report: Report) -> None:
        line: dict[str, float] = {"step": self.step, "minutes": round(self.minutes, 2)}
        for name in ("image", "composite", "frequency", "matte", "small"):
            if name in sums:
                line[name] = sums[name] / max(sums["new"], 1)
        for name in ("dirt", "scratch", "stain"):
            if f"{name}_area" not in sums:
                continue
            area = max(sums[f"{name}_area"], 1.0)
            line[f"{name}_psnr_before"] = _decibel(sums[f"{name}_before"] / area)
            line[f"{name}_psnr"] = _decibel(sums[f"{name}_after"] / area)
            line[f"{name}_recall"] = sums[f"{name}_hit"] / area
            line[f"{name}_precision"] = sums[f"{name}_hit"] / max(sums[f"{name}_found"], 1.0)
        line["megapixels_per_second"] = sums["pixels"] / 1e6 / sums["seconds"]
        line["new"] = sums["new"] / sums["steps"]
        line["waited"] = sums["waited"] / sums["seconds"]
        line["rate"] = self._rate(self.minutes, schedule)
        line["stage"] = sums["stage"]
        self._write(line, report)

    def _validate(self, validate: Validator, report: Report) -> None:
        model = self.averaged().to(self.device, memory_format=torch.channels_last)
        figures_now = validate(model, device=self.device)
        self._write({"step": self.step, "minutes": self.minutes} | figures_now, report, validation=True)

    def _write(self, line: dict[str, float], report: Report, **kind: bool) -> None:
        line = {name: round(value, 5) for name, value in line.items()} | kind
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        report(line)


def _normed(preset: Preset, weights: Path | None) -> bool:
    """Whether the low-resolution pass of a new run has norms: as its weights have it, unless it begins anew."""
    if preset.anew or weights is None:
        return preset.anew or bool(preset.model.get("normed", False))
    return bool(load(weights).model.config.normed)


def _decibel(square: float) -> float:
    return -10 * math.log10(max(square, 1e-10))
