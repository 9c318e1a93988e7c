"""The process that owns a device: loads the model once and restores frame by frame what the engine tells it.

Started by `server.crew` as ``python -m frdm_engine.server.worker``. Orders come as JSON lines on standard input,
reports go as JSON lines to what was standard output; nothing is pickled. When the engine goes away, its end of the
pipe closes, and the worker ends within a tile. Frames go through `restore.stream.Walk`, as those of `frdm restore` do.

orders   first line: model, device, vram, threads
         work (job, request, resume, careful, sweep), then go (job) when opened is in the journal
         yield (job), cancel (job), close (job), sweep (job, request, pids), leave
reports  ready, broken, swept; of a job: opened, frame, done, bad (a frame that failed), note, and paused, finished,
         failed or cancelled
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from frdm_engine.errors import FrdmError, RestoreError
from frdm_engine.server.records import spans
from frdm_engine.server.wire import code_of

if TYPE_CHECKING:
    from frdm_engine.model.checkpoint import Loaded
    from frdm_engine.restore.failures import Failures
    from frdm_engine.restore.remains import Remains
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.stream import Done, Job, Walk

OPEN_WALKS = 8
"""Jobs kept open while others have their turn; they hold no pixels, one more is opened anew when it is due."""

IDLE = 60.0
"""Seconds without a job after which the frames that the last one left in hand are let go."""

LONGEST_FRAMES, LONGEST_SHOWN = 4000, 200
"""Characters of a list of frames on the wire, and in a sentence."""

Order = dict[str, Any]


class _Ended(Exception):
    """The job in hand was cancelled, or the engine is gone: its frame is given up on purpose."""


@dataclass
class _Turn:
    """A job opened on this worker."""

    walk: Walk
    restorer: Restorer
    failures: Failures
    told: int = 0
    """Notes of the restorer reported already."""
    lost: int = 0
    """Plates that could not be read reported already."""


@dataclass
class Worker:
    """One device's worker between its two pipes."""

    orders: TextIO
    reports: TextIO
    _queue: queue.Queue[Order | None] = field(default_factory=queue.Queue)
    _turns: OrderedDict[str, _Turn] = field(default_factory=OrderedDict)
    _remains: Remains | None = None
    """Frames of the job that was finished last: an artist's next one is likely to be of the same shot."""
    _cancelled: set[str] = field(default_factory=set)
    _yielding: set[str] = field(default_factory=set)
    _gone: threading.Event = field(default_factory=threading.Event)
    _leaving: threading.Event = field(default_factory=threading.Event)
    _saying: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> int:
        """Serves until told to leave or left alone; returns the exit code."""
        config = json.loads(self.orders.readline() or "null")
        if config is None:
            return 0
        threading.Thread(target=self._listen, name="frdm-orders", daemon=True).start()
        try:
            loaded, device = self._load(config)
        except FrdmError as error:
            self._say("broken", error=explain(error, frame=None), code=error.exit_code)
            return error.exit_code
        while (order := self._next()) is not None:
            if order["do"] == "work":
                self._work(order, loaded, device, int(config["vram"]))
            elif order["do"] == "close":
                self._close(order["job"])
                self._cancelled.discard(order["job"])
        for job in list(self._turns):
            self._close(job)
        return 0

    def _next(self) -> Order | None:
        """The next order; left alone, it lets go of what the last job left."""
        if self._remains is not None:
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=IDLE)
            self._remains = None
        return self._queue.get()

    def _load(self, config: dict[str, Any]) -> tuple[Loaded, Any]:
        from frdm_engine.cores import set_threads
        from frdm_engine.restore.restorer import Restorer

        set_threads(int(config["threads"]) if config.get("threads") else None)
        restorer = Restorer.from_pretrained(config["model"], device=config["device"])
        self._say("ready", device=str(restorer.device), model=restorer.loaded.name, memory=memory(restorer.device))
        return restorer.loaded, restorer.device

    def _listen(self) -> None:
        """Takes orders as they come, so that a cancel is known while a frame is in hand."""
        for line in self.orders:
            order = json.loads(line)
            match order["do"]:
                case "cancel":
                    self._cancelled.add(order["job"])
                    self._queue.put({"do": "close", "job": order["job"]})
                case "yield":
                    self._yielding.add(order["job"])
                case "sweep":
                    self._sweep(order)
                case "leave":
                    self._leaving.set()
                    self._queue.put(None)
                case _:
                    self._queue.put(order)
        self._gone.set()
        self._queue.put(None)

    def _say(self, what: str, **facts: Any) -> None:
        # The writer's thread reports frames, too: a line must not be torn. Without an engine nobody listens.
        with self._saying, contextlib.suppress(BrokenPipeError):
            self.reports.write(json.dumps({"say": what, **facts}) + "\n")
            self.reports.flush()

    def _work(self, order: Order, loaded: Loaded, device: Any, vram: int) -> None:
        """One turn of a job, from its opening to what ends the turn."""
        job = order["job"]
        frame: int | None = None
        try:
            turn = self._open(order, loaded, device, vram)
            if turn is None:
                return
            walk = turn.walk
            while walk.left:
                frame = walk.left[0]
                self._say("frame", job=job, frame=frame)
                walk.step()
                self._tell_notes(job, turn, frame)
                self._pulse(job)
                if order.get("careful"):
                    walk.drain()
                if walk.left and (job in self._yielding or self._leaving.is_set()):
                    walk.pause()
                    self._say("paused", job=job)
                    return
            walk.drain()
            self._close(job, finished=True)
            if turn.failures.frames:
                self._say("failed", job=job, error=in_part(turn.failures.frames, total=len(walk.job.frames)))
            else:
                self._say("finished", job=job)
        except _Ended:
            self._close(job)
            if not self._gone.is_set():
                self._say("cancelled", job=job)
        except (FrdmError, OSError) as error:
            self._close(job)
            self._say("failed", job=job, error=explain(error, frame=frame))
        finally:
            self._yielding.discard(job)
            self._cancelled.discard(job)

    def _open(self, order: Order, loaded: Loaded, device: Any, vram: int) -> _Turn | None:
        """The job's walk, kept from its last turn or opened now; None if the engine left before it could begin."""
        from frdm_engine.restore.failures import Failures
        from frdm_engine.restore.restorer import Restorer
        from frdm_engine.restore.stream import Walk, check
        from frdm_engine.server.requests import job_of, settings_of, stale_files

        job, request = order["job"], order["request"]
        earlier, self._remains = self._remains, None
        if job in self._turns:
            self._turns.move_to_end(job)
            return self._turns[job]
        self._pulse(job)
        restorer = Restorer(loaded, device=device, settings=settings_of(request, vram=vram))
        restorer.pulse = lambda: self._pulse(job)
        due = job_of(request, resume=bool(order.get("resume")))
        for path in stale_files(due, pids=frozenset(order.get("sweep", ()))):
            path.unlink(missing_ok=True)
        failures = Failures(
            lambda frame, error: self._say("bad", job=job, frame=frame, error=explain(error, frame=frame))
        )

        def tell(done: Done) -> None:
            failures.whole()
            self._tell_frame(job, due, done, device)

        checked = check(due, restorer, tolerant=True)
        walk = Walk(due, restorer, on_frame=tell, at_once=True, on_failure=failures, checked=checked, earlier=earlier)
        notes = list(walk.checked.notes)
        self._say("opened", job=job, device=str(device), notes=notes, plan=walk.checked.plan.describe().splitlines())
        # Nothing is written before the journal knows that the job began: after a kill it must resume, not start.
        if not self._may_go(job):
            return None
        while len(self._turns) >= OPEN_WALKS:
            self._close(next(iter(self._turns)))
        walk.__enter__()
        for text in walk.notes:
            self._say("note", job=job, frame=None, text=text)
        self._turns[job] = turn = _Turn(walk, restorer, failures)
        return turn

    def _sweep(self, order: Order) -> None:
        """Removes what dead workers left of a job that will not be taken up again."""
        from frdm_engine.server.requests import job_of, stale_files

        trouble = ""
        try:
            for path in stale_files(job_of(order["request"], resume=True), pids=frozenset(order["pids"])):
                path.unlink(missing_ok=True)
        except (FrdmError, OSError) as error:
            trouble = str(error)
        self._say("swept", job=order["job"], trouble=trouble)

    def _may_go(self, job: str) -> bool:
        while (order := self._queue.get()) is not None:
            if order["do"] == "go" and order["job"] == job:
                return True
            if order["do"] == "close" and order["job"] == job:
                raise _Ended
            if order["do"] == "close":
                self._close(order["job"])
        self._queue.put(None)
        return False

    def _close(self, job: str, *, finished: bool = False) -> None:
        """Ends a job's walk; what is being written becomes whole first. A finished one leaves its frames."""
        turn = self._turns.pop(job, None)
        if turn is not None:
            turn.walk.__exit__(None, None, None)
            if finished:
                self._remains = turn.walk.remains()
            turn.restorer.forget()

    def _pulse(self, job: str) -> None:
        if self._gone.is_set() or job in self._cancelled:
            raise _Ended

    def _tell_notes(self, job: str, turn: _Turn, frame: int) -> None:
        for text in turn.restorer.notes[turn.told :]:
            self._say("note", job=job, frame=frame, text=text)
        turn.told = len(turn.restorer.notes)
        lost = turn.walk.reader.lost
        for number, error in list(lost.items())[turn.lost :]:
            self._say("note", job=job, frame=number, text=f"{error} Frames beside it are restored without it.")
        turn.lost = len(lost)

    def _tell_frame(self, job: str, due: Job, done: Done, device: Any) -> None:
        outputs = {"path": due.output, "matte": due.matte, "difference": due.difference}
        self._say(
            "done",
            job=job,
            frame=done.frame,
            index=done.index,
            total=done.total,
            skipped=done.skipped,
            changed=done.changed,
            sampled=done.sampled,
            seconds=round(done.seconds, 4),
            memory=memory(device),
            **{name: "" if output is None else str(output.path(done.frame)) for name, output in outputs.items()},
        )


