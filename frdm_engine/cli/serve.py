"""`frdm serve`: the persistent engine, in the foreground or as a daemon."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import note, parse_size
from frdm_engine.cli.options import HOW, Device, Model, Vram
from frdm_engine.errors import FrdmError, ServerError, SettingError

if TYPE_CHECKING:
    from frdm_engine.server.service import Service

log = logging.getLogger("frdm.engine")

DOOR = "Who may come in"
READY = ("idle", "working", "unloaded")
LOOK_S = 0.5
"""How often the foreground looks whether it shall end."""


def serve(
    read: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=DOOR, help="Folder that jobs may read from; may be repeated."),
    ] = None,
    write: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=DOOR, help="Folder that jobs may write to; may be repeated."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=DOOR,
            help="tcp://HOST:PORT, always encrypted (port 0: any free one); a private local socket unless told.",
        ),
    ] = None,
    model: Model = "frdm-s",
    device: Device = "auto",
    vram: Vram = "24G",
    idle: Annotated[
        float,
        typer.Option(
            metavar="MINUTES", min=0.01, rich_help_panel=HOW, help="Give device memory back after so long without work."
        ),
    ] = 10.0,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, rich_help_panel=HOW, help="Compute threads of a worker on the CPU."),
    ] = None,
    spool: Annotated[
        str, typer.Option(metavar="SIZE", rich_help_panel=HOW, help="The most that streamed frames may take on disk.")
    ] = "50G",
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=HOW,
            help="Journal, keys, logs and spool of this engine; ~/.local/state/frdm unless told.",
        ),
    ] = None,
    linger: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=0.01,
            help="End by itself after so long without a job; never unless told.",
        ),
    ] = None,
    daemon: Annotated[
        bool, typer.Option("--daemon", help="Leave the engine running behind and return once the model is loaded.")
    ] = False,
) -> None:
    """Run the engine that hosts and farm tasks talk to: it loads the model once and keeps jobs over restarts.

    --device takes a list such as cuda:0,cuda:1; auto means every GPU. SIGTERM, Ctrl-C and `frdm stop` end it after the
    frame in hand; jobs go on when it is started again. A second Ctrl-C ends it at once.
    """
    from frdm_engine.server.home import default_home

    budget, limit, place = (
        parse_size(vram, option="--vram"),
        parse_size(spool, option="--spool"),
        home or default_home(),
    )
    if daemon:
        _leave_behind(place)
        return
    from frdm_engine.server.listener import Listener
    from frdm_engine.server.logs import close_logs, open_logs
    from frdm_engine.server.process import devices
    from frdm_engine.server.roots import Roots
    from frdm_engine.server.service import Service

    roots = Roots(read=tuple(read or ()), write=tuple(write or ()))
    if not (roots.read and roots.write):
        note("no folder is open to jobs, frames can only be streamed; open some with --read DIR and --write DIR")
    names = devices(device)
    if not names:
        raise SettingError(f"--device {device!r} names no device; use auto, cpu, or a list such as cuda:0,cuda:1.")
    service = Service(place, model=model, devices=names, vram=budget, idle_s=60 * idle, threads=threads)
    logs = open_logs(place / "logs")
    with _signals(service):
        try:
            service.start()
            door = Listener(service, home=place, address=listen, roots=roots, spool_limit=limit)
            door.start()
            note(f"engine {os.getpid()} listens at {door.address}; hosts find it by {door.connection_file}")
            try:
                _run(service, door, linger_s=None if linger is None else 60 * linger)
            finally:
                service.stop()
                door.stop()
        except FrdmError as error:
            log.error("%s", error)
            service.stop()
            raise
        finally:
            close_logs(logs)


def _run(service: Service, door: object, *, linger_s: float | None) -> None:
    """Until somebody asks for the end, or there was no job for `linger_s` seconds since the model was loaded.

    Raises:
        FrdmError: no worker can run, or the listener broke down.
    """
    said, worked = False, time.monotonic()
    while not service.stop_asked.wait(LOOK_S):
        if linger_s is None or not said or service.open_jobs:
            worked = time.monotonic()
        elif time.monotonic() - worked > linger_s:
            log.info("no job for %g minutes; the engine ends, as --linger says", linger_s / 60)
            service.ask_stop()
        if not said and service.wait_ready(0):
            note("the model is loaded")
            said = True
        if not getattr(door, "alive", True):
            raise ServerError("The listener broke down, the engine's log says how; start the engine again.")
    note("finishing the frame in hand")


@contextlib.contextmanager
def _signals(service: Service) -> Iterator[None]:
    """SIGTERM and SIGINT ask for the end after the frame in hand; another one ends it at once."""

    def heard(number: int, frame: FrameType | None) -> None:
        if service.stop_asked.is_set():
            service.hurry()
        service.ask_stop()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_behind(home: Path) -> None:
    """Starts this same command without --daemon in a session of its own, and waits until the model is loaded.

    Raises:
        ServerError: the engine ended instead; with what it said.
    """
    from frdm_bridge import Client
    from frdm_bridge.discovery import connection_file, read_connection
    from frdm_bridge.errors import BridgeError

    try:
        (home / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        home.chmod(0o700)
        said = (home / "logs" / "engine.err").open("w+", encoding="utf-8")
    except OSError as error:
        raise ServerError(f"{home} cannot be used ({error.strerror}); give another --home.") from error
    arguments = [argument for argument in sys.argv[1:] if argument != "--daemon"]
    with said:
        engine = subprocess.Popen(
            [sys.executable, "-m", "frdm_engine", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        client = None
        try:
            while engine.poll() is None:
                with contextlib.suppress(BridgeError, OSError):
                    if client is None and read_connection(connection_file()).pid == engine.pid:
                        client = Client.connect(timeout=5.0, program="frdm serve")
                    if client is not None and all(one.state in READY for one in client.status().devices):
                        note(f"engine {engine.pid} runs; hosts find it by {connection_file()}")
                        engine.returncode = 0  # it is nobody's child any more: this command ends, it stays
                        return
                time.sleep(0.2)
        finally:
            if client is not None:
                client.close()
        said.seek(0)
        lines = [line.removeprefix("frdm: ").strip() for line in said if line.startswith("frdm: ")]
    raise ServerError(lines[-1] if lines else f"The engine ended with code {engine.returncode}; see {home / 'logs'}.")
