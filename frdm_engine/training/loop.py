"""Training within a time limit: resumes, checkpoints, never loses more than a few minutes.

A run is a folder: ``last/`` (a model that loads with ``from_pretrained``, averaged weights), ``state.safetensors``
(raw weights and optimiser), ``state.json`` (step, minutes) and ``log.jsonl``. No pickle anywhere.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from frdm_engine.data.patches import Batch, PatchStream, Views
from frdm_engine.diffusion.sampling import bridge_state
from frdm_engine.diffusion.schedule import NOISE
from frdm_engine.errors import CheckpointError
from frdm_engine.model.denoiser import FilmRestorer, Look, Prediction
from frdm_engine.model.frame_fusion import move_features
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import guide_of
from frdm_engine.model.small import grow
from frdm_engine.training.ema import Average
from frdm_engine.training.loss import SMALL, figures, restoration_loss
from frdm_engine.training.presets import Preset
from frdm_engine.training.replay import Replay

Report = Callable[[dict[str, float]], None]


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


def look_of(
    model: FilmRestorer,
    seen: Views,
    *,
    box: Tensor,
    prompt: Prompt,
    residual: Tensor | None = None,
    found: Tensor | None = None,
) -> Look:
    """Encodes the window and fuses it: what all steps of sampling share."""
    frames, maps = seen.window.flatten(0, 1), seen.columns.flatten(0, 1)
    features = model.encode(frames, maps).unflatten(0, seen.window.shape[:2])
    moved = move_features(features, seen.flow)
    return model.look(seen.evidence, moved, residual=residual, seen=found, box=box, prompt=prompt)


def predict(model: FilmRestorer, look: Look, clean: Tensor, *, later: bool) -> Prediction:
    """A prediction to learn from: the first look, or a later step from the model's own estimate."""
    damaged = look.evidence.centre
    count = damaged.shape[0]
    far_end = damaged + NOISE * torch.randn_like(damaged)
    first = torch.ones(count, device=damaged.device)
    if not later:
        return model.denoise(far_end, first, look)
    with torch.no_grad():
        previous = model.denoise(far_end, first, look)
    sigma = 0.1 + 0.8 * torch.rand(count, device=damaged.device)
    own = (torch.rand(count, device=damaged.device) < 0.7).view(-1, 1, 1, 1)
    start = torch.where(own, previous.clean, clean)
    return model.denoise(bridge_state(start, far_end, sigma.view(-1, 1, 1, 1)), sigma, look, previous)


