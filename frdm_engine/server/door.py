"""The engine's address: ipc in a private folder, or TCP with CURVE; one engine at a time behind it (C8)."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

import zmq

from frdm_bridge.codec import LARGEST_FRAME
from frdm_bridge.transport import HEARTBEAT_MS, MOST_WAITING, SEALED, SILENCE_MS
from frdm_engine.errors import ServerError
from frdm_engine.server.keys import DOMAIN, Keys, private_folder

Context = zmq.Context[zmq.Socket[bytes]]
_TCP = re.compile(r"tcp://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):\d{1,5}", re.ASCII)
_ANYWHERE = ("0.0.0.0", "[::]", "[::0]")


def open_door(
    context: Context, address: str, *, runtime: Path, keys: Keys
) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes] | None]:
    """The bound ROUTER socket, and for TCP the socket on which ZeroMQ asks who may come in.

    Raises:
        ServerError: the address is none to listen at, or is in use.
    """
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    router.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME + SEALED)
    # Sending to a peer that is gone or full is an error instead of a message dropped in silence.
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.RCVHWM, MOST_WAITING)
    router.setsockopt(zmq.SNDHWM, MOST_WAITING)
    router.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    router.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
    router.setsockopt(zmq.HANDSHAKE_IVL, SILENCE_MS)
    router.setsockopt(zmq.IPV6, int("[" in address))
    zap = None
    if address.startswith("ipc://"):
        _check_ipc(Path(address.removeprefix("ipc://")), runtime)
    elif _TCP.fullmatch(address) and not any(f"//{host}:" in address for host in _ANYWHERE):
        zap = context.socket(zmq.REP)
        zap.setsockopt(zmq.LINGER, 0)
        zap.bind("inproc://zeromq.zap.01")
        router.setsockopt(zmq.CURVE_SERVER, 1)
        router.setsockopt(zmq.CURVE_SECRETKEY, keys.engine.secret.encode())
        router.setsockopt(zmq.ZAP_DOMAIN, DOMAIN.encode())
    else:
        raise ServerError(
            f"{address} is no address to listen at; give tcp://127.0.0.1:PORT or one of this machine's own names or "
            "numbers, not all at once."
        )
    try:
        router.bind(address)
    except zmq.ZMQError as error:
        raise ServerError(f"{address} cannot be listened at ({error}); choose another or stop what uses it.") from error
    return router, zap


def endpoint(router: zmq.Socket[bytes]) -> str:
    """The address a bound socket listens at, with the port it was given."""
    told = router.getsockopt(zmq.LAST_ENDPOINT)
    return (told if isinstance(told, bytes) else str(told).encode()).rstrip(b"\0").decode()


def take_door(runtime: Path) -> int:
    """A descriptor whose lock says that an engine listens in this folder; closing it lets go.

    Raises:
        ServerError: another engine does.
    """
    handle = os.open(runtime / "listener.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ServerError(f"Another engine listens in {runtime}; use that one, or stop it with `frdm stop`.") from error
    return handle


def exchange_folder(runtime: Path) -> Path:
    """The folder of shared memory, in memory where the system has such a place.

    Raises:
        ServerError: it cannot be made, or is not private.
    """
    memory = Path("/dev/shm")
    return private_folder(memory / f"frdm-{os.getuid()}" if memory.is_dir() else runtime / "exchange")


def _check_ipc(path: Path, runtime: Path) -> None:
    if path.parent != runtime:
        raise ServerError(f"{path} is outside of {runtime}, the folder nobody else may enter; leave the address out.")
    if len(os.fsencode(path)) > zmq.IPC_PATH_MAX_LEN:
        raise ServerError(
            f"{path} is longer than the {zmq.IPC_PATH_MAX_LEN} bytes a socket's path may have; set XDG_RUNTIME_DIR to "
            "a shorter folder, or listen at tcp://127.0.0.1:0."
        )
