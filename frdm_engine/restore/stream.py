"""A whole sequence: read ahead, restore, write behind; every frame whole or not at all."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from frdm_engine.errors import MaskError, OutputError, SequenceError
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import (
    ColourSpace,
    Plate,
    Sequence,
    Shots,
    read_mask,
    read_plate,
    resolve,
    write_image,
    write_plate,
)
from frdm_engine.plates.convert import convert
from frdm_engine.restore.ledger import Ledger, digest, fingerprint, ledger_path
from frdm_engine.restore.reader import AHEAD, Frame, Reader
from frdm_engine.restore.restorer import Restored, Restorer
from frdm_engine.tiling import Plan
from frdm_engine.version import __version__

BEHIND = 2
"""Frames being written while the device works on."""
LISTED_REPAIRS = 64
"""Repairs named one by one in a frame's record, the largest first."""


@dataclass(frozen=True)
class Job:
    """One restoration of one sequence."""

    source: Sequence
    output: Sequence
    frames: tuple[int, ...]
    colourspace: str = "auto"
    layer: str | None = None
    matte: Sequence | None = None
    difference: Sequence | None = None
    protect: Sequence | None = None
    force: Sequence | None = None
    cuts: tuple[int, ...] | None = None
    overwrite: bool = False
    resume: bool = False

    def files(self, frame: int) -> tuple[Path, ...]:
        """Everything that is written for a frame."""
        outputs = (self.output, self.matte, self.difference)
        return tuple(output.path(frame) for output in outputs if output is not None)


@dataclass(frozen=True)
class Done:
    """One delivered frame; ``skipped`` if it was there already; shares are of 1."""

    frame: int
    index: int
    total: int
    skipped: bool
    sampled: float
    changed: float
    seconds: float
    written: tuple[Path, ...]


@dataclass(frozen=True)
class Checked:
    """What is known before the first frame is restored."""

    space: ColourSpace
    size: dict[str, tuple[int, int]]
    plan: Plan
    notes: tuple[str, ...]


def check(job: Job, restorer: Restorer) -> Checked:
    """Finds bad input before anything is written.

    Raises:
        FrdmError: of the kind that fits; nothing has been touched.
    """
    if not job.frames:
        raise SequenceError(f"No frame of {job.source.pattern} is left to restore; widen the range.")
    absent = sorted(set(job.frames) - set(job.source.frames))
    if absent:
        held = f"{job.source.frames[0]}-{job.source.frames[-1]}"
        raise SequenceError(
            f"Frame {absent[0]} is not in {job.source.pattern}, which holds {held}; narrow the range or add the file."
        )
    for name in ("protect", "force"):
        mask: Sequence | None = getattr(job, name)
        lacking = sorted(set(job.frames) - set(mask.frames)) if mask is not None and len(mask.frames) > 1 else []
        if mask is not None and lacking:
            raise MaskError(f"--{name} {mask.pattern} has no frame {lacking[0]}; add it or narrow the range.")
    inputs = {path.resolve() for path in (job.source.path(n) for n in job.source.frames)}
    seen: set[Path] = set()
    for frame in job.frames:
        for path in job.files(frame):
            resolved = path.resolve()
            if resolved in inputs:
                raise OutputError(f"{path} is an input frame; choose another output.")
            if resolved in seen:
                raise OutputError(f"{path} would be written twice; give each output its own name.")
            seen.add(resolved)
            if path.exists() and not (job.overwrite or job.resume):
                raise OutputError(f"{path} exists; add --overwrite to replace it or --resume to go on after it.")
    plate = read_plate(job.source.path(job.frames[0]), frame=job.frames[0], layer=job.layer)
    space = resolve(job.colourspace, metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)
    size = {}
    for view in plate.views:
        rgb = plate.rgb(view)
        size[view] = (rgb.shape[0], rgb.shape[1])
    for name in ("protect", "force"):
        mask = getattr(job, name)
        if mask is not None:
            read_mask(_mask_path(mask, job.frames[0]), shape=size[plate.views[0]])
    plan = restorer.plan(plate.width, plate.height)
    convert(plate.parts, source=plate.path, target=job.output.path(job.frames[0]))
    _check_room(job, plate)
    return Checked(space, size, plan, (f"colour space {space.name}: {space.why}",))


def _check_room(job: Job, plate: Plate) -> None:
    """Refuses a job that the disk plainly cannot hold."""
    folder = job.output.folder
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    need = plate.path.stat().st_size * len(job.frames)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise OutputError(
            f"{folder} has {free / 1e9:.1f} GB free and {len(job.frames)} frames need about {need / 1e9:.1f} GB; "
            "free space or write elsewhere."
        )


def _mask_path(mask: Sequence, frame: int) -> Path:
    return mask.path(frame) if len(mask.frames) > 1 else mask.path(mask.frames[0])


