"""What becomes of jobs: every turn in their lives is written to the journal before anybody is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from frdm_engine.child import Child
from frdm_engine.server.crew import Crew
from frdm_engine.server.figures import Figures
from frdm_engine.server.journal import Journal
from frdm_engine.server.pending import Pending
from frdm_engine.server.records import Kind, Record

MOST_DEATHS = 3
"""Workers that may die in a row on one frame before its job is failed."""
PRUNE_EVERY = 500
"""Jobs ended between two prunings of the journal."""

log = logging.getLogger("frdm.engine")


class Lives:
    """Jobs from their start to their end. Every call needs the engine's lock.

    ``on_event`` (job, client, latest event) hears of what was written; ``on_end`` of a job that will not be worked on
    again, which may be before its end is in the journal.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        pending: Pending,
        crew: Crew,
        figures: Figures,
        on_event: Callable[[str, str, int], None],
        on_end: Callable[[Record], None],
    ) -> None:
        self.journal, self.pending, self.crew, self.figures = journal, pending, crew, figures
        self.on_event, self.on_end = on_event, on_end
        self._sweeping: dict[str, tuple[Record, int]] = {}
        """Jobs that end once a worker has removed what dead ones left, each with the worker asked (0: none yet)."""
        self._ended = 0

    @property
    def waiting(self) -> bool:
        """Whether a worker is needed to remove what others left."""
        return bool(self._sweeping)

    def started(self, record: Record, *, device: str, pid: int) -> None:
        """A worker opened the job: it will resume rather than start from now on."""
        changes: dict[str, Any] = {
            "state": "running",
            "opened": True,
            "attempts": record.attempts + 1,
            "workers": [*record.workers, pid],
        }
        if record.started is None:
            changes["started"] = time.time()
        body = {"device": device, "total": record.total, "attempt": record.attempts + 1}
        self.commit(record, ("started", body), **changes)

    def frame_ready(self, record: Record, report: Mapping[str, Any], *, seconds_left: float | None) -> None:
        """A frame is whole. One told of before, in an earlier life of the engine, is not told again."""
        names = ("frame", "index", "total", "path", "matte", "difference", "skipped", "changed", "sampled", "seconds")
        changes: dict[str, Any] = {}
        if record.deaths and (record.death_frame is None or report["frame"] >= record.death_frame):
            changes = {"deaths": 0, "death_frame": None, "error": None}
        self.commit(
            record,
            ("frame_ready", {name: report[name] for name in names}),
            ("progress", {"done": report["index"] + 1, "total": record.total, "seconds_left": seconds_left}),
            frame=report["frame"],
            on_written=lambda: self.figures.frame(report["seconds"], skipped=report["skipped"]),
            **changes,
        )

    def warn(self, record: Record, text: str, *, frame: int | None, failed: bool = False) -> None:
        """The artist should know something, such as that a frame `failed`."""
        self.figures.warnings += 1
        log.warning("job %s: %s", record.id, text, extra={"job": record.id, "frame": frame})
        self.commit(record, ("warning", {"text": text, "frame": frame} | ({"failed": True} if failed else {})))

    def died(self, record: Record, frame: int | None, why: str) -> None:
        """The worker that had the job in hand died: it goes on, or ends after so many deaths in one place."""
        deaths = record.deaths + 1 if record.deaths and record.death_frame == frame else 1
        where = "while the job was opened" if frame is None else f"at frame {frame}"
        text = f"{why}, {where}; the job goes on with a new worker"
        if deaths >= MOST_DEATHS:
            text = f"{why}, {where}, as {deaths - 1} before it"
        changes: dict[str, Any] = {"deaths": deaths, "death_frame": frame, "error": {"sentence": why}}
        self.figures.warnings += 1
        self.commit(record, ("warning", {"text": text, "frame": frame}), **changes)
        if record.cancelling or deaths >= MOST_DEATHS:
            self.sweep(replace(record, **changes))

    def sweep(self, record: Record) -> None:
        """Ends a job that is not in hand any more, after a worker has removed what dead ones left of it."""
        self.on_end(record)
        if {process.pid for process in self.crew.processes}.issuperset(record.workers):
            self._sweeping.pop(record.id, None)
            self._end_for_cause(record)
            return
        able = [slot.process for slot in self.crew.loaded if slot.process is not None]
        self._sweeping[record.id] = (record, able[0].pid if able else 0)
        if able:
            able[0].send({"do": "sweep", "job": record.id, "request": record.request, "pids": list(record.workers)})

    def swept(self, report: Mapping[str, Any]) -> None:
        """A worker has removed what others left: the job ends."""
        record, _ = self._sweeping.pop(report["job"])
        if report["trouble"]:
            log.warning("job %s: temporary files may be left: %s", record.id, report["trouble"])
        self._end_for_cause(record)

    def lost(self, process: Child) -> None:
        """A worker ended: what it was asked to remove is another's task."""
        for job, (waiting, asked) in list(self._sweeping.items()):
            if asked == process.pid:
                self._sweeping[job] = (waiting, 0)

    def sweep_waiting(self) -> None:
        """A worker is there: jobs that wait for one to remove files are its task."""
        for waiting, asked in list(self._sweeping.values()):
            if not asked:
                self.sweep(waiting)

    def _end_for_cause(self, record: Record) -> None:
        if record.cancelling:
            self.end(record, "cancelled", {"frames": record.done})
            return
        why = (record.error or {}).get("sentence", "a worker died")
        where = "while it was opened" if record.death_frame is None else f"at frame {record.death_frame}"
        name = "The job" if record.death_frame is None else f"Frame {record.death_frame}"
        sentence = (
            f"{name} could not be restored: {MOST_DEATHS} workers in a row died {where}, the last as {why}; "
            "look into the engine's log, then leave the frame out or use another device."
        )
        error = {"code": "internal", "sentence": sentence, "frame": record.death_frame, "tile": None}
        self.end(record, "failed", error)

    def finish(self, record: Record) -> None:
        """The worker has delivered every frame.

        Raises:
            JournalError: the journal cannot be read now.
        """
        now = self.journal.get(record.id)
        if now.done < now.total:
            sentence = f"Only {now.done} of {now.total} frames were delivered; this is a bug, please report it."
            self.end(record, "failed", {"code": "internal", "sentence": sentence, "frame": None, "tile": None})
            return
        seconds = max(0.0, time.time() - (now.started or now.submitted))
        body = {"frames": now.total, "seconds": round(seconds, 3), "changed": self.journal.changed(record.id)}
        self.end(record, "done", body)

    def end(self, record: Record, state: Literal["done", "failed", "cancelled"], body: Mapping[str, Any]) -> None:
        """The job ends; ``body`` is that of its last event."""
        self.on_end(record)
        changes: dict[str, Any] = {"state": state, "error": body if state == "failed" else None}
        level = logging.WARNING if state == "failed" else logging.INFO
        said = body.get("sentence") or ", ".join(f"{value:g} {name}" for name, value in body.items())
        log.log(level, "job %s %s: %s", record.id, state, said, extra={"job": record.id})
        self.commit(record, (state, body), **changes)
        self._ended += 1
        if self._ended % PRUNE_EVERY == 0:
            self.pending.do(lambda: log.debug("%d old jobs pruned", self.journal.prune()))

    def commit(
        self,
        record: Record,
        *events: tuple[Kind, Mapping[str, Any]],
        frame: int | None = None,
        on_written: Callable[[], None] = lambda: None,
        **changes: Any,
    ) -> None:
        """Writes what happened and tells of it; when that fails it is kept and tried again, in order."""

        def write() -> None:
            now = self.journal.record(record.id, *events, frame=frame, **changes)
            if now is None:
                return
            for slot in self.crew.slots:
                if slot.job is not None and slot.job.id == now.id:
                    slot.job = now
            on_written()
            if events:
                self.on_event(now.id, now.client, now.seq)

        self.pending.do(write)
