"""The engine: its connection file, whether it answers, its version, its devices, and the port it is to listen at."""

from __future__ import annotations

import errno
import functools
import os
import re
import socket
from pathlib import Path

from frdm_engine.doctor.child import Told, ask
from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning
from frdm_engine.version import __version__

PATIENCE_S = 5.0
START = "start one with `frdm serve`"
_TCP = re.compile(r"tcp://(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*)):(\d{1,5})", re.ASCII)


def connection(asked: Asked) -> Finding:
    """The connection file is there, this user's alone, and of an engine that lives."""
    name, facts = "connection file", _engine(asked).facts
    file = facts.get("file", "it")
    if not facts.get("there"):
        if asked.connection or os.environ.get("FRDM_CONNECTION"):
            return failure(name, f"{file} is not there", f"name the right one, or {START}")
        return ok(name, f"none: no engine runs here ({START} for Nuke, Resolve and farms)")
    if facts.get("kind") == "DiscoveryError":
        return failure(name, facts["error"].rstrip("."), f"chmod 600 {file}; where it is damaged remove it and {START}")
    if _is_stale(facts):
        return failure(
            name,
            f"{file} is left over: its engine (process {facts['pid']}) has ended without saying so",
            f"remove it, then {START}; waiting jobs go on",
        )
    return ok(name, f"{file}, of the engine at {facts['address']}")


def engine(asked: Asked) -> Finding:
    """It answers, is of this version and of this protocol, and its devices work."""
    name, told = "engine", _engine(asked)
    facts = told.facts
    if facts.get("kind") == "VersionError":
        return failure(
            name,
            facts["error"].rstrip("."),
            f"this is FRDM {__version__}: put the same version on both sides, then `frdm stop` and `frdm serve`",
        )
    if "error" in facts:
        return failure(
            name,
            facts["error"].rstrip("."),
            f"{START}; over a network look at the firewall and that keys and address are of the engine that runs now",
        )
    if told.end:
        return failure(name, told.end, "see its log, logs/engine.log in its home; then `frdm stop` and `frdm serve`")
    health = facts["health"]
    states = ", ".join(f"{one['name']} {one['state']}" for one in health["devices"])
    found = f"version {facts['version']} at {facts['address']}, {states}, {health['queued']} jobs waiting"
    if facts["version"] != __version__ or facts["protocol"] != facts["speaks"]:
        return warning(
            name,
            f"{found}; protocol {facts['protocol']}. This is FRDM {__version__}, protocol {facts['speaks']}",
            "it was started before an update, or is another installation: `frdm stop`, then `frdm serve`",
        )
    if any(one["state"] == "restarting" for one in health["devices"]):
        return failure(name, found, "its worker cannot start: logs/engine.log in its home tells why")
    if facts.get("blind"):
        folder, why = next(iter(facts["blind"].items()))
        return failure(
            name, f"it does not see {folder} as this machine does: {why.rstrip('.')}",
            "allow the folder with `frdm serve --read DIR --write DIR`, mount it there too, or map the path",
        )  # fmt: skip
    return ok(name, found)


def has_engine(asked: Asked) -> bool:
    """Whether there is an engine to be asked at all."""
    facts = _engine(asked).facts
    return bool(facts.get("there")) and facts.get("kind") != "DiscoveryError" and not _is_stale(facts)


def health(asked: Asked) -> dict[str, object]:
    """What the engine told of itself, for the bundle."""
    facts = _engine(asked).facts
    return {name: facts[name] for name in ("version", "protocol", "speaks", "model", "health") if name in facts}


def port(asked: Asked) -> Finding:
    """The address of --listen can be listened at."""
    name, address = "port", asked.listen or ""
    match = _TCP.fullmatch(address)
    if match is None:
        return failure(
            name, f"{address} is no address to listen at", "give tcp://HOST:PORT, such as tcp://127.0.0.1:5750"
        )
    host, number = match[1] or match[2], int(match[3])
    if _engine(asked).facts.get("address") == address and "health" in _engine(asked).facts:
        return ok(name, f"the engine that runs listens at {address}")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            if os.name == "posix":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
            # Only listening tells of a second listener, where addresses may be used again.
            trial.listen(1)
    except OSError as error:
        return _closed(name, address, number, error)
    return ok(name, f"{address} is free")


def _closed(name: str, address: str, number: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        holder = _holder(number)
        by = f" by {holder}" if holder else ""
        return failure(name, f"{address} is taken{by}", "stop what uses it, or choose another port with --listen")
    if error.errno == errno.EACCES:
        return failure(name, f"{address} may not be listened at by this user", "choose a port of 1024 or above")
    return failure(
        name, f"{address} cannot be listened at ({error.strerror or error})", "give a name or number of this machine"
    )


def _holder(number: int) -> str:
    """The process that listens at a port, where the system tells (Linux, processes of this user)."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.is_file() else ():
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == number:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(os.readlink(one) in inodes for one in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue  # of another user, or ended meanwhile
    return ""


def _engine(asked: Asked) -> Told:
    return _ask(asked.connection, asked.read, asked.write, asked.limit_s)


@functools.lru_cache(maxsize=4)
def _ask(connection: Path | None, read: tuple[Path, ...], write: tuple[Path, ...], limit_s: float) -> Told:
    """Asked once: several checks look at the same facts."""
    return ask(
        "engine",
        limit_s=limit_s,
        connection=str(connection) if connection else None,
        patience=min(PATIENCE_S, limit_s / 2),
        read=[str(folder) for folder in read],
        write=[str(folder) for folder in write],
    )


def _is_stale(facts: dict[str, object]) -> bool:
    """Whether the engine on this machine that wrote the file is gone; from elsewhere nobody can tell."""
    pid, address = facts.get("pid"), str(facts.get("address", ""))
    here = address.startswith(("ipc://", "tcp://127.", "tcp://localhost", "tcp://[::1]"))
    if "error" not in facts or not here or not isinstance(pid, int) or pid == 0 or os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
