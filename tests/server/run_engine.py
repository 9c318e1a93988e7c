"""An engine without a listener in a process of its own, for tests that kill it: arguments as JSON, jobs on its command.

Ends on SIGTERM as `frdm serve` does.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from frdm_engine.server.service import Service


def main() -> None:
    options = json.loads(sys.argv[1])
    service = Service(Path(options["home"]), model=options["model"], threads=1)
    signal.signal(signal.SIGTERM, lambda number, frame: service.ask_stop())
    service.start()
    for request in options["requests"]:
        service.submit("anna", request)
    service.stop_asked.wait()
    service.stop()


if __name__ == "__main__":
    main()
