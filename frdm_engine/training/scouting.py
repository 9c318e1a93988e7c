"""Teaching a model its scout: lessons are what the restorer repairs, and the scout learns to tell where that will be.

A run is a folder: ``lessons-N.safetensors``, gathered until the time is up and gone on with by the next call, and
``last/``, the model with its scout. Footage held apart decides when the scout has learned enough, and how careful it
must be: as lazy as it can while what it misses is hardly worth repairing.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from frdm_engine.damage import PRESETS as DAMAGE
from frdm_engine.damage import Templates
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.patches import FRAME_SIZES, PatchStream
from frdm_engine.errors import CheckpointError, OutputError, TrainingError
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.scout import CELL, Scout
from frdm_engine.restore.device import fast_precision
from frdm_engine.restore.restorer import Restorer
from frdm_engine.training.ema import Average
from frdm_engine.training.state import write_model

RECIPES = (DAMAGE["light"], DAMAGE["medium"], DAMAGE["archive-mixed"])
UNDAMAGED, HELD_APART, EVERY = 0.4, 0.1, 8
"""Shares of the windows without damage and of the sources held apart, which serve every so many lessons."""

FILE = 64
"""Lessons to a file: what a kill may cost."""
CAUGHT = 0.998
"""Share of all that repairs gain, on footage held apart, of which the scout must find a piece."""
SPOTTED = 0.93
"""Share of the repairs that can be seen of which it must find a piece."""
SEEN = 8 / 255
"""Change, model encoding, from which a repair can be seen: its cells count fully in the loss, fainter ones less."""
FAINTEST = 0.1
"""What a cell of the least change counts."""
HARM = 0.3
"""What a cell counts where the restorer alters something for the worse: it is not to be looked at, but hard to tell."""
BATCH = 12
RATE, WARMUP = 1e-3, 100
LOOKS = 8
"""How often the footage held apart is looked at, evenly over the time."""


@dataclass(frozen=True)
class Lesson:
    """A window as the scout sees it, and what the restorer makes of it, cell by cell.

    seen (C, H/2, W/2) float16; change (H/16, W/16): the most that is altered, model encoding; worth, alike: by how much
    that brings the sum of squared errors down; apart: of footage that is held apart.
    """

    seen: Tensor
    change: Tensor
    worth: Tensor
    apart: bool

    @cached_property
    def repairs(self) -> list[Repair]:
        """What hangs together of the cells that are altered."""
        count, labels = cv2.connectedComponents((self.change > 0).numpy().astype(np.uint8), connectivity=8)
        cells = [torch.from_numpy(labels == label) for label in range(1, count)]
        return [Repair(here, float(self.worth[here].sum()), float(self.change[here].max())) for here in cells]

    @cached_property
    def wanted(self) -> Tensor:
        """Cells (H/16, W/16) of repairs that are worth something, float32."""
        out = torch.zeros_like(self.change)
        for repair in self.repairs:
            if repair.worth > 0:
                out[repair.cells] = 1
        return out


@dataclass(frozen=True)
class Repair:
    """Its cells (H/16, W/16), bool, what it is worth, and the most it alters."""

    cells: Tensor
    worth: float
    change: float


def lesson(restorer: Restorer, window: Tensor, truth: Tensor, *, apart: bool) -> Lesson:
    """What there is to learn from a window (T, 3, H, W), H and W multiples of 32.

    ``truth`` (3, H, W) is its middle frame without dirt and scratches.
    """
    pictures = {t: np.ascontiguousarray(window[t].numpy().transpose(1, 2, 0)) for t in range(len(window))}
    restorer.forget()
    seen, made = restorer.lesson(pictures, len(window) // 2)
    before = window[len(window) // 2]
    after = torch.from_numpy(made.picture).permute(2, 0, 1)

    def cells(x: Tensor) -> Tensor:
        return x.unflatten(0, (-1, CELL)).unflatten(2, (-1, CELL))

    gained = ((before - truth).square() - (after - truth).square()).sum(dim=0)
    change = cells((after - before).abs().amax(dim=0)).amax(dim=(1, 3))
    return Lesson(seen[0].half().cpu().contiguous(), change, cells(gained).sum(dim=(1, 3)), apart)


def teacher(model: FilmRestorer) -> str:
    """SHA-256 of a model's tensors but those of its scout: what its lessons depend on."""
    told = sha256()
    for name, value in sorted(model.state_dict().items()):
        if not name.startswith("scout."):
            told.update(name.encode())
            told.update(value.detach().cpu().contiguous().numpy().tobytes())
    return told.hexdigest()


