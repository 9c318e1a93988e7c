"""A few frames restored from files to files, as `frdm restore` does it; what the matte leaves must stay as it was."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from frdm_engine.doctor.probes.telling import asked, tell

FRAMES = 12
HEIGHT, WIDTH = 108, 192
ENOUGH_S = 10.0
"""No other frame is begun after so long."""


def main() -> None:
    """Tells `loaded_s`, then `frames`, `seconds`, `changed` and `harmed`; or `error`."""
    what = asked()
    import numpy as np

    from frdm_engine.errors import FrdmError
    from frdm_engine.plates import Sequence, read_plate
    from frdm_engine.plates.exr import read_parts
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.settings import Settings
    from frdm_engine.restore.stream import Job, run

    folder = Path(what["folder"])
    began = time.monotonic()
    try:
        device = what["device"].partition(",")[0].strip()
        restorer = Restorer.from_pretrained(
            what["model"], device="auto" if device == "all" else device, settings=Settings(vram=what["vram"])
        )
        tell(loaded_s=time.monotonic() - began, device=str(restorer.device), precision=str(restorer.precision))
        source = _shoot(folder / "in")
        output, matte = (Sequence.output(folder / name, frames=source.frames, like=source) for name in ("out", "matte"))
        job = Job(source, output, source.frames, matte=matte)
        began = time.monotonic()
        done: list[Any] = []
        run(job, restorer, on_frame=done.append, stop=lambda: bool(done) and time.monotonic() - began > ENOUGH_S)
        seconds = time.monotonic() - began
        harmed = 0
        for one in done:
            before, after = (read_plate(where.path(one.frame)).rgb("") for where in (source, output))
            touched = np.any([plane != 0 for plane in read_parts(matte.path(one.frame))[0].planes], axis=0)
            harmed += int(np.count_nonzero((before != after).any(axis=-1) & ~touched))
    except FrdmError as error:
        tell(error=str(error))
        return
    tell(frames=len(done), seconds=seconds, changed=sum(one.changed for one in done) / len(done), harmed=harmed)


def _shoot(folder: Path) -> Any:
    """Frames of soft noise that drifts, with a black speck in each."""
    import cv2
    import numpy as np

    from frdm_engine.plates import Sequence, write_image

    folder.mkdir()
    noise = np.random.default_rng(5).random((HEIGHT + 40, WIDTH + 80, 3), dtype=np.float32)
    soft = np.clip(6 * (cv2.GaussianBlur(noise, (0, 0), 4.0) - 0.5) + 0.4, 0.02, 1.2)
    for index in range(FRAMES):
        picture = np.array(soft[index : index + HEIGHT, 2 * index : 2 * index + WIDTH], np.float32)
        x, y = 20 + 12 * index, 15 + 6 * index
        picture[y : y + 7, x : x + 6] = 0.0
        write_image(folder / f"frdm-doctor.{1001 + index}.exr", picture, channel_names=("R", "G", "B"))
    return Sequence.find(folder)


if __name__ == "__main__":
    main()
