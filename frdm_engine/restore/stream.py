"""A whole sequence: read ahead, restore, write behind; every frame whole or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from frdm_engine.errors import DeviceError, FrdmError, NoRoomError
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import ColourSpace, Plate, Sequence, Shots, read_mask
from frdm_engine.plates.change import Change, difference
from frdm_engine.plates.exr import Part, write_parts
from frdm_engine.plates.images import image_part
from frdm_engine.plates.plate import changed_parts
from frdm_engine.restore.claim import Claim
from frdm_engine.restore.finishing import Looked, Masks, Restored
from frdm_engine.restore.job import Checked, Done, Job, check, mask_path
from frdm_engine.restore.ledger import Ledger, fingerprint, ledger_path
from frdm_engine.restore.patience import Patience
from frdm_engine.restore.reader import AHEAD, Frame, Reader
from frdm_engine.restore.remains import Remains
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.vouching import Vouching
from frdm_engine.restore.window import Picture
from frdm_engine.version import __version__

BEHIND, BEHIND_GPU = 2, 4
"""Frames being finished and written side by side while a CPU works on, or a GPU, which waits for none of them ..."""
BEHIND_BYTES = 384 * 2**20
"""... as many as these hold, but at least one."""
LISTED_REPAIRS = 64
"""Repairs named one by one in a frame's record, the largest first."""
HEADER_BYTES = 1 << 16
"""Room for a header, and for what compression adds to noise."""
LINE_BYTES = 4096
"""About what a frame's record takes."""

__all__ = ["BEHIND", "LISTED_REPAIRS", "Checked", "Done", "Job", "Walk", "check", "facts_of", "repairs", "run"]


