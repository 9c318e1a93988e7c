"""The engine, spoken to as any host does; keys stay in this process."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

from frdm_bridge import Client, __version__
from frdm_bridge.discovery import connection_file, read_connection
from frdm_bridge.errors import BridgeError, RefusedError
from frdm_bridge.messages import PROBED, Probe, Seen
from frdm_bridge.probing import sees
from frdm_bridge.version import PROTOCOL_TEXT
from frdm_engine.doctor.probes.telling import asked, tell


def main() -> None:
    """Tells `file` and its content but keys, then `version`, `model`, `health`, `blind`; or `error` and its `kind`."""
    what = asked()
    file = Path(what["connection"]) if what["connection"] else connection_file()
    tell(file=str(file), there=os.path.lexists(file), bridge=__version__, speaks=PROTOCOL_TEXT)
    try:
        found = read_connection(file)
        tell(address=found.address, protocol=found.protocol, pid=found.pid)
        with Client.connect(found, timeout=what["patience"], program="frdm doctor") as client:
            welcome = client.link.welcome
            tell(version=welcome.version, model=welcome.model)
            tell(health=asdict(client.status()))
            blind = {}
            for folder in what["read"]:
                blind[folder] = _not_readable(client, Path(folder))
            for folder in what["write"]:
                blind[folder] = "" if not Path(folder).is_dir() else sees(client.link, Path(folder), write=True)[1]
            tell(blind={folder: why for folder, why in blind.items() if why})
    except BridgeError as error:
        tell(error=str(error), kind=type(error).__name__)


def _not_readable(client: Client, folder: Path) -> str:
    """Why the engine does not read what this machine has in a folder, by the first file in it; empty if it does."""
    known = next((path for path in sorted(folder.glob("*")) if path.is_file()), None)
    if known is None:
        return ""  # nothing to compare, and a folder of plates is not written to for a look
    with known.open("rb") as source:
        digest = hashlib.sha256(source.read(PROBED)).hexdigest()
    try:
        seen = client.link.request(Probe(path=str(known.absolute()))).message
    except RefusedError as error:
        return str(error)
    if isinstance(seen, Seen) and seen.readable and seen.sha256 == digest:
        return ""
    return getattr(seen, "why", "") or f"the engine has another {known.name}"


if __name__ == "__main__":
    main()
