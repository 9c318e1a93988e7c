"""One device at work: it keeps the model, takes a piece of a shot at a time, and tells what becomes of each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from frdm_engine.batch.jobs import job_of, settings_of
from frdm_engine.batch.shots import Shot
from frdm_engine.errors import DeviceError, FrdmError, GaveUpError, NoRoomError
from frdm_engine.model.checkpoint import Loaded, load
from frdm_engine.restore.device import choose_device
from frdm_engine.restore.failures import Failures
from frdm_engine.restore.job import Checked, Done, Job, check
from frdm_engine.restore.ledger import Ledger, ledger_path
from frdm_engine.restore.patience import Interrupted, Patience, Wait
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.stream import Walk, facts_of

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class _Open:
    """The shot in hand."""

    shot: Shot
    job: Job
    restorer: Restorer
    checked: Checked
    ledger: Ledger


class Station:
    """A device and its model. `say` hears of everything as plain data with an `event`:

    `frame` (frame, skipped, changed, sampled, seconds), `failed` (frame, error), `waiting` (path, why, seconds),
    `note` (text), and last `piece` (ended: done, stopped, full, gave up or device; error; facts).
    """

    def __init__(self, device: str, *, say: Say, stop: Callable[[], bool], patience: float) -> None:
        self.device = choose_device(device)
        self.say, self.stop = say, stop
        self.patience = Patience(patience, on_wait=self._waiting, hurry=stop)
        self._index = -1
        self._open: _Open | None = None
        self._loaded: tuple[str, Loaded] | None = None

    def restorer(self, shot: Shot) -> Restorer:
        """A restorer with the shot's model and settings.

        Raises:
            FrdmError: there is no such model, or a setting is out of its range.
        """
        if self._loaded is None or self._loaded[0] != shot.model:
            self._loaded = (shot.model, load(shot.model))
        return Restorer(self._loaded[1], device=self.device, settings=settings_of(shot))

    def do(self, index: int, shot: Shot, frames: tuple[int, ...] | None) -> None:
        """Restores these frames of a shot, or all of it; `index` is told with every event.

        Raises:
            FrdmError: the shot cannot be opened any more.
        """
        self._index = index
        opened = self._opened(shot)
        opened.ledger.refresh()
        job = opened.job if frames is None else replace(opened.job, frames=frames)
        self._failures = Failures(self._failed)
        ended, error = "done", None
        with Walk(
            job,
            opened.restorer,
            on_frame=self._frame,
            on_failure=self._failures,
            patience=self.patience,
            checked=opened.checked,
            ledger=opened.ledger,
            claimed=True,
        ) as walk:
            try:
                self._walk(walk)
                ended = "stopped" if walk.left else "done"
            except Interrupted:
                ended = "stopped"
            except NoRoomError as failure:
                ended, error = "full", str(failure)
            except GaveUpError as failure:
                ended, error = "gave up", str(failure)
            except DeviceError as failure:
                ended, error = "device", str(failure)
            _settle(walk)
            facts = facts_of(walk)
        self._tell("piece", ended=ended, error=error, facts=facts)

    def _walk(self, walk: Walk) -> None:
        told, lost = len(walk.restorer.notes), 0
        while walk.left and not self.stop():
            walk.step()
            for text in walk.restorer.notes[told:]:
                self._tell("note", text=text)
            told = len(walk.restorer.notes)
            for error in list(walk.reader.lost.values())[lost:]:
                self._tell("note", text=f"{error} Frames beside it are restored without it.")
            lost = len(walk.reader.lost)
        walk.drain()

    def _opened(self, shot: Shot) -> _Open:
        if self._open is None or self._open.shot != shot:
            # Other pieces of the shot may be there already: the run's own check has seen to what was there before.
            job = replace(job_of(shot), resume=not shot.overwrite)
            restorer = self.restorer(shot)
            checked = check(job, restorer, tolerant=True, room=False)
            self._open = _Open(shot, job, restorer, checked, Ledger(ledger_path(job.output)))
        return self._open

    def _tell(self, event: str, **facts: Any) -> None:
        self.say({"event": event, "shot": self._index} | facts)

    def _frame(self, done: Done) -> None:
        self._failures.whole()
        self._tell(
            "frame",
            frame=done.frame,
            skipped=done.skipped,
            changed=done.changed,
            sampled=done.sampled,
            seconds=round(done.seconds, 3),
        )

    def _failed(self, frame: int, error: FrdmError) -> None:
        self._tell("failed", frame=frame, error=str(error))

    def _waiting(self, wait: Wait) -> None:
        self._tell("waiting", path=str(wait.path), why=wait.why, seconds=wait.seconds)


def _settle(walk: Walk) -> None:
    """Hears of the frames that were being written when the walk ended."""
    while walk.writing:
        try:
            walk.drain()
        except (FrdmError, Interrupted):
            continue  # the piece's end has its reason already