def run(
    job: Job,
    restorer: Restorer,
    *,
    on_frame: Callable[[Done], None] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Restores the job's frames in order and returns the report as plain data.

    Raises:
        FrdmError: bad input, no room, a frame that cannot be restored. Frames reported before are whole and final.
    """
    began = time.monotonic()
    with Walk(job, restorer, on_frame=on_frame) as walk:
        stopped = False
        while walk.left and not stopped:
            stopped = stop()
            if not stopped:
                walk.step()
        walk.drain()
    checked = walk.checked
    lines = [walk.ledger.lines[frame] for frame in job.frames if frame in walk.ledger.lines]
    return {
        "frdm": __version__,
        "model": {"name": restorer.loaded.name, "sha256": restorer.loaded.sha256},
        "settings": restorer.settings.record() | {"steps": restorer.steps},
        "precision": str(restorer.precision).removeprefix("torch."),
        "device": str(restorer.device),
        "source": job.source.pattern,
        "output": job.output.pattern,
        "colourspace": {"name": checked.space.name, "why": checked.space.why},
        "plan": checked.plan.describe().splitlines(),
        "notes": [*checked.notes, *restorer.notes],
        "cuts": list(walk.cuts),
        "seconds": round(time.monotonic() - began, 3),
        "stopped": stopped,
        "frames": lines,
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another output folder.") from error


class Walk:
    """The frames of one job on their way through, a step at a time, so that other work can come between two frames.

    Enter it, `step` while any are `left`, then `drain`. Frames are written behind, so ``on_frame`` tells of one a
    step or two after it was restored, or ``at_once`` when it is written, from the writer's thread; a frame told of
    is whole and final.

    Raises:
        FrdmError: the job cannot be done; nothing has been touched.
    """

    def __init__(
        self,
        job: Job,
        restorer: Restorer,
        *,
        on_frame: Callable[[Done], None] = lambda done: None,
        at_once: bool = False,
    ) -> None:
        self.checked = check(job, restorer)
        self.job, self.restorer, self.on_frame, self.at_once = job, restorer, on_frame, at_once
        self.shots = Shots(tuple(sorted(job.cuts))) if job.cuts is not None else None
        self.ledger = Ledger(ledger_path(job.output))
        self.reader = Reader(
            job.source,
            space=self.checked.space,
            layer=job.layer,
            reach=restorer.reach,
            size=self.checked.size,
            shots=self.shots,
        )
        self.writing: list[Future[Done]] = []
        self._at = 0
        self._mark: float | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="frdm-write")

    def __enter__(self) -> Walk:
        for output in (self.job.output, self.job.matte, self.job.difference):
            if output is not None:
                _make(output.folder)
        self.restorer.forget()
        self.reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)  # what is being written becomes whole, whatever happened beside it
        self.reader.__exit__(kind, error, trace)

    @property
    def left(self) -> tuple[int, ...]:
        """Frames still to be restored or skipped, in order."""
        return self.job.frames[self._at :]

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of the shots after the first: those told, or those found so far."""
        return self.shots.firsts if self.shots is not None else self.reader.cuts

    def step(self) -> None:
        """Restores the next frame and hands it to the writer, or skips it where the sidecar vouches for it.

        Raises:
            FrdmError: this frame, or one handed to the writer before, could not be done.
        """
        job, index = self.job, self._at
        frame = job.frames[index]
        if job.resume and self.ledger.vouches(frame, self._key(frame), job.files(frame)):
            self.drain()
            self.on_frame(self._skipped(frame, index))
        else:
            began = time.monotonic() if self._mark is None else self._mark
            window = self.reader.window(frame, upcoming=job.frames[index + 1 : index + 1 + AHEAD])
            made = self._restore(window, frame)
            self._deliver(BEHIND - 1)
            self._mark = time.monotonic()
            key = self._key(frame)
            self.writing.append(self._pool.submit(self._write, window[frame], made, index, key, self._mark - began))
        self._at += 1

    def drain(self) -> None:
        """Waits until all that was restored is written.

        Raises:
            FrdmError: a frame could not be written.
        """
        self._deliver(0)

    def pause(self) -> None:
        """Drains, and lets go of the frames in hand on host and device; the next step reads them again."""
        self.drain()
        self.reader.release()
        self.restorer.forget()
        self._mark = None

    def _deliver(self, most: int) -> None:
        """Tells of frames written until at most so many are being written."""
        while len(self.writing) > most:
            done = self.writing.pop(0).result()
            if not self.at_once:
                self.on_frame(done)

    def _key(self, frame: int) -> str:
        """Hash of everything that decides the frame's pixels."""
        job, restorer = self.job, self.restorer
        reach = restorer.reach + (1 if job.cuts is None else 0)
        masks = {"protect": job.protect, "force": job.force}
        return digest(
            {
                "frame": frame,
                "inputs": [fingerprint(job.source.path(n)) for n in self.reader.near(frame, reach)],
                "masks": {name: mask and fingerprint(_mask_path(mask, frame)) for name, mask in masks.items()},
                "cuts": job.cuts,
                "layer": job.layer,
                "colourspace": self.checked.space.name,
                "settings": restorer.settings.record() | {"steps": restorer.steps},
                "model": restorer.loaded.sha256,
                "precision": str(restorer.precision),
                "code": __version__,
            }
        )

    def _skipped(self, frame: int, index: int) -> Done:
        entry = self.ledger.lines[frame]
        changed, total = float(entry.get("changed", 0.0)), len(self.job.frames)
        return Done(frame, index, total, True, 0.0, changed, 0.0, self.job.files(frame))

    def _restore(self, window: dict[int, Frame], frame: int) -> dict[str, Restored]:
        here = window[frame]
        out = {}
        for view, picture in here.pictures.items():
            masks = {}
            for name in ("protect", "force"):
                mask = getattr(self.job, name)
                if mask is not None:
                    masks[name] = read_mask(_mask_path(mask, frame), shape=picture.shape[:2])
            out[view] = self.restorer.restore(
                {number: near.pictures[view] for number, near in window.items() if view in near.pictures},
                frame,
                view=view,
                usable=here.usable[view],
                **masks,
            )
        return out

    def _write(self, here: Frame, made: dict[str, Restored], index: int, key: str, seconds: float) -> Done:
        job, plate = self.job, here.plate
        assert plate.frame is not None  # noqa: S101 - the reader numbers every plate
        frame = plate.frame
        colours, differences = {}, {}
        for view, restored in made.items():
            before = plate.rgb(view)
            touched = restored.alpha > 0
            after = before.copy()
            after[touched] = self.checked.space.decode(restored.picture[touched])
            colours[view] = after
            differences[view] = np.zeros_like(before)
            differences[view][touched] = after[touched] - before[touched]
        notes = self._metadata()
        if job.matte is not None:
            _write_matte(job.matte.path(frame), plate, made, notes)
        if job.difference is not None:
            first = plate.views[0]
            write_image(
                job.difference.path(frame),
                differences[first],
                channel_names=("R", "G", "B"),
                metadata=notes,
                window=plate.window,
                display=plate.display,
            )
        path = job.output.path(frame)
        write_plate(plate, path, rgb=colours, metadata=notes if path.suffix.lower() != ".dpx" else None)
        changed = float(np.mean([float((r.alpha > 0).mean()) for r in made.values()]))
        sampled = float(np.mean([r.sampled for r in made.values()]))
        files = job.files(frame)
        self.ledger.add(
            {
                "frame": frame,
                "key": key,
                "files": [fingerprint(file) for file in files],
                "changed": changed,
                "sampled": sampled,
                "seconds": round(seconds, 3),
                "views": {view: repairs(restored) for view, restored in made.items()},
            }
        )
        done = Done(frame, index, len(job.frames), False, sampled, changed, seconds, files)
        if self.at_once:
            self.on_frame(done)
        return done

    def _metadata(self) -> dict[str, str]:
        restorer = self.restorer
        return {
            "frdm:version": __version__,
            "frdm:model": restorer.loaded.name,
            "frdm:modelHash": restorer.loaded.sha256,
            "frdm:settings": json.dumps(restorer.settings.record() | {"steps": restorer.steps}),
            "frdm:seed": str(restorer.settings.seed),
            "frdm:colourspace": self.checked.space.name,
        }


def _write_matte(path: Path, plate: Plate, made: dict[str, Restored], notes: dict[str, str]) -> None:
    """Opacity as A and each class as a channel of layer ``frdm`` in EXR; opacity alone as 16-bit grey elsewhere."""
    restored = next(iter(made.values()))
    if path.suffix.lower() == ".exr":
        pixels = np.concatenate((restored.alpha[None], restored.mattes)).transpose(1, 2, 0)
        names = ("A", *(f"frdm.{name}" for name in CLASSES))
        write_image(path, pixels, channel_names=names, metadata=notes, window=plate.window, display=plate.display)
    else:
        write_image(path, restored.alpha[..., None], channel_names=("Y",), pixel_type="uint16")


def repairs(restored: Restored) -> dict[str, Any]:
    """Share of each class and the largest repairs as boxes [x, y, width, height, pixels] in the data window.

    A repair is what hangs together of all classes but flicker, which lies on the whole frame; ``kinds`` names the class
    that each of the largest has most of.
    """
    local = [i for i, name in enumerate(CLASSES) if name != "flicker"]
    planes = restored.mattes[local]
    touched = (planes.max(axis=0) > 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(touched, connectivity=8)
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:LISTED_REPAIRS]
    kinds = []
    for label in order:
        x, y, width, height, _ = stats[label]
        part = slice(y, y + height), slice(x, x + width)
        kinds.append(CLASSES[local[int((planes[:, *part] * (labels[part] == label)).sum(axis=(1, 2)).argmax())]])
    shares = {name: float((restored.mattes[i] > 0).mean()) for i, name in enumerate(CLASSES)}
    return {"count": count - 1, "share": shares, "largest": stats[order].tolist(), "kinds": kinds}
