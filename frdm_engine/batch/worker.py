"""A process of its own for one device: pieces come in as lines of JSON, what becomes of them goes out the same way.

It ends with the run: when its standard input is closed, whatever it is doing; files are whole or not there.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any, TextIO

from frdm_engine.batch.shots import Shot
from frdm_engine.errors import DeviceError, FrdmError


def main() -> None:
    """`python -m frdm_engine.batch.worker`."""
    # Libraries print to standard output; what they say must not get between the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run tells its workers when to stop
    config = json.loads(sys.stdin.readline())
    saying = threading.Lock()

    def say(event: dict[str, Any]) -> None:
        with saying:
            events.write(json.dumps(event) + "\n")
            events.flush()

    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, orders, stop), daemon=True).start()
    from frdm_engine.batch.station import Station
    from frdm_engine.cores import set_threads

    set_threads(config["threads"] or None)

    try:
        station = Station(config["device"], say=say, stop=stop.is_set, patience=config["patience"])
    except DeviceError as error:
        say({"event": "unusable", "error": str(error)})
        return
    say({"event": "ready"})
    while not stop.is_set():
        order = orders.get()
        if order["do"] != "piece":
            break
        try:
            station.do(order["shot"], Shot(**order["told"]), tuple(order["frames"]))
        except FrdmError as error:
            say({"event": "piece", "shot": order["shot"], "ended": "refused", "error": str(error), "facts": {}})


def _listen(source: TextIO, orders: queue.Queue[dict[str, Any]], stop: threading.Event) -> None:
    for line in source:
        order = json.loads(line)
        if order["do"] == "stop":
            stop.set()
        orders.put(order)
    os._exit(1)  # the run is gone: nobody would hear of another frame


if __name__ == "__main__":
    main()
