"""Many clients at once in a process of their own: arguments as JSON, the outcome as a JSON file."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from frdm_bridge import Client, JobSpec
from frdm_bridge.messages import Event


def one(number: int, options: dict[str, Any], outcome: list[dict[str, Any]]) -> None:
    """A client that submits its jobs, and each of them once more, and waits for all."""
    with Client.connect(options["connection"], timeout=600.0) as client:
        jobs = []
        for index in range(options["jobs"]):
            spec = JobSpec(
                source=options["source"], output=f"{options['out']}/c{number}/j{index}", frames=options["frames"]
            )
            job = client.submit(spec, timeout=600.0)
            client.submit(spec, job=job, timeout=600.0)  # as after an answer that was lost
            jobs.append(job)
        for job in jobs:
            seen: list[Event] = []
            done = client.wait(job, on_event=seen.append, patience=600.0)
            told = [(event.seq, event.TYPE) for event in seen]
            outcome.append({"job": job, "frames": done.frames, "events": told})


def main() -> None:
    options = json.loads(sys.argv[1])
    outcome: list[dict[str, Any]] = []
    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(n, options, outcome)) for n in range(options["clients"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path(options["outcome"]).write_text(json.dumps({"seconds": time.monotonic() - began, "jobs": outcome}))


if __name__ == "__main__":
    main()
