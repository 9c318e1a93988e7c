"""The engine, spoken to as any host does; keys stay in this process."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from frdm_engine.doctor.probes.telling import asked, tell


def main() -> None:
    """Tells `file` and what is in it but keys, then `version`, `model`, `health`, `sees`; or `error` and its `kind`."""
    what = asked()
    from frdm_bridge import Client, __version__
    from frdm_bridge.discovery import connection_file, read_connection
    from frdm_bridge.errors import BridgeError
    from frdm_bridge.version import PROTOCOL_TEXT

    file = Path(what["connection"]) if what["connection"] else connection_file()
    tell(file=str(file), there=os.path.lexists(file), bridge=__version__, speaks=PROTOCOL_TEXT)
    try:
        found = read_connection(file)
        tell(address=found.address, protocol=found.protocol, pid=found.pid)
        with Client.connect(found, timeout=what["patience"], program="frdm doctor") as client:
            welcome = client.link.welcome
            tell(version=welcome.version, model=welcome.model)
            tell(health=asdict(client.status()))
            from frdm_bridge.probing import sees

            seen = {}
            for kind in ("read", "write"):
                for folder in what[kind]:
                    seen[folder] = sees(client.link, Path(folder), write=kind == "write")
            tell(sees=seen)
    except BridgeError as error:
        tell(error=str(error), kind=type(error).__name__)


if __name__ == "__main__":
    main()
