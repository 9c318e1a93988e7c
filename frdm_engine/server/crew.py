"""The workers of an engine, one a device: started, started again when they die, sent away when they idle."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from frdm_engine.child import Child
from frdm_engine.errors import DeviceError, FrdmError, InputError, WorkerError
from frdm_engine.server.figures import Figures
from frdm_engine.server.records import Record

LONGEST_DELAY_S = 30.0
"""Between two attempts to start a worker that does not come up."""
_KINDS: dict[int, type[FrdmError]] = {kind.exit_code: kind for kind in (InputError, DeviceError)}
"""What a worker's exit code says where it cannot work at all; any other is the engine's own affair."""

log = logging.getLogger("frdm.engine")

Condition = Literal["starting", "unloaded", "loading", "idle", "working", "restarting"]


@dataclass
class Slot:
    """A device and its worker. A ``leaving`` worker gets no more orders; ``job`` is what the worker has in hand."""

    name: str
    device: str
    state: Condition = "starting"
    process: Child | None = None
    leaving: bool = False
    job: Record | None = None
    frame: int | None = None
    yielding: bool = False
    mark: float = 0.0
    """When device time was last accounted for, or since when the worker idles."""
    first: tuple[float, int] = (0.0, 0)
    """When this turn began and how many frames were done then."""
    memory: tuple[int, int] = (0, 0)
    restarts: int = 0
    failures: int = 0
    """Starts in a row that did not lead to a worker that was ready."""
    due: float = 0.0
    """When a worker that does not come up is started again."""

    @property
    def free(self) -> bool:
        """Whether its worker may be given a job."""
        return self.state == "idle" and not self.leaving

    def rest(self) -> None:
        """The worker has nothing in hand any more."""
        self.job, self.frame, self.yielding = None, None, False
        self.state, self.mark = "idle", time.monotonic()

    def take(self, job: Record) -> None:
        """The worker is given a job."""
        self.job, self.frame, self.yielding, self.state = job, None, False, "working"
        self.mark = time.monotonic()
        self.first = (self.mark, job.done)

    def plain(self) -> dict[str, Any]:
        """The device and what its worker does, as plain data."""
        return {
            "name": self.name,
            "state": self.state,
            "pid": self.process.pid if self.process is not None else 0,
            "job": self.job.id if self.job is not None else "",
            "frame": self.frame,
            "memory_used": self.memory[0],
            "memory_total": self.memory[1],
            "restarts": self.restarts,
        }


class Crew:
    """All workers. Every call but `join` needs the engine's lock, which its two callbacks take themselves.

    ``on_report`` (process, report) and ``on_exit`` (process, why) are called from a thread of each worker.
    """

    def __init__(
        self,
        devices: tuple[str, ...],
        *,
        config: Mapping[str, Any],
        idle_s: float,
        figures: Figures,
        on_report: Callable[[Child, dict[str, Any]], None],
        on_exit: Callable[[Child, str], None],
    ) -> None:
        self.slots = [Slot(name, name) for name in devices]
        self.broken: FrdmError | None = None
        """Why a worker said it cannot work at all."""
        self._config, self._idle_s, self._figures = dict(config), idle_s, figures
        self._on_report, self._on_exit = on_report, on_exit
        self._inherit = -1

    @property
    def processes(self) -> list[Child]:
        """Workers that live."""
        return [slot.process for slot in self.slots if slot.process is not None]

    @property
    def loaded(self) -> list[Slot]:
        """Slots whose worker has the model and takes orders."""
        return [slot for slot in self.slots if slot.process is not None and slot.state in ("idle", "working")]

    def start(self, *, inherit: int) -> None:
        """Starts every worker; each holds the descriptor ``inherit`` to its end.

        Raises:
            WorkerError: no process can be started.
        """
        self._inherit = inherit
        for slot in self.slots:
            self._launch(slot)

    def slot_of(self, process: Child) -> Slot:
        """The slot of a worker that lives."""
        return next(slot for slot in self.slots if slot.process is process)

    def ready(self, slot: Slot, report: Mapping[str, Any]) -> None:
        """A worker has loaded the model."""
        slot.failures, slot.name = 0, report["device"]
        slot.memory = tuple(report["memory"])
        slot.rest()
        pid = slot.process.pid if slot.process is not None else 0
        log.info("worker %d has %s on %s", pid, report["model"], slot.name, extra={"device": slot.name})

    def unfit(self, slot: Slot, report: Mapping[str, Any]) -> None:
        """A worker cannot load the model, and ends."""
        kind = _KINDS.get(report["code"], WorkerError)
        self.broken = kind(f"No worker can run on {slot.device}: {report['error']['sentence']}")
        log.error("%s", self.broken, extra={"device": slot.device})

    def wake(self) -> None:
        """There is work: workers that were sent away come back."""
        for slot in self.slots:
            if slot.state == "unloaded":
                slot.state, slot.due = "restarting", 0.0

    def dismiss(self, slot: Slot) -> None:
        """A worker shall finish its frame and leave."""
        if slot.process is not None and not slot.leaving:
            slot.leaving = True
            slot.process.send({"do": "leave"})

    def exited(self, process: Child, why: str) -> tuple[Record | None, int | None, bool]:
        """A worker ended; returns the job and the frame it had in hand, and whether it died rather than left."""
        slot = self.slot_of(process)
        record, frame, died, was = slot.job, slot.frame, not slot.leaving, slot.state
        slot.process, slot.job, slot.frame, slot.memory = None, None, None, (0, 0)
        slot.state = "unloaded"
        if died:
            self._figures.deaths += 1
            slot.restarts += 1
            slot.failures += was == "loading"
            # At once after a death at work, ever later after deaths at the start.
            delay = min(0.5 * 2**slot.failures, LONGEST_DELAY_S) if slot.failures else 0.0
            slot.state, slot.due = "restarting", time.monotonic() + delay
            where = "" if frame is None else f" at frame {frame}"
            log.warning("%s%s; a new one is started in %.1f s", why, where, delay, extra={"device": slot.name})
        return record, frame, died

    def look_after(self, *, busy: bool) -> None:
        """Starts workers that are due, and sends away those that have idled for long while nothing is ``busy``."""
        now = time.monotonic()
        for slot in self.slots:
            if slot.state == "restarting" and now >= slot.due:
                try:
                    self._launch(slot)
                except WorkerError as error:
                    slot.failures += 1
                    slot.state, slot.due = "restarting", now + min(2.0**slot.failures, LONGEST_DELAY_S)
                    log.error("%s", error)
            elif slot.free and now - slot.mark >= self._idle_s and not busy:
                log.info("worker of %s idled for %.0f s and gives its memory back", slot.name, self._idle_s)
                self.dismiss(slot)

    def _launch(self, slot: Slot) -> None:
        slot.state, slot.leaving, slot.job, slot.frame, slot.memory = "loading", False, None, None, (0, 0)
        slot.process = Child(
            "frdm_engine.server.worker",
            self._config | {"device": slot.device},
            on_report=self._on_report,
            on_exit=lambda child, why: self._on_exit(child, f"worker {child.pid} {why}"),
            on_line=lambda child, line: log.warning("worker %d: %s", child.pid, line),
            inherit=self._inherit,
        )


def join(processes: list[Child], *, patience_s: float | None) -> None:
    """Waits for workers to leave; after ``patience_s`` seconds (None: never) they are killed."""
    until = None if patience_s is None else time.monotonic() + patience_s
    for process in processes:
        if not process.join(None if until is None else max(until - time.monotonic(), 0.0)):
            log.warning("worker %d did not leave in time and is killed", process.pid)
            process.kill()
            process.join()