def explain(error: Exception, *, frame: int | None) -> dict[str, Any]:
    """An error as plain data: code, sentence, frame and tile. ``frame`` is the one in hand when it came up."""
    if isinstance(error, OSError):
        cause = f"{error.filename or 'a file'} cannot be used ({error.strerror or error})"
        error = RestoreError(cause, frame=frame, remedy="put it back or mend its folder, then submit the job again")
    return {
        "code": code_of(error),
        "sentence": str(error),
        "frame": getattr(error, "frame", None) if isinstance(error, RestoreError) else frame,
        "tile": list(error.tile) if isinstance(error, RestoreError) and error.tile is not None else None,
    }


def in_part(failed: dict[int, FrdmError], *, total: int) -> dict[str, Any]:
    """What a job comes to whose other frames are all there: the first failure, and which frames there were."""
    frame, first = next(iter(failed.items()))
    told = explain(first, frame=frame) | {"frame": frame}
    named = spans(failed)
    while len(named) > LONGEST_FRAMES:
        named = named[: named.rindex(",", 0, LONGEST_FRAMES)]
    if total > 1:
        shown = named if len(named) <= LONGEST_SHOWN else f"{named[:LONGEST_SHOWN]} ..."
        which = f"frame {shown}" if len(failed) == 1 else f"frames {shown}, the first"
        told["sentence"] = f"{len(failed)} of {total} frames could not be restored, {which}: {told['sentence']}"
    return told | {"frames": named}


def memory(device: Any) -> tuple[int, int]:
    """Bytes this process uses on its device, and how many the device has; for a CPU those of the host."""
    if device.type == "cuda":
        import torch

        return torch.cuda.memory_reserved(device), torch.cuda.mem_get_info(device)[1]
    page = os.sysconf("SC_PAGE_SIZE")
    held = Path("/proc/self/statm")
    used = int(held.read_text().split()[1]) * page if held.exists() else 0
    return used, os.sysconf("SC_PHYS_PAGES") * page


def main() -> None:
    """The process itself."""
    # The engine says when to leave: a Ctrl-C or a service manager's signal to the whole group is its to answer.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Libraries print to standard output; what they say must not get between the reports.
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    code = 1
    try:
        code = Worker(sys.stdin, reports).run()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        reports.close()
        sys.stderr.flush()
        # Past the interpreter's own end: with frames left over from an error it would print pages of what is still
        # held, which the engine would take for the cause.
        os._exit(code)


if __name__ == "__main__":
    main()