class Lessons:
    """The lessons of a run folder, all by one ``teacher``.

    Raises:
        CheckpointError: the folder holds lessons of another model.
    """

    def __init__(self, folder: Path, *, teacher: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.teacher = folder, teacher
        self.all: list[Lesson] = []
        for path in sorted(folder.glob("lessons-*.safetensors")):
            with safe_open(path, framework="pt") as header:
                if (header.metadata() or {}).get("teacher") != teacher:
                    raise CheckpointError(
                        f"{path} holds lessons of another model, which repairs other things; name another run folder, "
                        "or the model these lessons are of."
                    )
            held = load_file(path)
            for n in range(len(held) // 4):
                seen, change, worth, apart = (held[f"{name}{n}"] for name in ("seen", "change", "worth", "apart"))
                self.all.append(Lesson(seen, change, worth, bool(apart)))
        self._kept = len(self.all)

    def add(self, one: Lesson) -> None:
        """Takes one more, and writes the latest ``FILE`` of them when there are as many.

        Raises:
            OutputError: there is no room.
        """
        self.all.append(one)
        if len(self.all) - self._kept >= FILE:
            self.save()

    def save(self) -> None:
        """Writes those that are not written yet."""
        new = self.all[self._kept :]
        if not new:
            return
        path = self.folder / f"lessons-{self._kept:06d}.safetensors"
        draft = path.with_suffix(".part")
        tensors: dict[str, Tensor] = {}
        for n, one in enumerate(new):
            tensors |= {f"seen{n}": one.seen, f"change{n}": one.change, f"worth{n}": one.worth}
            tensors[f"apart{n}"] = torch.tensor(one.apart)
        try:
            save_file(tensors, draft, metadata={"teacher": self.teacher})
            draft.replace(path)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error}); make room there.") from error
        self._kept = len(self.all)


def gather(
    restorer: Restorer,
    stream: PatchStream,
    library: ClipLibrary,
    apart: ClipLibrary,
    templates: Templates | None,
    lessons: Lessons,
    *,
    minutes: float,
    report: Callable[[str], None],
) -> None:
    """Adds lessons until the time is up: each is drawn from the stream's seed and its number."""
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        index = len(lessons.all)
        rng = np.random.default_rng((stream.seed, index))
        held = index % EVERY == 0
        height, width = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
        window, _, truth, _ = stream.window(apart if held else library, templates, rng, height, width)
        lessons.add(lesson(restorer, window, truth, apart=held))
        if len(lessons.all) % 100 == 0:
            report(f"{len(lessons.all)} lessons")


def write(folder: Path, model: FilmRestorer, scout: Scout) -> None:
    """The model with this scout, as a model folder."""
    made = FilmRestorer(**{**model.config, "scouted": True})
    made.load_state_dict(
        {name: value for name, value in model.state_dict().items() if not name.startswith("scout.")}
        | {f"scout.{name}": value for name, value in scout.state_dict().items()}
    )
    write_model(folder, made)


@dataclass(frozen=True)
class Reach:
    """What a scout is worth on some lessons.

    bias: what must be added to its logits to catch enough with them over 0; marked: the share of all cells it then
    points at; needed: the share in which there is a repair.
    """

    bias: float
    marked: float
    needed: float