def step_loss(model: FilmRestorer, batch: Batch, *, later: bool) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch: the small whole frames first, then the patches under their residual and prompt."""
    small = batch.small
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=batch.box.device).expand(small.window.shape[0], -1)
    centre = small.evidence.centre
    look = look_of(model, small, box=whole, prompt=model.prompt(centre, centre))
    guess = predict(model, look, small.clean, later=later)
    guide = guide_of(guess, small.evidence)
    small_loss, _ = restoration_loss(
        guess, damaged=centre, clean=small.clean, matte=small.matte, even=guide.flicker * guide.level, weights=SMALL
    )

    prompt = model.prompt(centre, centre + guide.correction)
    own = batch.owner
    mine = Prompt(prompt.key[own], prompt.value[own], prompt.map[own])
    height, width = batch.patches.clean.shape[-2:]
    residual = grow(guide.correction[own], height, width, batch.box)
    found = grow(guide.found[own], height // 2, width // 2, batch.box)
    look = look_of(model, batch.patches, box=batch.box, prompt=mine, residual=residual, found=found)
    prediction = predict(model, look, batch.patches.clean, later=later)
    truth = {
        "damaged": batch.patches.evidence.centre,
        "clean": batch.patches.clean,
        "matte": batch.patches.matte,
        "even": grow((guide.flicker * guide.level)[own], height, width, batch.box),
    }
    loss, parts = restoration_loss(prediction, **truth)
    parts |= figures(prediction, **truth)
    return loss + 0.3 * small_loss, parts | {"small": float(small_loss.detach())}


class Training:
    """One run folder, brought forward by ``run``."""

    def __init__(self, folder: Path, preset: Preset, *, device: torch.device, weights: Path | None = None) -> None:
        self.folder, self.preset, self.device = folder, preset, device
        self.step, self.minutes = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        state = folder / "state.json"
        if weights is not None and not state.exists():
            self.model = FilmRestorer.from_pretrained(weights, low_cpu_mem_usage=False)
        else:
            self.model = FilmRestorer(**preset.model)
        self.model.to(device, memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.AdamW(self._groups(), lr=preset.rate, betas=(0.9, 0.99))
        self.average = Average(self.model)
        if state.exists():
            self._load()

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters by learning rate; ``names`` says whose optimiser state is whose."""
        silent = ("denoiser.prompt.", "denoiser.frequency.", "fusion.trust.", "prompt_encoder.")
        groups: list[dict[str, Any]] = []
        for branch, factor in ((False, 1.0), (True, self.preset.branches)):
            chosen = [(n, p) for n, p in self.model.named_parameters() if n.startswith(silent) == branch]
            names, parameters = [n for n, _ in chosen], [p for _, p in chosen]
            groups.append({"params": parameters, "names": names, "factor": factor})
        return groups

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

    def _load(self) -> None:
        try:
            facts = json.loads((self.folder / "state.json").read_text())
            tensors = load_file(self.folder / facts["tensors"])
            self.step, self.minutes = int(facts["step"]), float(facts["minutes"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise CheckpointError(
                f"{self.folder} cannot be gone on with ({error}); name another run folder, or restore it from a copy."
            ) from error
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
                keys = ("step", "exp_avg", "exp_avg_sq")
                state[index] = {key: tensors[f"optimizer.{name}.{key}"] for key in keys}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def save(self) -> None:
        """Writes the run so that a kill at any moment leaves this state or the one before."""
        name = f"state-{self.step}.safetensors"
        save_file(self._tensors(), self.folder / name)
        facts = {"step": self.step, "minutes": self.minutes, "tensors": name}
        draft = self.folder / "state.json.part"
        draft.write_text(json.dumps(facts))
        os.replace(draft, self.folder / "state.json")
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()
        self.export(self.folder / "last")

    def averaged(self) -> FilmRestorer:
        """A model with the averaged weights, on the CPU; no random number of the training is drawn for it."""
        with torch.random.fork_rng(devices=[]):
            made = FilmRestorer(**self.preset.model)
        made.load_state_dict({name: value.cpu() for name, value in self.average.values.items()})
        return made

    def export(self, folder: Path) -> None:
        """Writes the averaged weights as a model folder."""
        self.averaged().save_pretrained(folder)

    def _rate(self, minutes: float, schedule: Schedule) -> float:
        progress = min(1.0, minutes / max(schedule.total_minutes, 1e-6))
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        return self.preset.rate * cosine * min(1.0, (self.step + 1) / self.preset.warmup)

    def run(
        self,
        stream: PatchStream,
        schedule: Schedule,
        *,
        workers: int,
        report: Report,
        validate: Validator | None = None,
    ) -> None:
        """Trains for ``schedule.minutes``, or until SIGINT or SIGTERM; saves at the end either way."""
        stop: list[int] = []
        numbers = (signal.SIGINT, signal.SIGTERM)
        handlers = {n: signal.signal(n, lambda number, _: stop.append(number)) for n in numbers}
        loader = DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)
        threads = cv2.getNumThreads()
        try:
            # A forked worker hangs on the threads that OpenCV had in this process, so there must be none.
            cv2.setNumThreads(1 if workers else threads)
            self._steps(Replay(iter(loader), ahead=workers > 0), schedule, report, stop, validate)
        except RuntimeError:
            if not stop:  # a signal to the whole group ends the data workers too; that is no failure
                raise
        finally:
            cv2.setNumThreads(threads)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self.save()

    def _steps(
        self, replay: Replay, schedule: Schedule, report: Report, stop: list[int], validate: Validator | None
    ) -> None:
        began = saved = time.monotonic()
        earlier = self.minutes
        sums: defaultdict[str, float] = defaultdict(float)
        half = self.device.type in ("cpu", "cuda")
        while not stop:
            now = time.monotonic()
            self.minutes = earlier + (now - began) / 60
            if self.minutes - earlier >= schedule.minutes:
                break
            drawn, new = replay.draw()
            batch = drawn.to(self.device)
            waited = time.monotonic() - now
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(self.minutes, schedule) * group["factor"]
            later = bool(torch.rand(()) < self.preset.later)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                loss, parts = step_loss(self.model, batch, later=later)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.average.update(self.model)
            self.step += 1
            replay.judge(parts["sharp"])
            if new:  # the log tells of what was never seen before
                for name, value in parts.items():
                    sums[name] += value
                sums["new"] += 1
            sums["steps"] += 1
            sums["waited"] += waited
            sums["pixels"] += batch.patches.clean[:, 0].numel()
            sums["seconds"] += time.monotonic() - now
            if self.step % schedule.log_every == 0:
                self._log(sums, schedule, report)
                sums.clear()
            if validate is not None and validate.due():
                self._validate(validate, report)
            if time.monotonic() - saved > 60 * schedule.save_every:
                self.save()
                saved = time.monotonic()

    def _log(self, sums: dict[str, float], schedule: Schedule, report: Report) -> None:
        line: dict[str, float] = {"step": self.step, "minutes": round(self.minutes, 2)}
        for name in ("image", "composite", "frequency", "matte", "small"):
            line[name] = sums[name] / max(sums["new"], 1)
        for name in ("dirt", "scratch", "stain"):
            area = max(sums[f"{name}_area"], 1.0)
            line[f"{name}_psnr_before"] = _decibel(sums[f"{name}_before"] / area)
            line[f"{name}_psnr"] = _decibel(sums[f"{name}_after"] / area)
            line[f"{name}_recall"] = sums[f"{name}_hit"] / area
            line[f"{name}_precision"] = sums[f"{name}_hit"] / max(sums[f"{name}_found"], 1.0)
        line["megapixels_per_second"] = sums["pixels"] / 1e6 / sums["seconds"]
        line["new"] = sums["new"] / sums["steps"]
        line["waited"] = sums["waited"] / sums["seconds"]
        line["rate"] = self._rate(self.minutes, schedule)
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


def _decibel(square: float) -> float:
    return -10 * math.log10(max(square, 1e-10))


def facts_of(folder: Path) -> dict[str, Any]:
    """Step and minutes a run folder has reached."""
    out: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return out
