"""For a host with pixels in hand, on the engine's machine: frames through shared memory and back."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Sequence, Union

from frdm_bridge.client import Client
from frdm_bridge.codec import new_id
from frdm_bridge.errors import UsageError
from frdm_bridge.jobs import JobSpec
from frdm_bridge.messages import Event, FrameReady, Place, Take
from frdm_bridge.segments import Segment

Pixels = Union[bytes, bytearray, memoryview]
BYTES = {"half": 2, "float": 4}
NAME = "live.%07d.exr"


def restore_pixels(
    engine: Client,
    frames: Mapping[int, Pixels],
    wanted: Sequence[int],
    *,
    width: int,
    height: int,
    channels: Sequence[str] = ("R", "G", "B"),
    pixel: str = "half",
    spec: JobSpec = JobSpec(source=NAME, output=NAME, priority="interactive"),  # noqa: B008 - frozen
    on_event: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Dict[int, bytearray]:
    """Restores ``wanted`` frames of those given and returns their pixels, laid out alike.

    ``frames``: by number, the wanted ones and their neighbours (`engine.welcome.reach` on each side have a say); each
    ``height`` rows from the top of ``width`` pixels of ``channels``, interleaved, ``pixel`` (half or float),
    little-endian. Of ``spec`` all but its paths and frames counts.

    Raises:
        UsageError: sizes do not fit, or the engine is on another machine.
        JobFailedError, JobCancelledError, RefusedError, UnreachableError: as `Client.wait`.
    """
    size = width * height * len(channels) * BYTES.get(pixel, 0)
    missing = [frame for frame in wanted if frame not in frames]
    if missing or not wanted:
        raise UsageError(f"Frame {missing[0] if missing else 'none'} was asked for and not given; give its pixels.")
    for frame, given in frames.items():
        if not size or memoryview(given).nbytes != size:
            raise UsageError(
                f"Frame {frame} has {memoryview(given).nbytes} bytes and should have {size}; see its size."
            )
    bundle, exchange = new_id(), engine.welcome.exchange
    layout: Dict[str, Any] = {
        "bundle": bundle,
        "width": width,
        "height": height,
        "channels": tuple(channels),
        "pixel": pixel,
    }
    made: Dict[int, bytearray] = {}
    with ExitStack() as closing:
        segment = closing.enter_context(Segment(exchange, size))
        try:
            for frame, given in frames.items():
                segment.memory[:] = memoryview(given).cast("B")
                engine.link.request(Place(name=NAME % frame, segment=segment.name, **layout), timeout=60.0)
            listed = ",".join(str(frame) for frame in sorted(set(wanted)))
            job = engine.submit(replace(spec, bundle=bundle, source=NAME, output=NAME, frames=listed, path_map=()))

            def deliver(event: Event) -> None:
                if isinstance(event, FrameReady):
                    take = Take(name=NAME % event.frame, segment=segment.name, **layout)
                    engine.link.request(take, timeout=60.0)
                    made[event.frame] = bytearray(segment.memory)
                on_event(event)

            engine.wait(job, on_event=deliver, cancelled=cancelled)
        finally:
            engine.release(bundle)
    return made
