"""Where the engine is: the connection file, which belongs to one user and tells address and keys."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Union

from frdm_bridge.errors import DiscoveryError, MessageError
from frdm_bridge.fields import Checked, Integer, Text, of, plain_record, read_record
from frdm_bridge.transport import CurveKeys
from frdm_bridge.version import PROTOCOL_TEXT

VARIABLE = "FRDM_CONNECTION"
"""Environment variable that names the connection file."""
FILE_NAME = "engine.json"
LARGEST = 16_384

_KEY = Text(40, pattern=r"(?:[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40})?", said="40 characters of Z85, or empty")


@dataclass(frozen=True)
class Connection(Checked):
    """What a connection file holds."""

    address: str = field(
        metadata=of(
            Text(256, 1, pattern=r"(ipc|tcp)://[^*]+", said="an address ipc://PATH or tcp://HOST:PORT"),
            "where it listens",
        )
    )
    server_key: str = field(default="", metadata=of(_KEY, "the engine's public key; empty: ipc without keys"))
    public_key: str = field(default="", metadata=of(_KEY, "the client's public key"))
    secret_key: str = field(default="", metadata=of(_KEY, "the client's secret key"))
    protocol: str = field(default=PROTOCOL_TEXT, metadata=of(Text(16), "version of the protocol the engine speaks"))
    pid: int = field(default=0, metadata=of(Integer(0, 2**31), "the engine's process; 0: not told"))

    @property
    def keys(self) -> Optional[CurveKeys]:
        """The keys for CURVE, or None."""
        return CurveKeys(self.server_key, self.public_key, self.secret_key) if self.server_key else None


def runtime_folder(environment: Optional[Mapping[str, str]] = None) -> Path:
    """The folder of this user's engine: sockets and the connection file. It is made by the engine, mode 0700."""
    given = os.environ if environment is None else environment
    if given.get("XDG_RUNTIME_DIR"):
        return Path(given["XDG_RUNTIME_DIR"]) / "frdm"
    if sys.platform == "win32":
        return Path(given.get("LOCALAPPDATA") or tempfile.gettempdir()) / "frdm"
    # With the user's number in its name: the folder for temporary files is everybody's.
    return Path(tempfile.gettempdir()) / f"frdm-{os.getuid()}"


def connection_file(environment: Optional[Mapping[str, str]] = None) -> Path:
    """$FRDM_CONNECTION, or `engine.json` in the runtime folder."""
    given = os.environ if environment is None else environment
    return Path(given[VARIABLE]) if given.get(VARIABLE) else runtime_folder(environment) / FILE_NAME


def read_connection(path: Union[str, Path]) -> Connection:
    """What the connection file holds.

    Raises:
        DiscoveryError: it is not there, not a plain file of this user alone, or not a connection file.
    """
    file = Path(path)
    try:
        # One handle for both looks: what was checked is what is read.
        handle = os.open(str(file), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise DiscoveryError(
            f"There is no connection file {file}: no engine runs here. Start one with `frdm serve`, or set "
            f"{VARIABLE} to the file of the one you mean."
        ) from error
    except OSError as error:
        raise DiscoveryError(
            f"The connection file {file} cannot be opened ({error.strerror}); check its path."
        ) from error
    try:
        _check_private(os.fstat(handle), file)
    except DiscoveryError:
        os.close(handle)
        raise
    with os.fdopen(handle, "rb") as source:
        raw = source.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise DiscoveryError(f"{file} is no connection file: it is too large; name the one `frdm serve` wrote.")
    try:
        plain: Any = json.loads(raw.decode("utf-8"))
        # A newer engine may write more than this bridge knows.
        found: Connection = read_record(Connection, plain, str(file), lenient=True)
    except (ValueError, RecursionError, MessageError) as error:
        raise DiscoveryError(f"{file} is no connection file ({error}); name the one `frdm serve` wrote.") from error
    return found


def connection_text(connection: Connection) -> str:
    """A connection file's content."""
    plain: Dict[str, Any] = plain_record(connection)
    return json.dumps(plain, indent=1) + "\n"


def _check_private(facts: os.stat_result, file: Path) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise DiscoveryError(f"{file} is not a plain file; name the connection file `frdm serve` wrote.")
    if sys.platform == "win32":
        return  # who may read it is told by the profile folder's own rights
    if facts.st_uid not in (os.getuid(), 0):
        raise DiscoveryError(f"{file} belongs to another user; use the connection file of your own engine.")
    if facts.st_mode & 0o077:
        raise DiscoveryError(f"{file} may be read by others; run `chmod 600 {file}` and change the keys if they did.")
