"""ffmpeg's costly denoisers, where ffmpeg is installed: they repair no damage and serve to compare times with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from frdm_engine.errors import RestoreError
from frdm_engine.evaluation.external import to_planes
from frdm_engine.evaluation.speed.cases import Case
from frdm_engine.evaluation.speed.clock import Go, Work
from frdm_engine.evaluation.speed.studio import OTHER, Studio

DENOISERS = ("nlmeans", "bm3d")


def denoisers(studio: Studio, case: Case) -> tuple[list[Work], dict[str, str]]:
    """A work for each that runs here, at its defaults, and for the others the reason why not."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return [], dict.fromkeys(DENOISERS, "ffmpeg is not on the PATH")
    words = [ffmpeg, "-hide_banner", "-filters"]
    known = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    missing = {name: "this ffmpeg has no such filter" for name in DENOISERS if name not in known}
    return [_work(studio, case, ffmpeg, name) for name in DENOISERS if name in known], missing


def _work(studio: Studio, case: Case, ffmpeg: str, name: str) -> Work:
    """The filter over the frames in one raw file of 16-bit Y'CbCr 4:4:4; what it makes is thrown away."""

    @contextmanager
    def ready() -> Iterator[Go]:
        damaged = studio.damaged(case)
        with studio.output() as out:
            to_planes(damaged).tofile(out / "frames.raw")
            size = f"{case.width}x{case.height}"
            words = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-f", "rawvideo"]
            words += ["-pix_fmt", "yuv444p16le", "-video_size", size, "-framerate", "24", "-i", str(out / "frames.raw")]
            words += ["-vf", name, "-f", "null", "-"]

            def go() -> dict[str, bool]:
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                if done.returncode:
                    said = done.stderr.strip().splitlines()
                    raise RestoreError(
                        f"ffmpeg's {name} ended with {done.returncode} ({said[-1] if said else 'it said nothing'})",
                        frame=None,
                        remedy="leave baselines out of --only or mend ffmpeg",
                    )
                return {OTHER: True}

            yield go

    return Work(f"ffmpeg {name}", case, ready, frames=studio.frames(case.size))
