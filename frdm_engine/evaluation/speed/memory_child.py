"""A process that restores a sequence, or does the network's work alone, and tells how much memory that took.

Started by `speed.memory`: one line of JSON comes in, one goes out.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from frdm_engine.errors import FrdmError

EVERY_S = 0.005


class Watch:
    """While entered, keeps the most memory that this process had resident; ``whole``: from its start on."""

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0

    def now(self) -> int:
        """Resident bytes."""
        return int(self._process.memory_info().rss)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.most = max(self.most, self.now(), _system_peak() if self._whole else 0)

    def _look(self) -> None:
        while not self._over.wait(EVERY_S):
            self.most = max(self.most, self.now())


def _system_peak() -> int:
    """The peak as Linux keeps it, which misses nothing between two looks; 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    lines = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def main() -> None:
    """Restores what it is told to and reports."""
    from frdm_engine.cores import set_threads

    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print to standard output
    config = json.loads(sys.stdin.readline())
    set_threads()
    try:
        told = _network(config) if config["alone"] else _restore(config)
    except FrdmError as error:
        told = {"error": str(error)}
    report.write(json.dumps(told) + "\n")
    report.flush()


def _network(config: dict[str, Any]) -> dict[str, Any]:
    """What the network's work on one frame takes on top of the window's pictures."""
    from frdm_engine.cores import give_back_memory
    from frdm_engine.plates import Sequence, read_plate, resolve
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.settings import Settings

    settings = Settings(vram=config["vram"])
    restorer = Restorer.from_pretrained(config["model"], device=config["device"], settings=settings)
    source = Sequence.find(config["source"])
    frames = source.frames[: 2 * restorer.model.limits.radius + 1]
    window = {}
    for frame in frames:
        plate = read_plate(source.path(frame))
        space = resolve("auto", metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)
        window[frame] = space.encode(plate.rgb())
    del plate
    give_back_memory()  # what reading has freed would hide what the network takes
    with Watch(whole=False) as watch:
        before = watch.now()
        restorer.rehearse(window, frames[len(frames) // 2])()
    return {"device_alone": watch.most - before}


def _restore(config: dict[str, Any]) -> dict[str, Any]:
    import torch

    from frdm_engine.plates import Sequence
    from frdm_engine.restore.job import Job
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.settings import Settings
    from frdm_engine.restore.stream import run

    restorer = Restorer.from_pretrained(
        config["model"], device=config["device"], settings=Settings(vram=config["vram"])
    )
    source = Sequence.find(config["source"])
    start = max(0, min(restorer.reach, len(source.frames) - config["frames"]))  # where the window is full
    frames = source.frames[start : start + config["frames"]]
    course: list[int] = []
    out = Path(tempfile.mkdtemp(prefix="out-", dir=config["folder"]))
    try:
        job = Job(source=source, output=Sequence.output(out, frames=frames, like=source), frames=frames)
        with Watch() as watch:
            loaded = watch.now()

            def on_frame(done: Any) -> None:
                course.append(watch.now())
                for path in done.written:
                    path.unlink()  # four hundred frames need not lie there

            run(job, restorer, on_frame=on_frame)
    finally:
        shutil.rmtree(out)
    plan = restorer.plan(*_size(source))
    gpu = restorer.device.type == "cuda"
    return {
        "loaded": loaded,
        "peak": watch.most,
        "course": course,
        "window": min(len(source.frames), 2 * restorer.reach + 1),
        "device_plan": plan.device_bytes,
        "device_peak": int(torch.cuda.max_memory_allocated(restorer.device)) if gpu else None,
        "overhead": plan.overhead,
        "tiles": len(plan.tiles),
    }


def _size(source: Any) -> tuple[int, int]:
    from frdm_engine.plates import read_plate

    plate = read_plate(source.path(source.frames[0]))
    return plate.width, plate.height


if __name__ == "__main__":
    main()
