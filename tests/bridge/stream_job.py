"""A client on another machine: `stream_job CONNECTION SOURCE OUTPUT` streams a job and tells of it."""

from __future__ import annotations

import sys

from frdm_bridge import Client, JobSpec, Settings, restore
from frdm_bridge.messages import Event


def told(event: Event) -> None:
    """One line an event, for the test to follow."""
    print(event.TYPE, event.seq, flush=True)


def main(connection: str, source: str, output: str) -> None:
    """Streams one job."""
    spec = JobSpec(source=source, output=output, settings=Settings(strength=16))
    with Client.connect(connection, timeout=120.0, program="another machine") as engine:
        print("connected", flush=True)
        restore(engine, spec, on_event=told, patience=300.0)
        print("restored", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
