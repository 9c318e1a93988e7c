"""The engine as the adapter speaks to it: one sequence restored, and what is known of the result.

Its messages and sockets are loaded when it is first spoken to: the script's window does not wait for them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Tuple

import frdm_bridge
from frdm_bridge.errors import BridgeError, JobCancelledError
from frdm_bridge.jobs import JobSpec, Settings
from frdm_resolve.errors import EngineError, StoppedError

if TYPE_CHECKING:
    from frdm_bridge.messages import Event

Tell = Callable[[int, int, Optional[float]], None]
"""Frames done, of how many, seconds left if known."""
PATIENCE = 20.0
"""Seconds an engine may be silent before it is given up."""
HEADER = 65_536
"""Bytes of a result in which its header ends."""


@dataclass(frozen=True)
class Made:
    """Who made a result: the job, the model's SHA-256 and the engine's version."""

    job: str
    model: str
    engine: str


def model(connection: str) -> str:
    """SHA-256 of the model that the engine restores with; empty where none answers or it is too old to tell.

    Nothing is known to be stale then. A clip that needs the engine says what is wrong with it.
    """
    try:
        with frdm_bridge.Client.connect(connection or None, program="resolve") as client:
            return client.welcome.model
    except BridgeError:
        return ""


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
    from frdm_bridge.messages import FrameReady, Progress

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
        with frdm_bridge.Client.connect(connection or None, program="resolve") as client:
            frdm_bridge.restore(client, spec, on_event=hear, cancelled=cancelled, patience=PATIENCE)
            return Made(job, _model(Path(output % first)), client.welcome.version)
    except JobCancelledError as error:
        raise StoppedError("Cancelled; frames that are done are kept, and the project is as it was.") from error
    except BridgeError as error:
        raise EngineError(f"{label}: {error}") from error


def _model(file: Path) -> str:
    """The model's SHA-256 as a result's EXR header has it; empty where it is not there."""
    with file.open("rb") as source:
        header = source.read(HEADER)
    # An attribute is its name, its type, four bytes of length, and its value.
    _, found, rest = header.partition(b"frdm:modelHash\0string\0")
    size = int.from_bytes(rest[:4], "little") if found else 0
    return rest[4 : 4 + size].decode("ascii", "replace") if size <= 64 else ""
