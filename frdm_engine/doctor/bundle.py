"""A file for support: what the doctor found, the system, the engine's log; without private names, paths or pictures."""

from __future__ import annotations

import json
import os
import platform
import secrets
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from frdm_engine.doctor import machine, service
from frdm_engine.doctor.finding import Asked, Finding
from frdm_engine.doctor.python import MODULES
from frdm_engine.doctor.scrub import Scrubber
from frdm_engine.errors import OutputError
from frdm_engine.version import __version__

LOG_LINES = 2_000
LOG_BYTES = 4 * 2**20
LOG = Path("logs") / "engine.jsonl"
LOG_KEYS = ("time", "level", "logger", "text", "frame", "device", "traceback")
VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "FRDM_CONNECTION",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NUKE_PATH",
    "OCIO",
    "OMP_NUM_THREADS",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TMPDIR",
    "VIRTUAL_ENV",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
README = """What `frdm doctor --bundle` found on a machine, for those who help with FRDM.

doctor.json       the checks and what each found
system.json       Python, packages, processor, memory, GPU; which variables are set, not what they hold
engine.json       what the running engine said of itself, in figures
engine.log.jsonl  the last lines of the engine's log

Names of users, hosts, shows, folders and files are left out: only words that FRDM itself uses pass, all others
are replaced by <...>, paths by <path>. There are no pictures in it and no keys. It is plain text: look before you send.
"""


def write(path: Path, asked: Asked, findings: Sequence[Finding], unmade: Sequence[str]) -> None:
    """Writes the bundle, whole or not at all.

    Raises:
        OutputError: something has that name already, or it cannot be written.
    """
    if os.path.lexists(path):
        raise OutputError(f"{path} is there already; choose another name for --bundle.")
    system = _system(asked)
    scrub = Scrubber(known=_facts(system), private=_folders(asked))
    members = {
        "README.txt": README,
        "doctor.json": _json(scrub.plain({"findings": [asdict(one) for one in findings], "unmade": list(unmade)})),
        "system.json": _json(system),
        "engine.json": _json(scrub.plain(_engine(asked))),
        "engine.log.jsonl": "".join(json.dumps(scrub.plain(line)) + "\n" for line in _log(asked.home / LOG)),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _system(asked: Asked) -> dict[str, Any]:
    """What kind of machine it is; nothing in it is a person's choice of words."""
    devices = machine.facts(asked)
    return {
        "frdm": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": "".join(one for one in platform.release() if one in "0123456789."),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "processors": os.cpu_count(),
        "memory": dict(zip(("free", "total"), machine.host_memory_bytes(), strict=True)),
        "driver": machine.driver_version(),
        "devices": {name: devices.get(name) for name in ("torch", "cuda", "hip", "seen", "sums")},
        "packages": dict(_versions()),
        "set": [name for name in VARIABLES if os.environ.get(name)],
        "user is root": os.name == "posix" and os.getuid() == 0,
    }


def _folders(asked: Asked) -> Iterator[str]:
    """The last names of folders that were asked about: shows and shots, if they are any."""
    for path in (*asked.read, *asked.write):
        yield from path.parts[-3:]


def _versions() -> Iterator[tuple[str, str]]:
    for package in MODULES:
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package, "not installed"


def _engine(asked: Asked) -> dict[str, Any]:
    """The engine's figures; which job it has in hand is nobody's business."""
    told: dict[str, Any] = json.loads(json.dumps(service.health(asked)))
    for device in told.get("health", {}).get("devices", []):
        device.pop("job", None)
    return told


def _log(path: Path) -> Iterator[dict[str, Any]]:
    """The log's last lines; one that is no JSON was cut by a full disk or a turn of the file, and is passed over."""
    try:
        with path.open("rb") as log:
            log.seek(max(path.stat().st_size - LOG_BYTES, 0))
            lines = log.read().splitlines()[-LOG_LINES:]
    except OSError:
        return  # no engine ran here, or its home cannot be read, which a check tells
    for raw in lines:
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield {name: line[name] for name in LOG_KEYS if name in line}


def _facts(system: dict[str, Any]) -> Iterator[str]:
    """The words of the system's facts: GPUs' names, versions."""
    for value in system.values():
        if isinstance(value, dict):
            yield from _facts(value)
        elif isinstance(value, list):
            yield from _facts(dict(enumerate(value)))  # type: ignore[arg-type]
        elif isinstance(value, str):
            yield value


def _json(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"
