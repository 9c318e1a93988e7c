"""What is measured: the damaged clip as it is, the clean one, the baselines, and this project's restorers.

An method is a handful of words until it runs, so that it can be sent to another process and looked up in a cache.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np

from frdm_engine.errors import SettingError
from frdm_engine.evaluation.baselines import BASELINES, Baseline, Shot
from frdm_engine.evaluation.cases import Made
from frdm_engine.evaluation.external import available_external
from frdm_engine.evaluation.scores import Outcome
from frdm_engine.model.folder import find
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings

Role = Literal["clean", "input", "baseline", "oracle", "ours", "steps", "tiles", "variant"]

CLEAN = "clean clip"
INPUT = "input"
MEDIAN = "motion-compensated median of 3"
"""The unit of time, and the bar in fast motion."""

MEASURES = (
    "damage", "evaluation/cases.py", "evaluation/scores.py", "evaluation/picture.py", "evaluation/mattes.py",
    "evaluation/motion.py", "evaluation/texture.py", "evaluation/flow.py",
)  # fmt: skip
"""The code that decides the pixels of a case and the figures of a result."""
_BASELINES = ("evaluation/baselines.py", "evaluation/rod.py", "evaluation/external.py", "evaluation/denoise.vpy")
_OURS = ("restore", "model", "diffusion", "tiling.py")


@dataclass(frozen=True)
class Method:
    """One method by its name in the report; ``model`` and ``steps`` are for restorers of this project."""

    name: str
    says: str
    role: Role
    model: str | None = None
    steps: int | None = None
    tile: int | None = None
    device: str = "auto"

    def record(self) -> dict[str, object]:
        """All that decides its result, as plain data that names no folder; a restorer's name decides nothing."""
        facts: dict[str, object] = {"measures": code(*MEASURES)}
        if self.model is not None:
            return facts | self._model_facts() | {"code": code(*_OURS)}
        facts["name"] = self.name
        return facts if self.role == "clean" else facts | {"code": code(*_BASELINES)}

    def _model_facts(self) -> dict[str, object]:
        """What decides a restorer's pixels beside its code."""
        made = self._restorer()
        return {
            "sha256": made.loaded.sha256,
            "steps": made.steps,
            "precision": str(made.precision).removeprefix("torch."),
            "device": made.device.type,
            "settings": {key: value for key, value in made.settings.record().items() if key != "steps"},
        }

    def _restorer(self) -> Restorer:
        return restorer(self.model or "", self.steps, self.tile, self.device)

    def run(self, made: Made) -> Outcome:
        """Restore the case's damaged frames.

        Raises:
            FrdmError: a frame could not be restored.
        """
        if self.model is not None:
            return _restore(self._restorer(), made)
        baseline = every_baseline()[self.name]
        began = time.perf_counter()
        pictures = baseline.run(Shot(made.damaged, made.mattes))
        seconds = time.perf_counter() - began
        return Outcome(np.stack(pictures[made.inner]), seconds=seconds, timed=len(pictures))


@lru_cache(maxsize=1)
def every_baseline() -> dict[str, Baseline]:
    """The baselines of this package, and the outside filters this machine can run."""
    return BASELINES | available_external()


def choose(
    *,
    models: Sequence[str],
    also: Sequence[tuple[str, str]] = (),
    names: Sequence[str] = (),
    steps: Sequence[int] = (),
    tile: int | None = None,
    device: str = "auto",
) -> list[Method]:
    """The methods to measure: baselines (those of ``names`` where given, the input always) and restorers.

    The first of ``models`` is the one the report is about, and is measured at its default, at each of ``steps``
    and in tiles of ``tile`` pixels;
    ``also`` holds (name, model) of variants. ``names`` are beginnings, such as ``rod`` or ``motion-compensated``;
    without ``ours`` among them the restorers are left out.

    Raises:
        SettingError: an unknown name, or one used twice.
        CheckpointError: no such model.
    """
    known = every_baseline()
    wanted = {name: [one for one in known if slug(one).startswith(slug(name))] for name in names if name != "ours"}
    unknown = [name for name, meant in wanted.items() if not meant]
    if unknown:
        raise SettingError(f"--methods names {unknown[0]!r}; choose from ours, {', '.join(map(slug, known))}.")
    chosen = [Method(CLEAN, "the undamaged clip itself: what the measures show of it", "clean")]
    for name, baseline in known.items():
        if not names or name == INPUT or any(name in meant for meant in wanted.values()):
            role: Role = "input" if name == INPUT else "oracle" if baseline.oracle else "baseline"
            chosen.append(Method(name, baseline.says, role))
    if not names or "ours" in names:
        chosen += _restorers(models, also, steps, tile, device)
    listed = [method.name for method in chosen]
    twice = [name for name in listed if listed.count(name) > 1]
    if twice:
        raise SettingError(f"Two methods are called {twice[0]!r}; tell models apart by --also NAME=MODEL.")
    return chosen


def _restorers(
    models: Sequence[str], also: Sequence[tuple[str, str]], steps: Sequence[int], tile: int | None, device: str
) -> list[Method]:
    chosen = []
    for index, model in enumerate(models):
        name = find(model)[0]
        role: Role = "variant" if index else "ours"
        says = "this project's restorer at its default steps"
        chosen.append(Method(name, says, role, model, device=device))
        for count in () if index else sorted(set(steps)):
            words = f"{name} at {count} step{'' if count == 1 else 's'}"
            chosen.append(Method(words, "", "steps", model, steps=count, device=device))
        if not index and tile is not None:
            says = "the same, for its seams: as many tiles as a far larger frame has"
            chosen.append(Method(f"{name} in tiles of {tile}", says, "tiles", model, tile=tile, device=device))
    for name, model in also:
        chosen.append(Method(name, f"a restorer of model {find(model)[0]}", "variant", model, device=device))
    return chosen


def slug(name: str) -> str:
    """A name as it is typed: lower case, hyphens for blanks."""
    return "-".join(name.lower().split())


@lru_cache(maxsize=16)
def restorer(model: str, steps: int | None, tile: int | None, device: str) -> Restorer:
    """A restorer, loaded once a process; those of one model share its weights."""
    if steps is not None or tile is not None:
        plain = restorer(model, None, None, device)
        return Restorer(plain.loaded, device=plain.device, settings=replace(plain.settings, steps=steps, tile=tile))
    return Restorer.from_pretrained(model, device=device, settings=Settings())


def _restore(by: Restorer, made: Made) -> Outcome:
    by.forget()
    window = dict(enumerate(made.damaged))
    began = time.perf_counter()
    restored = [by.restore(window, frame) for frame in range(made.inner.start, made.inner.stop)]
    seconds = time.perf_counter() - began
    by.forget()
    height, width = made.damaged.shape[1:3]
    tiles = by.plan(width, height).tiles
    return Outcome(
        np.stack([one.picture for one in restored]),
        seconds=seconds,
        timed=len(restored),
        mattes=np.stack([one.mattes.transpose(1, 2, 0) for one in restored]),
        lines=(tuple(sorted({t.x0 for t in tiles} - {0})), tuple(sorted({t.y0 for t in tiles} - {0}))),
    )


@lru_cache(maxsize=8)
def code(*parts: str) -> str:
    """Hash of source files and folders of this package: results made by other code are not taken for these."""
    root = Path(str(resources.files("frdm_engine")))
    sha = hashlib.sha256()
    for part in parts:
        path = root / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            sha.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:16]
