"""Validation while training: the same windows every time, measured with the averaged weights as the restorer would.

Their footage is held apart by name, or is a class of its own; their damage is drawn from fixed keys. A measurement
takes seconds, so it waits until it costs no more than a small share of the training's time.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from frdm_engine.damage import Templates
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.footage import Footage
from frdm_engine.data.patches import Batch, PatchStream
from frdm_engine.diffusion.noise import gaussian
from frdm_engine.diffusion.schedule import NOISE
from frdm_engine.model.denoiser import CLASSES, LOCAL, FilmRestorer, Look, Prediction
from frdm_engine.restore.lines import Laid
from frdm_engine.restore.matte import Plane, mattes, opacity
from frdm_engine.training.step import walk

SIDE = 192
"""Side of a validation patch: nearly a whole training frame, so that hysteresis sees whole repairs."""
_KEY = 0x56414C  # apart from every training seed, which stand alone at the head of a key


def split(sources: Sequence[Footage], *, share: float) -> tuple[list[Footage], list[Footage]]:
    """Sources to train on, and about `share` of them held apart by their names: one at least, all but one at most.

    A source keeps its side whatever else is added, unless there are too few to do so.
    """
    places = {
        source.name: int.from_bytes(sha256(source.name.encode()).digest()[:8], "big") / 2**64 for source in sources
    }
    order = sorted(sources, key=lambda source: places[source.name])
    count = sum(place < share for place in places.values())
    count = min(max(count, 1), len(order) - 1)
    apart = {source.name for source in order[:count]}
    return [s for s in sources if s.name not in apart], [s for s in sources if s.name in apart]


def fixed_batches(stream: PatchStream, library: ClipLibrary, templates: Templates | None, *, count: int) -> list[Batch]:
    """`count` batches of `stream`, whatever its seed; they differ in damage and footage."""
    return [stream.batch(library, templates, np.random.default_rng((_KEY, index))) for index in range(count)]


class Validation:
    """Fixed batches and when to measure on them."""

    def __init__(self, batches: Sequence[Batch], *, every_minutes: float, share: float = 0.05) -> None:
        """Measure every `every_minutes`, but never spend more than `share` of the time on it."""
        self.batches, self.every, self.share = tuple(batches), 60 * every_minutes, share
        self._next = time.monotonic() + self.every

    def due(self) -> bool:
        """Whether it is time to measure."""
        return time.monotonic() >= self._next

    def __call__(self, model: FilmRestorer, *, device: torch.device) -> dict[str, float]:
        """Measure a model that lies on `device`; it is left in evaluation mode. Keys as in `log.jsonl`."""
        began = time.monotonic()
        line = measure(model, self.batches, device=device)
        took = time.monotonic() - began
        self._next = time.monotonic() + max(self.every, took * (1 / self.share - 1))
        return line | {"validation_seconds": took}


@torch.inference_mode()
def measure(model: FilmRestorer, batches: Sequence[Batch], *, device: torch.device) -> dict[str, float]:
    """PSNR (dB) whole and in damage, before and after; recall and precision of the restorer's mattes; harm done.

    `changed` is the share of sound pixels that a repair would touch.
    """
    model.eval()
    sums: defaultdict[str, float] = defaultdict(float)
    for number, batch in enumerate(batches):
        made = walk(model, batch.to(device), partial(_noise, frame=-1 - number))
        found, seen = _first_look(model, made.look, number), batch.patches
        for index in range(len(found.fill)):
            planes = (seen.evidence.centre, made.look.evidence.centre, found.fill, found.logits, seen.clean, seen.matte)
            _add(sums, *(plane[index].float().cpu().numpy() for plane in planes))
    return _figures(sums)


def _first_look(model: FilmRestorer, look: Look, key: int) -> Prediction:
    centre = look.evidence.centre
    return model.denoise(centre + NOISE * _noise(centre, key), torch.ones(centre.shape[0], device=centre.device), look)


def _noise(like: Tensor, frame: int) -> Tensor:
    """The same on every device and in every run."""
    count, _, height, width = like.shape
    planes = [gaussian(seed=_KEY, frame=frame, x=0, y=n * height, width=width, height=height) for n in range(count)]
    return torch.from_numpy(np.stack(planes)).to(like.device)


def _add(
    sums: defaultdict[str, float],
    damaged: Plane,
    base: Plane,
    fill: Plane,
    logits: Plane,
    wanted: Plane,
    truth: Plane,
) -> None:
    """Adds one patch: pictures (3, H, W), logits (2, H, W) and truth (4, H, W)."""
    laid = Laid(base.transpose(1, 2, 0), fill.transpose(1, 2, 0))
    found = mattes(CLASSES[:LOCAL], logits, fix=CLASSES, strength=1.0, laid=laid)
    alpha = opacity(found)
    after = base + alpha * (fill - base)
    inside = truth.max(axis=0) > 0.5
    sound = truth.max(axis=0) == 0
    errors = {"before": ((damaged - wanted) ** 2).mean(axis=0), "after": ((after - wanted) ** 2).mean(axis=0)}
    sums["whole_area"] += inside.size
    sums["sound_area"] += float(sound.sum())
    sums["changed"] += float((alpha[sound] > 0).sum())
    for when, error in errors.items():
        sums[f"whole_{when}"] += float(error.sum())
    for index, name in enumerate(("damage", *CLASSES)):
        here = inside if name == "damage" else truth[index - 1] > 0.5
        sums[f"{name}_area"] += float(here.sum())
        if name in CLASSES[:LOCAL]:
            taken = found[index - 1] > 0.5
            sums[f"{name}_found"] += float(taken.sum())
            sums[f"{name}_hit"] += float((here & taken).sum())
        for when, error in errors.items():
            sums[f"{name}_{when}"] += float(error[here].sum())


def _figures(sums: defaultdict[str, float]) -> dict[str, float]:
    """What there is none of is left out: a class without a damaged pixel has no PSNR."""
    line = {"changed": sums["changed"] / max(sums["sound_area"], 1.0)}
    for name in ("whole", "damage", *CLASSES):
        area = sums[f"{name}_area"]
        if not area:
            continue
        for key, when in ((f"{name}_psnr_before", "before"), (f"{name}_psnr", "after")):
            line[key] = -10 * math.log10(max(sums[f"{name}_{when}"] / area, 1e-10))
        if name in CLASSES[:LOCAL]:
            line[f"{name}_recall"] = sums[f"{name}_hit"] / area
            if sums[f"{name}_found"]:
                line[f"{name}_precision"] = sums[f"{name}_hit"] / sums[f"{name}_found"]
    return line
