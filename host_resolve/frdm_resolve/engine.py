"""The engine as the adapter speaks to it: one sequence restored, and what is known of the result."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Tuple

from frdm_bridge import Client, JobSpec, Settings, restore
from frdm_bridge.errors import BridgeError, JobCancelledError
from frdm_bridge.messages import Event, FrameReady, Progress
from frdm_resolve.errors import EngineError, StoppedError

Tell = Callable[[int, int, Optional[float]], None]
"""Frames done, of how many, seconds left if known."""
PATIENCE = 20.0
"""Seconds an engine may be silent before it is given up."""


@dataclass(frozen=True)
class Made:
    """Who made a result: the job, the model's SHA-256 and the engine's version."""

    job: str
    model: str
    engine: str


def run(
    *,
    connection: str,
    source: str,
    output: str,
    frames: Tuple[int, int],
    settings: Settings,
    colourspace: str,
    label: str,
    tell: Tell,
    cancelled: Callable[[], bool],
) -> Made:
    """Restores files of a pattern, first to last of `frames`, into another pattern. Whole frames are not done twice.

    Raises:
        EngineError: with the engine's sentence.
        StoppedError: it was cancelled.
    """
    first, last = frames
    job, began = "", time.monotonic()
    spec = JobSpec(
        source=source,
        output=output,
        frames=f"{first}-{last}",
        settings=settings,
        colourspace=colourspace,
        existing="resume",
        label=label[:128],
    )

    def hear(event: Event) -> None:
        nonlocal job
        job = event.job
        if isinstance(event, Progress):
            tell(event.done, event.total, event.seconds_left)
        elif isinstance(event, FrameReady):
            done = event.index + 1
            tell(done, event.total, (time.monotonic() - began) / done * (event.total - done))

    try:
        with Client.connect(connection or None, program="resolve") as client:
            restore(client, spec, on_event=hear, cancelled=cancelled, patience=PATIENCE)
            return Made(job, _model(Path(output)), client.welcome.version)
    except JobCancelledError as error:
        raise StoppedError("Cancelled; frames that are done are kept, and the project is as it was.") from error
    except BridgeError as error:
        raise EngineError(f"{label}: {error}") from error


def _model(pattern: Path) -> str:
    """The model's SHA-256 as the record beside the result has it; empty where there is none."""
    for path in sorted(pattern.parent.glob("*.frdm.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            model = json.loads(line).get("model")
            if isinstance(model, dict) and model.get("sha256"):
                return str(model["sha256"])
            if isinstance(model, str) and model:
                return model
    return ""