def run(
    job: Job,
    restorer: Restorer,
    *,
    on_frame: Callable[[Done], None] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Restores the job's frames in order and returns the report as plain data, with a line for each frame.

    Raises:
        FrdmError: bad input, no room, a frame that cannot be restored. Frames reported before are whole and final.
    """
    began = time.monotonic()
    with Walk(job, restorer, on_frame=on_frame) as walk:
        stopped = walk.go(stop)
    lines = [line for frame in job.frames if (line := walk.ledger.line(frame)) is not None]
    return facts_of(walk) | {"seconds": round(time.monotonic() - began, 3), "stopped": stopped, "frames": lines}


def facts_of(walk: Walk) -> dict[str, Any]:
    """What a walk was made with and what it found, as plain data; its frames' lines are in its sidecar."""
    job, restorer, checked = walk.job, walk.restorer, walk.checked
    return {
        "frdm": __version__,
        "model": {"name": restorer.loaded.name, "sha256": restorer.loaded.sha256},
        "settings": restorer.settings.record() | {"steps": restorer.steps},
        "precision": str(restorer.precision).removeprefix("torch."),
        "device": str(restorer.device),
        "source": job.source.pattern,
        "output": job.output.pattern,
        "colourspace": {"name": checked.space.name, "why": checked.space.why, **checked.ocio},
        "plan": checked.plan.describe().splitlines(),
        "notes": [*checked.notes, *walk.notes, *restorer.notes],
        "cuts": list(walk.cuts),
    }


class Walk:
    """The frames of one job on their way through, a step at a time, so that other work can come between two frames.

    Enter it, `step` while any are `left`, then `drain`. Frames are written behind, so ``on_frame`` tells of one a
    step or two after it was restored, or ``at_once`` when it is written, from the writer's thread; a frame told of
    is whole and final. Where `on_failure` is given, a frame that cannot be done is told to it and the walk goes on;
    a full disk and a device that is lost end it all the same. From its entry to its exit, pauses left out, the frames
    are claimed, unless whoever runs it has `claimed` them already.

    What it leaves in hand of its footage, `remains`, may be given to the next walk as `earlier`: frames whose files
    are still the same are not read and encoded again. Results are the same without it.

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
        on_failure: Callable[[int, FrdmError], None] | None = None,
        patience: Patience | None = None,
        checked: Checked | None = None,
        ledger: Ledger | None = None,
        claimed: bool = False,
        earlier: Remains | None = None,
    ) -> None:
        self.checked = checked or check(job, restorer)
        self.claimed = claimed
        self._claim: Claim | None = None
        self.notes: tuple[str, ...] = ()
        """What is to be said of the claim."""
        self.job, self.restorer, self.on_frame, self.at_once = job, restorer, on_frame, at_once
        self.shots = Shots(tuple(sorted(job.cuts))) if job.cuts is not None else None
        self.on_failure, self.patience = on_failure, patience or Patience()
        self.ledger = ledger or Ledger(ledger_path(job.output))
        self.reader = Reader(
            job.source,
            space=self.checked.space,
            layer=job.layer,
            reach=restorer.reach,
            size=self.checked.size,
            shots=self.shots,
            patience=self.patience,
            tolerant=on_failure is not None,
        )
        self.vouching = Vouching(job, restorer, self.checked, self.reader, self.patience)
        self._earlier = earlier
        self.writing: list[tuple[int, Future[Done]]] = []
        self._at = 0
        self._mark: float | None = None
        self._behind = BEHIND if restorer.device.type == "cpu" else BEHIND_GPU
        self._pool = ThreadPoolExecutor(max_workers=self._behind, thread_name_prefix="frdm-write")

    def __enter__(self) -> Walk:
        self._hold()
        self.restorer.forget()
        self.reader.__enter__()
        earlier, self._earlier = self._earlier, None
        if earlier is not None and earlier.footage == self._footage:
            taken = self.reader.take_over(earlier.frames, around=self.job.frames[0])
            self.restorer.kept = earlier.kept.of(taken)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)  # what is being written becomes whole, whatever happened beside it
        self._let_go()
        self.reader.__exit__(kind, error, trace)

    def remains(self) -> Remains:
        """What it leaves to a walk of the same footage, after its exit."""
        return Remains(self._footage, self.reader.hand_over(), self.restorer.kept)

    @property
    def _footage(self) -> tuple[Any, ...]:
        """All that decides what frames are read and encoded to, but their files."""
        job, checked, restorer = self.job, self.checked, self.restorer
        made_by = restorer.loaded.sha256, str(restorer.device), str(restorer.precision)
        return job.source.pattern, job.layer, checked.space.name, checked.size, *made_by

    def _hold(self) -> None:
        """Claims the frames.

        Raises:
            OutputError: another run writes some of them.
        """
        if self._claim is None and not self.claimed:
            self._claim = Claim(self.job.writes)
            self.notes = tuple(self._claim.notes)

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    @property
    def left(self) -> tuple[int, ...]:
        """Frames still to be restored or skipped, in order."""
        return self.job.frames[self._at :]

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of the shots after the first: those told, or those found so far."""
        return self.shots.firsts if self.shots is not None else self.reader.cuts

    def go(self, stop: Callable[[], bool]) -> bool:
        """Takes all frames that are left, or those until a stop is asked for; returns whether it was.

        Raises:
            FrdmError: a frame could not be done.
        """
        stopped = False
        while self.left and not stopped:
            stopped = stop()
            if not stopped:
                self.step()
        self.drain()
        return stopped

    def step(self) -> None:
        """Restores the next frame and hands it to the writer, or skips it where the sidecar vouches for it.

        Raises:
            FrdmError: this frame, or one handed to the writer before, could not be done.
            OutputError: after a pause, another run is at these frames.
        """
        self._hold()
        frame = self.job.frames[self._at]
        try:
            self._step(frame, self._at)
        except FrdmError as error:
            self._pass_over(frame, error)
        self._at += 1

    def _step(self, frame: int, index: int) -> None:
        job = self.job
        if job.resume and self._vouched(frame):
            self.drain()
            self.on_frame(self._skipped(frame, index))
            return
        began = time.monotonic() if self._mark is None else self._mark
        # Before they are read, as the plates were: what is vouched for was there to read.
        masks = self.vouching.masks(frame)
        window = self.reader.window(frame, upcoming=job.frames[index + 1 : index + 1 + AHEAD])
        plate = window[frame].plate
        assert plate is not None  # noqa: S101 - only frames walked past have lost theirs
        looked = self._look(window, frame, plate)
        self._deliver(min(self._behind, max(BEHIND_BYTES // _bytes(looked), 1)) - 1)
        self._mark = time.monotonic()
        key = self.vouching.key(frame, read=True, masks=masks)
        seconds = self._mark - began
        before = self.writing[-1][1] if self.writing else None
        self.writing.append((frame, self._pool.submit(self._write, plate, looked, index, key, seconds, before)))

    def _vouched(self, frame: int) -> bool:
        key = self.vouching.key(frame, read=False, masks=self.vouching.masks(frame))
        return self.ledger.vouches(frame, key, self.job.files(frame))

    def _pass_over(self, frame: int, error: FrdmError) -> None:
        """Tells of a frame that could not be done, or ends the walk by it."""
        if self.on_failure is None or isinstance(error, (DeviceError, NoRoomError)):
            raise error
        self.on_failure(frame, error)

    def drain(self) -> None:
        """Waits until all that was restored is written.

        Raises:
            FrdmError: a frame could not be written.
        """
        self._deliver(0)

    def pause(self) -> None:
        """Drains, and lets go of the frames in hand on host and device and of the claim; the next step goes on."""
        self.drain()
        self._let_go()
        self.reader.release()
        self.restorer.forget()
        self._mark = None

    def _deliver(self, most: int) -> None:
        """Tells of frames written until at most so many are being written."""
        while len(self.writing) > most:
            frame, written = self.writing.pop(0)
            try:
                done = written.result()
            except FrdmError as error:
                self._pass_over(frame, error)
                continue
            if not self.at_once:
                self.on_frame(done)

    def _skipped(self, frame: int, index: int) -> Done:
        entry = self.ledger.line(frame) or {}
        changed, total = float(entry.get("changed", 0.0)), len(self.job.frames)
        return Done(frame, index, total, True, 0.0, changed, 0.0, self.job.files(frame))

    def _look(self, window: dict[int, Frame], frame: int, plate: Plate) -> dict[str, Looked]:
        here = window[frame]
        out = {}
        for view in here.pictures:
            near = {number: other.pictures[view] for number, other in window.items() if view in other.pictures}
            protect, force = (self._mask(mask, frame, plate, view) for mask in (self.job.protect, self.job.force))
            out[view] = self.restorer.look(near, frame, Masks(protect, force, here.usable[view]), view=view)
        return out

    def _mask(self, mask: Sequence | None, frame: int, plate: Plate, view: str) -> Picture | None:
        if mask is None:
            return None
        path = mask_path(mask, frame)
        return self.patience.read(path, lambda: read_mask(path, shape=plate.size(view), over=plate.part(view)))

    def _write(
        self,
        plate: Plate,
        looked: dict[str, Looked],
        index: int,
        key: str,
        seconds: float,
        before: Future[Done] | None,
    ) -> Done:
        """Finishes a frame that was looked at and writes it, while the device looks at the next.

        It is told of, and has its line, after the one ``before``, whichever was written first.
        """
        assert plate.frame is not None  # noqa: S101 - the reader numbers every plate
        job, frame = self.job, plate.frame
        made = {view: looked.pop(view).finish() for view in tuple(looked)}
        changed = float(np.mean([np.count_nonzero(r.alpha > 0) / r.alpha.size for r in made.values()]))
        sampled = float(np.mean([r.sampled for r in made.values()]))
        views = {view: repairs(restored) for view, restored in made.items()}
        # Asked for only after a failure: where less than this is free, the failure is the disk's.
        size = sum(restored.picture.nbytes for restored in made.values()) + HEADER_BYTES
        due = self._files(plate, frame, made)
        made.clear()  # what is stored is much smaller
        while due:
            path, parts = due.pop(0)
            self.patience.write(path, partial(write_parts, path, parts), size=size)
        files = job.files(frame)
        entry = {
            "frame": frame,
            "key": key,
            "files": self.patience.read(files[0], lambda: [fingerprint(file) for file in files]),
            "changed": changed,
            "sampled": sampled,
            "seconds": round(seconds, 3),
            "views": views,
        }
        wait([] if before is None else [before])
        self.patience.write(self.ledger.path, lambda: self.ledger.add(entry), size=LINE_BYTES)
        done = Done(frame, index, len(job.frames), False, sampled, changed, seconds, files)
        if self.at_once:
            self.on_frame(done)
        return done

    def _files(self, plate: Plate, frame: int, made: dict[str, Restored]) -> list[tuple[Path, tuple[Part, ...]]]:
        """What the frame's files are to hold, each whole or not at all; the result comes last."""
        job, notes = self.job, self._metadata()
        due: list[tuple[Path, tuple[Part, ...]]] = []
        changes = {view: change_of(restored, self.checked.space) for view, restored in made.items()}
        if job.matte is not None:
            path = job.matte.path(frame)
            due.append((path, (_matte(path, plate, next(iter(made.values())), notes),)))
        if job.difference is not None:
            change = changes[plate.views[0]]
            planes = difference(change, was=plate.picked(change.where))
            part = image_part(
                dict(zip("RGB", planes, strict=True)), metadata=notes, window=plate.window, display=plate.display
            )
            due.append((job.difference.path(frame), (part,)))
        path = job.output.path(frame)
        kept = notes if path.suffix.lower() != ".dpx" else None
        due.append((path, changed_parts(plate, path, rgb=changes, metadata=kept)))
        return due

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


def _bytes(looked: dict[str, Looked]) -> int:
    return sum(one.bytes for one in looked.values())


def change_of(restored: Restored, space: ColourSpace) -> Change:
    """What a restoration changes of its plate, in the plate's own encoding."""
    touched = restored.alpha > 0
    return Change(touched, lambda rows: space.decode(restored.picture[rows][touched[rows]]))


def _matte(path: Path, plate: Plate, restored: Restored, notes: dict[str, str]) -> Part:
    """Opacity as A and each class as a channel of layer ``frdm`` in EXR; opacity alone as 16-bit grey elsewhere."""
    if path.suffix.lower() != ".exr":
        return image_part({"Y": restored.alpha}, pixel_type="uint16")
    planes = {"A": restored.alpha}
    planes |= {f"frdm.{name}": plane for name, plane in zip(CLASSES, restored.mattes, strict=True)}
    return image_part(planes, metadata=notes, window=plate.window, display=plate.display)


def repairs(restored: Restored) -> dict[str, Any]:
    """Share of each class and the largest repairs as boxes [x, y, width, height, pixels] in the data window.

    A repair is what hangs together of all classes but flicker, which lies on the whole frame; ``kinds`` names the class
    that each of the largest has most of.
    """
    local = [i for i, name in enumerate(CLASSES) if name != "flicker"]
    held = [plane > 0 for plane in restored.mattes]
    shares = {name: np.count_nonzero(where) / where.size for name, where in zip(CLASSES, held, strict=True)}
    touched = np.logical_or.reduce([held[i] for i in local])
    if not touched.any():
        return {"count": 0, "share": shares, "largest": [], "kinds": []}
    count, labels, stats, _ = cv2.connectedComponentsWithStats(touched.view(np.uint8), connectivity=8)
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:LISTED_REPAIRS]
    kinds = []
    for label in order:
        x, y, width, height, _ = stats[label]
        part = slice(y, y + height), slice(x, x + width)
        own = labels[part] == label
        kinds.append(CLASSES[local[int(np.argmax([(restored.mattes[i][part] * own).sum() for i in local]))]])
    return {"count": count - 1, "share": shares, "largest": stats[order].tolist(), "kinds": kinds}
