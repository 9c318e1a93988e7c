"""The engine without its sockets: jobs in, events out, one supervised worker a device.

What is decided is decided under one lock by whoever brings the news: a caller with a job, or the thread that listens to
a worker. Everything a client is told is in the journal before; while the journal cannot be written nothing new begins,
and what happened meanwhile is kept in order and written when it can be.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from frdm_engine.child import Child
from frdm_engine.errors import BusyError, FrdmError, JournalError, ServerError, SettingError, UnknownJobError
from frdm_engine.model.folder import digest, find
from frdm_engine.server.crew import Crew, Slot, join
from frdm_engine.server.figures import Figures, prometheus, resident_bytes
from frdm_engine.server.journal import Journal
from frdm_engine.server.lives import MOST_DEATHS, Lives
from frdm_engine.server.lock import HomeLock
from frdm_engine.server.pending import Pending
from frdm_engine.server.records import OPEN, STATES, Record, spans
from frdm_engine.server.scheduler import INTERACTIVE_FRAMES, Scheduler
from frdm_engine.version import __version__

GIB = 2**30
MOST_OPEN = 20_000
"""Jobs that wait or run at one time; more are refused, as each costs the engine memory until it ends."""
TICK_S = 0.25
"""How often the keeper looks after workers, idle time and a journal that could not be written."""
log = logging.getLogger("frdm.engine")


class Service:
    """A persistent engine in this process and its workers. Thread-safe.

    Every call returns within milliseconds but for `start` and `stop`; none touches plates or loads torch. ``on_event``
    (job, client, number of the latest event) is called from any thread, under the engine's lock: it must only take
    note.

    ``home`` is a private folder of this engine; ``idle_s`` seconds without work end a worker, which gives all of its
    memory back; ``threads`` bounds a worker's compute threads, None for torch's own choice; ``most_open`` bounds the
    jobs that wait or run.
    """

    def __init__(
        self,
        home: Path,
        *,
        model: str | Path = "frdm-s",
        devices: tuple[str, ...] = ("cpu",),
        vram: int = 24 * GIB,
        idle_s: float = 600.0,
        threads: int | None = None,
        slice_s: float | None = None,
        most_open: int = MOST_OPEN,
        on_event: Callable[[str, str, int], None] = lambda job, client, seq: None,
    ) -> None:
        if not devices:
            raise SettingError("The engine needs a device; give --device cpu or cuda:0.")
        self.home, self.model, self.on_event = home, str(model), on_event
        self.model_sha256 = ""
        """Of the model the workers load; known from `start` on."""
        self.figures = Figures()
        self.stop_asked = threading.Event()
        """Set when somebody asked for the engine's end; whoever runs it then calls `stop`."""
        self._lock = threading.RLock()
        self._crew = Crew(
            devices,
            config={"model": self.model, "vram": vram, "threads": threads},
            idle_s=idle_s,
            figures=self.figures,
            on_report=self._report,
            on_exit=self._exited,
        )
        self._scheduler = Scheduler() if slice_s is None else Scheduler(slice_s=slice_s)
        self._ids: dict[int, str] = {}
        self._most_open = most_open
        self._pending = Pending()
        self._stopping = False
        self._closed = threading.Event()
        self._news = threading.Condition(self._lock)
        self._keeper = threading.Thread(target=self._keep, name="frdm-keeper", daemon=True)

    # For whoever runs the engine

    def start(self) -> None:
        """Opens the home, takes up what an earlier engine left, and starts the workers, which load meanwhile.

        Raises:
            ServerError: the home cannot be used, or another engine runs there.
            CheckpointError: there is no such model.
            JournalError: the journal cannot be opened.
            WorkerError: no process can be started.
        """
        self.model_sha256 = digest(find(self.model)[1])
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self.home.chmod(0o700)
            self._held = HomeLock(self.home)
        except OSError as error:
            raise ServerError(f"{self.home} cannot be used ({error.strerror}); give another --home.") from error
        try:
            self.journal = Journal(self.home / "journal.sqlite3")
        except FrdmError:
            self._held.release()
            raise
        for note in self.journal.notes:
            log.warning("%s", note)
        self._lives = Lives(
            self.journal,
            pending=self._pending,
            crew=self._crew,
            figures=self.figures,
            on_event=self._tell,
            on_end=self._forget,
        )
        with self._lock:
            left, count = self.journal.find(states=OPEN, oldest_first=True)
            for record in left:
                self._ids[record.number] = record.id
                if record.cancelling or record.deaths >= MOST_DEATHS:
                    self._lives.sweep(record)
                else:
                    self._scheduler.add(record.number, client=record.client, interactive=record.interactive)
            self._crew.start(inherit=self._held.workers)
        log.info("engine %d started in %s with %s; %d jobs to go on with", os.getpid(), self.home, self.model, count)
        self._keeper.start()

    def wait_ready(self, timeout_s: float | None = None) -> bool:
        """Waits until every worker has loaded the model; returns False when the time is over.

        Raises:
            FrdmError: a worker said why it cannot load it.
        """
        crew = self._crew
        with self._news:
            self._news.wait_for(lambda: crew.broken is not None or len(crew.loaded) == len(crew.slots), timeout_s)
            if crew.broken is not None:
                raise crew.broken
            return len(crew.loaded) == len(crew.slots)

    def ask_stop(self) -> None:
        """Asks whoever runs the engine to stop it; returns at once."""
        self.stop_asked.set()

    def stop(self, *, patience_s: float | None = None) -> None:
        """Lets each worker finish the frame in hand, then ends it and closes the journal; jobs stay for the next start.

        After ``patience_s`` seconds (None: however long it takes) workers are killed, which loses the frame in hand.
        """
        self.stop_asked.set()
        with self._lock:
            if self._stopping or not self._keeper.is_alive():
                return
            self._stopping = True
            processes = self._crew.processes
            for slot in self._crew.slots:
                self._crew.dismiss(slot)
        self._closed.set()
        self._keeper.join()
        join(processes, patience_s=patience_s)
        with self._lock:
            self._pending.retry()
            if self._pending:
                log.error("%d events could not be written; sidecars vouch for their frames", len(self._pending))
            self.journal.close()
            self._held.release()
        log.info("engine %d left", os.getpid())

    def hurry(self) -> None:
        """Kills the workers: a `stop` that waits for them comes to its end, and frames in hand are lost."""
        for process in self._crew.processes:
            process.kill()

    # For hosts, by way of the listener

    def submit(self, client: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Takes a job and returns how it stands; the same ``key`` again means the same job and adds ``again``.

        Raises:
            SettingError: there are no frames, or another model is asked for.
            ConflictError: the key belongs to another job.
            ServerError: the engine is leaving.
            BusyError: too many jobs are open.
            JournalError: the job cannot be written down; it was not taken.
        """
        frames = request.get("frames") or []
        if not frames:
            raise SettingError("The job has no frames; name at least one.")
        wanted = str(request.get("model") or self.model)
        if wanted != self.model:
            raise SettingError(
                f"This engine serves the model {self.model}, not {wanted}; ask another engine, or start one with "
                f"--model {wanted}."
            )
        interactive = bool(request.get("interactive")) and len(frames) <= INTERACTIVE_FRAMES
        packed = {**request, "frames": spans(frames)}  # a film's list of numbers would fill the journal
        with self._lock:
            if self._stopping:
                raise ServerError("The engine is leaving and takes no more jobs; submit it again when it is back.")
            if len(self._ids) >= self._most_open and not self._knows(str(request["key"])):
                raise BusyError(
                    f"{len(self._ids):,} jobs are open already; submit it again when some have ended, or cancel some."
                )
            record, fresh = self.journal.add(
                str(request["key"]), client=client, request=packed, interactive=interactive, total=len(set(frames))
            )
            if fresh:
                self._ids[record.number] = record.id
                self._scheduler.add(record.number, client=client, interactive=interactive)
                self.on_event(record.id, client, record.seq)
                self._dispatch()
        return record.snapshot() | {"again": not fresh}

    def _knows(self, job: str) -> bool:
        try:
            self.journal.get(job)
        except UnknownJobError:
            return False
        return True

    def cancel(self, job: str) -> dict[str, Any]:
        """Ends a job: at once if it waits, within a tile if it is in hand; one that has ended stays as it is.

        Raises:
            UnknownJobError: there is no such job.
            JournalError: it cannot be written down.
        """
        with self._lock:
            record = self.journal.get(job)
            if record.ended_already:
                return record.snapshot()
            marked = self.journal.record(job, cancelling=True)
            if marked is None:
                return self.journal.get(job).snapshot()
            slot = next((slot for slot in self._crew.slots if slot.job is not None and slot.job.id == job), None)
            if slot is not None and slot.process is not None:
                slot.job = marked
                slot.process.send({"do": "cancel", "job": job})
            else:
                for process in self._crew.processes:
                    process.send({"do": "close", "job": job})
                self._lives.sweep(marked)
            return self.journal.get(job).snapshot()

    def job(self, job: str) -> dict[str, Any]:
        """How a job stands.

        Raises:
            UnknownJobError: there is no such job.
        """
        return self.journal.get(job).snapshot()

    def jobs(
        self, states: tuple[str, ...] | None = None, client: str | None = None, limit: int = 100, skip: int = 0
    ) -> tuple[list[dict[str, Any]], int]:
        """Jobs, newest first, and how many there are of these states (None: any) and this client."""
        found, total = self.journal.find(states=states or STATES, client=client, limit=limit, skip=skip)
        return [record.snapshot() for record in found], total

    def events(self, job: str, after: int = 0, limit: int = 256) -> list[dict[str, Any]]:
        """What happened to a job after its event ``after``, oldest first.

        Raises:
            UnknownJobError: there is no such job.
        """
        return [event.plain() for event in self.journal.events(job, after=after, limit=limit)]

    def status(self) -> dict[str, Any]:
        """Devices, queue, throughput, memory and uptime, as plain data."""
        with self._lock:
            devices = [slot.plain() for slot in self._crew.slots]
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": round(self.figures.uptime, 3),
            "devices": devices,
            **self.journal.counts(),
            "frames": self.figures.frames,
            "frames_per_minute": round(self.figures.per_minute, 2),
            "memory": resident_bytes([os.getpid(), *(int(d["pid"]) for d in devices if d["pid"])]),
        }

    def metrics(self) -> str:
        """The engine's figures in the Prometheus text format."""
        return prometheus(self.figures, self.status())

    @property
    def open_jobs(self) -> int:
        """How many jobs wait or run."""
        return len(self._ids)

    # Workers

    def _report(self, process: Child, report: dict[str, Any]) -> None:
        with self._lock:
            slot = self._crew.slot_of(process)
            record = slot.job
            what = report["say"]
            if what == "ready":
                self._crew.ready(slot, report)
                self._lives.sweep_waiting()
                self._news.notify_all()
            elif what == "broken":
                self._crew.unfit(slot, report)
                self._news.notify_all()
            elif what == "swept":
                self._lives.swept(report)
            elif record is None or report.get("job") != record.id:
                log.error("worker %d reports %s of a job it was not given", process.pid, what)
            elif what == "opened":
                self._opened(slot, record, report)
            elif what == "frame":
                slot.frame = report["frame"]
            elif what == "done":
                self._frame_done(slot, record, report)
            elif what == "bad":
                self._lives.warn(record, report["error"]["sentence"], frame=report["frame"], failed=True)
            elif what == "note":
                self._lives.warn(record, report["text"], frame=report["frame"])
            else:
                self._turn_over(slot, record, what, report)
            self._dispatch()

    def _opened(self, slot: Slot, record: Record, report: Mapping[str, Any]) -> None:
        process = slot.process
        if process is None:
            return
        for note in report["notes"]:
            log.info("job %s: %s", record.id, note, extra={"job": record.id})
        if not (record.opened and process.pid in record.workers):
            self._lives.started(record, device=slot.name, pid=process.pid)
        self._pending.do(lambda: process.send({"do": "go", "job": record.id}))

    def _frame_done(self, slot: Slot, record: Record, report: Mapping[str, Any]) -> None:
        now = time.monotonic()
        self._scheduler.used(record.number, now - slot.mark)
        slot.mark, slot.memory = now, tuple(report["memory"])
        began, before = slot.first
        passed = report["index"] + 1 - before
        left = (record.total - report["index"] - 1) * (now - began) / passed if passed > 0 else None
        self._lives.frame_ready(record, report, seconds_left=left)

    def _turn_over(self, slot: Slot, record: Record, what: str, report: Mapping[str, Any]) -> None:
        """The worker has nothing in hand any more: ``paused``, ``finished``, ``failed`` or ``cancelled``."""
        slot.rest()
        if what == "paused":
            self._scheduler.give_back(record.number)
        elif what == "finished":
            self._pending.do(lambda: self._lives.finish(record))
        elif what == "failed":
            self._lives.end(record, "failed", report["error"])
        elif what == "cancelled":
            self._lives.end(record, "cancelled", {"frames": record.done})
        else:
            log.error("worker reports %r, which this engine does not know", what)

    def _exited(self, process: Child, why: str) -> None:
        with self._lock:
            record, frame, died = self._crew.exited(process, why)
            self._lives.lost(process)
            if record is not None:
                self._scheduler.give_back(record.number)
                if died:
                    self._lives.died(record, frame, why)
            self._dispatch()
            self._news.notify_all()

    # Jobs

    def _dispatch(self) -> None:
        """Gives every free worker its next job, and asks for the frame border where another job should come first."""
        if self._stopping:
            return
        if (len(self._scheduler) or self._lives.waiting) and not self._pending:
            self._crew.wake()
        for slot in self._crew.slots:
            while slot.free and not self._pending:
                turn = self._scheduler.take()
                if turn is None:
                    break
                self._begin(slot, self._ids[turn.number])
            if slot.job is not None and slot.process is not None and not slot.yielding and self._must_yield(slot.job):
                slot.yielding = True
                slot.process.send({"do": "yield", "job": slot.job.id})

    def _must_yield(self, record: Record) -> bool:
        return bool(self._pending) or self._scheduler.should_yield(record.number)

    def _begin(self, slot: Slot, job: str) -> None:
        try:
            record = self.journal.get(job)
        except JournalError as error:
            log.error("%s", error)
            number = next(number for number, name in self._ids.items() if name == job)
            self._scheduler.give_back(number)
            self._pending.do(lambda: self._readable(job))  # which holds everything up until it is
            return
        process = slot.process
        if record.ended_already or process is None:
            self._scheduler.remove(record.number)
            return
        slot.take(record)
        process.send(
            {
                "do": "work",
                "job": job,
                "request": record.request,
                "resume": record.opened,
                "careful": record.deaths > 0,
                "sweep": list(record.workers),
            }
        )

    def _tell(self, job: str, client: str, seq: int) -> None:
        self.on_event(job, client, seq)  # which may be another by now than when the engine was made

    def _forget(self, record: Record) -> None:
        self._scheduler.remove(record.number)
        self._ids.pop(record.number, None)

    def _readable(self, job: str) -> None:
        self.journal.get(job)

    def _keep(self) -> None:
        """What must happen by itself."""
        while not self._closed.wait(TICK_S):
            with self._lock:
                if self._stopping:
                    return
                self._pending.retry()
                self._crew.look_after(busy=bool(len(self._scheduler) or self._lives.waiting))
                self._dispatch()
