"""Folders: whether they can be written, whom they belong to, and the room in them. Nothing is made, nothing stays."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from pathlib import Path

from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning

MIB = 2**20
GIB = 2**30
WRITTEN = 4 * MIB
"""Written to a nameless file, since quotas show in no other way."""
TIGHT = GIB
KEY_LENGTH = 40
"""Characters of Z85 in half of a CURVE pair."""
FULL = 64 * MIB


def home(asked: Asked) -> Finding:
    """The engine's home: private, writable, with room for the journal."""
    return _private("engine's home", asked.home, "choose another with --home DIR")


def keys(asked: Asked) -> Finding:
    """The engine's keys are its user's alone."""
    name, folder = "keys", asked.home / "keys"
    if not folder.is_dir():
        return ok(name, "none yet: the engine makes them on its first start")
    found = sorted(folder.glob("*.key"))
    for path in (folder, *found):
        facts = path.lstat()
        if os.name == "posix" and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
            mode = "700" if stat.S_ISDIR(facts.st_mode) else "600"
            whose = "belongs to another user" if facts.st_uid != os.getuid() else "may be read by others"
            remedy = f"chown it to yourself and chmod {mode} {path}"
            if stat.S_ISREG(facts.st_mode):
                remedy += "; if others may have read it, remove it and start the engine anew for a new key"
            return failure(name, f"{path} {whose}", remedy)
        if stat.S_ISREG(facts.st_mode) and not _is_key(path):
            return failure(name, f"{path} is damaged", "remove it and start the engine anew for a new key")
    clients = len(list((folder / "clients").glob("*.pub")))
    return ok(name, f"{len(found)} of the engine's own, {clients} more client{'' if clients == 1 else 's'} let in")


def runtime(asked: Asked) -> Finding:
    """The folder of the engine's socket and connection file: private, writable, with a path short enough."""
    folder = runtime_folder()
    longest = 107 - len("/engine-4294967295.sock")
    if os.name == "posix" and len(os.fsencode(folder)) > longest:
        return failure(
            "socket folder",
            f"{folder} is longer than the path of a socket may be",
            "set XDG_RUNTIME_DIR to a shorter folder, or serve with --listen tcp://127.0.0.1:0",
        )
    return _private("socket folder", folder, "set XDG_RUNTIME_DIR to a folder of your own")


def temporary(asked: Asked) -> Finding:
    """The folder for temporary files."""
    try:
        folder = Path(tempfile.gettempdir())
    except OSError as error:
        return failure("temporary files", str(error), "free space, or set TMPDIR to a folder that can be written")
    return _writable("temporary files", folder, "free space, or set TMPDIR to another folder")


def to_read(asked: Asked, folder: Path) -> Finding:
    """A folder of plates."""
    name = f"read {folder}"
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        return failure(name, f"it cannot be read ({error.strerror})", "mount it, check its name, mend its rights")
    return ok(name, "it can be read")


def to_write(asked: Asked, folder: Path) -> Finding:
    """A folder for results."""
    return _writable(f"write {folder}", folder, "free space there, mend its rights, or choose another folder")


def runtime_folder() -> Path:
    """As `frdm_bridge.discovery` has it, without the sockets that come with it."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given:
        return Path(given) / "frdm"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir()) / "frdm"
    return Path(tempfile.gettempdir()) / f"frdm-{os.getuid()}"


def _is_key(path: Path) -> bool:
    """Whether a file holds a pair as `server.keys` writes it; the pair itself is not told to anybody."""
    try:
        plain = json.loads(path.read_bytes()[:1000])
        return all(len(str(plain[half])) == KEY_LENGTH for half in ("public", "secret"))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _private(name: str, folder: Path, remedy: str) -> Finding:
    if os.path.lexists(folder):
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode):
            return failure(name, f"{folder} is no folder", f"move it away, or {remedy}")
        if os.name == "posix" and facts.st_uid != os.getuid():
            return failure(name, f"{folder} belongs to user {facts.st_uid}, and this is user {os.getuid()}", remedy)
        if os.name == "posix" and facts.st_mode & 0o077:
            return failure(name, f"others may enter {folder} (mode {facts.st_mode & 0o777:04o})", f"chmod 700 {folder}")
    return _writable(name, folder, remedy)


def _writable(name: str, folder: Path, remedy: str) -> Finding:
    """A file is really written, without a name; of a folder that is not there, the nearest one above it."""
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return failure(name, f"{there} is no folder", remedy)
    coming = "" if there == folder else ", to be made when it is needed"
    if not os.access(there, os.W_OK | os.X_OK):
        return failure(name, f"{there} may not be written", f"mend its rights, or {remedy}")
    try:
        free = _free(there)
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(WRITTEN))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "the disk is full" if error.errno == errno.ENOSPC else "the quota is used up"
            return failure(name, f"{what}: {folder} has no room for {WRITTEN // MIB} MiB", remedy)
        return failure(name, f"{there} cannot be written ({error.strerror})", remedy)
    found = f"{folder}, {_size(free)} free{coming}"
    if free < FULL:
        return failure(name, f"the disk is nearly full: {found}", remedy)
    return warning(name, f"little room: {found}", remedy) if free < TIGHT else ok(name, found)


def _free(folder: Path) -> int:
    if not hasattr(os, "statvfs"):
        import shutil

        return shutil.disk_usage(folder).free
    facts = os.statvfs(folder)
    if facts.f_files and not facts.f_favail:
        raise OSError(errno.ENOSPC, "no room for another file")
    return facts.f_bavail * facts.f_frsize


def _size(size: int) -> str:
    return f"{size / GIB:,.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