@torch.inference_mode()
def reach(scout: Scout, lessons: Sequence[Lesson]) -> Reach:
    """How much of the lessons' cells a scout must point at, to find a piece of enough of the repairs worth making.

    Raises:
        TrainingError: there is none in any of them.
    """
    found, worth, seen, pointed, needed = [], [], [], [], 0.0
    for one in lessons:
        with _fast():
            logits = scout(one.seen[None].float())[0, 0]
        pointed.append(logits.flatten())
        needed += float(one.wanted.sum())
        for repair in one.repairs:
            if repair.worth > 0:
                found.append(float(logits[repair.cells].max()))
                worth.append(repair.worth)
                seen.append(repair.change >= SEEN)
    if not any(seen):
        raise TrainingError("Nothing held apart has a repair to learn from; gather lessons for longer.")
    best, weight = np.array(found), np.array(worth)
    order = np.argsort(-best)
    enough = int(np.searchsorted(np.cumsum(weight[order]), CAUGHT * weight.sum()))
    spotted = float(np.quantile(best[np.array(seen)], 1 - SPOTTED, method="lower"))
    level = min(float(best[order[min(enough, len(order) - 1)]]), spotted) - 1e-4
    all_logits = torch.cat(pointed)
    return Reach(-level, float((all_logits > level).float().mean()), needed / len(all_logits))


def teach(
    lessons: Sequence[Lesson],
    *,
    start: Scout,
    progress: Callable[[int], float],
    seed: int,
    report: Callable[[int, float, Reach], None],
) -> tuple[Scout, Reach]:
    """What ``start`` becomes by lessons, at its best on those held apart, biased so that logits over 0 catch enough.

    ``progress`` tells what share of the learning, 0 to 1, has passed after so many steps.

    Raises:
        TrainingError: there are no lessons of one of the two sorts, or nothing is repaired in them.
    """
    own, apart = ([one for one in lessons if one.apart is held] for held in (False, True))
    if not own or not apart:
        raise TrainingError(f"{len(own)} lessons and {len(apart)} held apart are too few; gather them for longer.")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shapes = [[one for one in own if one.seen.shape == shape] for shape in {one.seen.shape: None for one in own}]
    odds = np.array([len(group) for group in shapes]) / len(own)
    scout = copy.deepcopy(start).cpu().train()
    average = Average(scout)
    optimizer = torch.optim.AdamW(scout.parameters(), lr=RATE, weight_decay=0.02)
    best: tuple[Scout, Reach] | None = None
    step = 0
    for look in range(1, LOOKS + 1):
        losses: list[float] = []
        passed = 0.0
        while not losses or passed < look / LOOKS:
            passed = progress(step)
            cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(passed, 1.0)))
            for parameters in optimizer.param_groups:
                parameters["lr"] = RATE * min(1.0, (step + 1) / WARMUP) * cosine
            group = shapes[rng.choice(len(shapes), p=odds)]
            loss = _loss(scout, [group[n] for n in rng.integers(len(group), size=BATCH)], rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            average.update(scout)
            losses.append(float(loss.detach()))
            step += 1
        now = copy.deepcopy(scout)
        now.load_state_dict(average.values)
        worth = reach(now.eval(), apart)
        report(step, sum(losses) / len(losses), worth)
        if best is None or worth.marked < best[1].marked:
            best = now, worth
    assert best is not None  # noqa: S101 - it looked once at least
    with torch.no_grad():
        best[0].leave.bias.add_(best[1].bias)  # type: ignore[union-attr]
    return best


def within(minutes: float) -> Callable[[int], float]:
    """The progress of a learning that begins now and lasts so long."""
    began = time.monotonic()
    return lambda _: (time.monotonic() - began) / max(60 * minutes, 1e-9)


def _fast() -> torch.autocast:
    """The precision that this machine is quick in."""
    return torch.autocast("cpu", torch.bfloat16, enabled=fast_precision(torch.device("cpu")) == torch.bfloat16)


def _loss(scout: Scout, lessons: Sequence[Lesson], rng: np.random.Generator) -> Tensor:
    """Cross entropy of where there is a repair, on windows turned over at random."""
    axes = [axis for axis in (-1, -2) if rng.random() < 0.5]
    seen = torch.stack([one.seen for one in lessons]).float().flip(axes)
    change, wanted = (torch.stack([getattr(one, name) for one in lessons]).flip(axes) for name in ("change", "wanted"))
    with _fast():
        logits = scout(seen)[:, 0]
    weight = torch.where(wanted > 0, (change / SEEN).clamp(FAINTEST, 1), torch.where(change > 0, HARM, 1.0))
    return F.binary_cross_entropy_with_logits(logits.float(), wanted, weight)
