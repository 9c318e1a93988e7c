"""An engine for one farm session: its files in the session's folder, started before its tasks and ended after them.

While it lives it holds the locks of its home, and so do its workers: when both can be taken, all of it is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from frdm_engine.errors import DeviceError, FrdmError, InputError, OutputError, ServerError

LOOK_S = 0.1
LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes (103 to 107); past it the engine listens on loopback."""
STARTING_S = 600.0
"""How long an engine may take to load its model from a busy server."""
FRAME_S = 120.0
"""How long a stop waits for the frame in hand before it insists, and again before it kills."""
READY = ("idle", "working", "unloaded")
_KINDS: dict[int, type[FrdmError]] = {2: InputError, 4: DeviceError}
"""What the engine's exit code says; any other is its own affair."""


@dataclass(frozen=True)
class Session:
    """A session's folder, and where its engine keeps what."""

    folder: Path

    @property
    def runtime(self) -> Path:
        """The engine's $XDG_RUNTIME_DIR."""
        return self.folder / "frdm-engine"

    @property
    def connection(self) -> Path:
        """Its connection file."""
        return self.runtime / "frdm" / "engine.json"

    @property
    def home(self) -> Path:
        """Its journal, keys and logs."""
        return self.runtime / "home"

    @property
    def pid_file(self) -> Path:
        """The process that was started last."""
        return self.runtime / "engine.pid"

    @property
    def listen(self) -> list[str]:
        """Options for where it listens: a socket in the folder, or loopback where that name is too long."""
        socket = self.connection.with_name("engine.sock").absolute()
        return [] if len(os.fsencode(socket)) <= LONGEST_SOCKET else ["--listen", "tcp://127.0.0.1:0"]


def start(session: Session, options: list[str], *, ocio: str, stopped: Callable[[], bool]) -> int:
    """Starts the session's engine and returns its process id once every worker has the model.

    `ocio` is the OCIO config it works with, empty for that of the environment.

    Raises:
        FrdmError: it ended instead, with what it said and of the kind its exit code tells.
        ServerError: it does not come up, or one runs here already.
        KeyboardInterrupt: `stopped` said so; the engine is gone again.
    """
    if is_alive(session):
        raise ServerError(f"An engine of the session {session.folder} runs already; `frdm farm stop` ends it.")
    try:
        session.runtime.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{session.runtime} cannot be made ({error.strerror}); give another --session.") from error
    environment = {name: value for name, value in os.environ.items() if name != "FRDM_CONNECTION"}
    environment["XDG_RUNTIME_DIR"] = str(session.runtime)
    if ocio:
        environment["OCIO"] = ocio
    command = [sys.executable, "-m", "frdm_engine", "serve", "--home", str(session.home), *session.listen, *options]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        engine = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, start_new_session=True
        )
        session.pid_file.write_text(f"{engine.pid}\n", encoding="utf-8")
        until = time.monotonic() + STARTING_S
        while not _answers(session, engine.pid):
            if engine.poll() is not None:
                raise _why(engine.returncode, said)
            if stopped() or time.monotonic() > until:
                stop(session)
                if stopped():
                    raise KeyboardInterrupt
                raise ServerError(f"The engine did not load its model in {STARTING_S:g} s; see to the node's disks.")
            time.sleep(LOOK_S)
        engine.returncode = 0  # it is nobody's child any more: this command ends, it stays
    return engine.pid


def stop(session: Session, *, patience_s: float = FRAME_S) -> bool:
    """Ends the session's engine after the frame in hand, at the latest by force; returns whether there was one.

    Raises:
        ServerError: it cannot be ended.
    """
    was = is_alive(session)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        if not is_alive(session):
            return was
        _send(session, number)
        until = time.monotonic() + patience_s
        while is_alive(session) and time.monotonic() < until:
            time.sleep(LOOK_S)
    if is_alive(session):
        raise ServerError(f"The engine of {session.folder} does not end; end the processes that hold {session.home}.")
    return was


def is_alive(session: Session) -> bool:
    """Whether the engine, or a worker of it, still lives."""
    return _pid(session) is not None or any(_is_held(session.home / name) for name in ("engine.lock", "workers.lock"))


def complaints(session: Session, *, most: int = 50) -> Iterator[str]:
    """The last warnings and errors of the engine's log: the session's folder goes, the farm's own log stays."""
    log = session.home / "logs" / "engine.jsonl"
    if not log.exists():
        return
    records = []
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):  # the line that a kill cut short
            records.append(json.loads(line))
    bad = [one for one in records if str(one.get("level", "")).upper() not in ("INFO", "DEBUG")]
    yield from (f"engine: {one.get('level')}: {one.get('text')}" for one in bad[-most:])


def _answers(session: Session, pid: int) -> bool:
    """Whether the engine that was started here answers and has its model on every device."""
    from frdm_bridge import Client
    from frdm_bridge.discovery import read_connection
    from frdm_bridge.errors import BridgeError

    if not session.connection.exists():
        return False
    try:
        if read_connection(session.connection).pid != pid:
            return False
        with Client.connect(session.connection, timeout=5.0, program="frdm farm") as client:
            return all(device.state in READY for device in client.status().devices)
    except BridgeError:
        return False  # it is just coming up, or just ending: its own exit code and words tell then


def _why(code: int, said: IO[str]) -> FrdmError:
    said.seek(0)
    lines = [line.removeprefix("frdm: ").strip() for line in said if line.startswith("frdm: ")]
    words = (
        lines[-1] if lines else f"The engine ended with code {code} before it answered; run `frdm serve` to see why."
    )
    return _KINDS.get(code, ServerError)(words)


def _pid(session: Session) -> int | None:
    """The engine's process, where it lives and is the one that was started here."""
    try:
        pid = int(session.pid_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    # Numbers are used again: only a process that names this session's home is meant.
    return pid if str(session.home) in _command(pid) else None


def _command(pid: int) -> str:
    """The command line of a process; empty where it has ended."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout


def _send(session: Session, number: signal.Signals) -> None:
    pid = _pid(session)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
