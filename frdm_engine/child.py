"""A worker process as its owner holds it: started, spoken to in JSON lines, listened to, and its end explained."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from frdm_engine.errors import WorkerError

LAST_LINES = 20
"""Lines of a worker's standard error kept to tell why it died."""

log = logging.getLogger("frdm.worker")


class Child:
    """A fresh interpreter that runs ``module``; nothing of this one's memory goes with it.

    ``on_report`` is called from a thread of its own for each report, then ``on_exit`` once, with why it ended in words
    that follow its name; ``on_line`` for each line on its standard error.
    ``inherit`` is a file descriptor the process keeps open to its end, -1 for none.
    """

    def __init__(
        self,
        module: str,
        config: Mapping[str, Any],
        *,
        on_report: Callable[[Child, dict[str, Any]], None],
        on_exit: Callable[[Child, str], None],
        on_line: Callable[[Child, str], None] = lambda child, line: None,
        inherit: int = -1,
    ) -> None:
        self._on_report, self._on_exit, self._on_line = on_report, on_exit, on_line
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._sending = threading.Lock()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,
                pass_fds=() if inherit < 0 else (inherit,),
            )
        except OSError as error:
            raise WorkerError(f"No worker process can be started ({error}); free memory and processes.") from error
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=target, name=f"frdm-{name}-{self.pid}", daemon=True)
            for name, target in (("reports", self._listen), ("stderr", self._hear))
        ]
        self.send(config)
        for thread in self._threads:
            thread.start()

    def send(self, order: Mapping[str, Any]) -> None:
        """Hands the worker an order; one that is gone hears nothing, and its end is reported by ``on_exit``."""
        pipe = self._process.stdin
        with self._sending:
            if pipe is None or pipe.closed:
                return
            try:
                pipe.write(json.dumps(order) + "\n")
                pipe.flush()
            except BrokenPipeError:
                log.debug("worker %d is gone and did not hear %s", self.pid, order.get("do"))

    def kill(self) -> None:
        """Ends it at once; the frame in hand is lost, the frames told of are whole."""
        self._process.kill()

    def join(self, timeout: float | None = None) -> bool:
        """Waits until it has ended and ``on_exit`` has been called; returns whether it has."""
        self._threads[0].join(timeout)
        return not self._threads[0].is_alive()

    def _listen(self) -> None:
        reports = self._process.stdout
        try:
            for line in reports or ():
                # A worker that is killed may leave half a line; its exit tells the rest.
                if line.endswith("\n"):
                    self._on_report(self, json.loads(line))
        except BaseException:
            log.exception("a report of worker %d could not be taken in; it is ended", self.pid)
            self._process.kill()
            raise
        finally:
            code = self._process.wait()
            self._threads[1].join(5)
            with self._sending:
                for pipe in (self._process.stdin, reports, self._process.stderr):
                    if pipe is not None:
                        self._shut(pipe)
            self._on_exit(self, self._why(code))

    def _hear(self) -> None:
        for line in self._process.stderr or ():
            self._last.append(line.rstrip())
            self._on_line(self, line.rstrip())

    def _shut(self, pipe: Any) -> None:
        try:
            pipe.close()
        except BrokenPipeError:
            log.debug("worker %d left an order unread", self.pid)

    def _why(self, code: int) -> str:
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            hint = " (the system may have run out of memory)" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
        said = next((line for line in reversed(self._last) if line.strip()), "")
        return f"ended with code {code}" + (f": {said}" if said else "")
