"""Filters of other programs, where they are installed: ffmpeg's denoisers, and VapourSynth's DeScratch and SpotLess.

Frames go to them as planar 4:4:4 Y'CbCr (Rec. 709, full range) of 16 bits, and what a filter changed is added to the
frame it was given: neither rounding nor clipping on the way counts against it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from frdm_engine.errors import RestoreError
from frdm_engine.evaluation.baselines import Baseline, Shot
from frdm_engine.evaluation.picture import Array, luma

Planes: TypeAlias = npt.NDArray[np.uint16]
Command: TypeAlias = Callable[[Path, Path, int, int, int], list[str]]
"""From the raw file to read, the one to write, length, height and width to the words of a command line."""

_FFMPEG = {
    "hqdn3d": "ffmpeg's spatial and temporal low-pass at its defaults",
    "atadenoise": "ffmpeg's adaptive temporal average at its defaults",
}
_VAPOURSYNTH = {
    "DeScratch": ("descratch", "VapourSynth's repair of upright lines"),
    "SpotLess": ("spotless", "VapourSynth's motion-compensated median of 3 after SpotLess at its defaults"),
    "DeScratch and SpotLess": ("descratch,spotless", "the one after the other"),
}
_SCRIPT = Path(__file__).with_name("denoise.vpy")
_SCALE = 65535
_BLUE, _RED = 2 * (1 - 0.0722), 2 * (1 - 0.2126)
_PATIENCE = 3600


@dataclass(frozen=True)
class External:
    """The outside filters, by name: those that run here, and for the others the reason why not."""

    available: dict[str, Baseline]
    missing: dict[str, str]


def find_external() -> External:
    """Look for `ffmpeg` on the PATH, and for `vspipe` in FRDM_VSPIPE or on the PATH, and try what they have."""
    available: dict[str, Baseline] = {}
    missing: dict[str, str] = {}
    for name, says in _FFMPEG.items():
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            missing[name] = "ffmpeg is not on the PATH"
        elif name not in _asked([ffmpeg, "-hide_banner", "-filters"]).stdout.split():
            missing[name] = f"this ffmpeg has no filter {name}"
        else:
            available[name] = Baseline(name, says, partial(_filtered, command=partial(_ffmpeg, ffmpeg, name)))
    vspipe = os.environ.get("FRDM_VSPIPE") or shutil.which("vspipe")
    for name, (filters, says) in _VAPOURSYNTH.items():
        if vspipe is None:
            missing[name] = "vspipe is neither named in FRDM_VSPIPE nor on the PATH"
            continue
        command = partial(_vspipe, vspipe, filters)
        reason = _vspipe_trouble(command)
        if reason is None:
            available[name] = Baseline(name, says, partial(_filtered, command=command))
        else:
            missing[name] = reason
    return External(available, missing)


def available_external() -> dict[str, Baseline]:
    """The outside filters that run on this machine, by name."""
    return find_external().available


def missing_external() -> dict[str, str]:
    """The outside filters that do not run on this machine, each with the reason."""
    return find_external().missing


def to_planes(frames: Array) -> Planes:
    """Frames (T, H, W, 3) as Y', Cb and Cr planes (T, 3, H, W) of 16 bits, Rec. 709 in full range, clipped to it."""
    frames = np.clip(np.nan_to_num(frames, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    level = luma(frames)
    planes = np.stack([level, (frames[..., 2] - level) / _BLUE + 0.5, (frames[..., 0] - level) / _RED + 0.5], axis=1)
    return np.rint(np.clip(planes, 0, 1) * _SCALE).astype(np.uint16)


def add_change(frame: Array, before: Planes, after: Planes) -> Array:
    """A frame (H, W, 3) with the difference of two versions of its planes (3, H, W) added; bit for bit without one."""
    change = (after.astype(np.float64) - before) / _SCALE
    red = change[0] + _RED * change[2]
    blue = change[0] + _BLUE * change[1]
    green = (change[0] - 0.2126 * red - 0.0722 * blue) / 0.7152
    moved = np.stack([red, green, blue], axis=-1).astype(np.float32)
    return np.where((before != after).any(axis=0)[..., None], frame + moved, frame)


def _filtered(shot: Shot, *, command: Command) -> list[Array]:
    planes = to_planes(shot.damaged)
    length, _, height, width = planes.shape
    with tempfile.TemporaryDirectory(prefix="frdm-") as folder:
        source, target = Path(folder, "in.raw"), Path(folder, "out.raw")
        planes.tofile(source)
        words = command(source, target, length, height, width)
        try:
            done = _asked(words)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RestoreError(
                f"{words[0]} did not run: {error}", frame=None, remedy="leave this filter out"
            ) from error
        if done.returncode or not target.exists() or target.stat().st_size != planes.nbytes:
            raise RestoreError(
                f"{words[0]} ended with {done.returncode} and wrote no whole result: {_last_line(done.stderr)}",
                frame=None,
                remedy="leave this filter out or mend its installation",
            )
        results = np.fromfile(target, np.uint16).reshape(planes.shape)
    return [add_change(*parts) for parts in zip(shot.damaged, planes, results, strict=True)]


def _vspipe_trouble(command: Command) -> str | None:
    """Why three small frames do not go through VapourSynth, or None where they do."""
    length, height, width = 3, 96, 128
    with tempfile.TemporaryDirectory(prefix="frdm-") as folder:
        source, target = Path(folder, "in.raw"), Path(folder, "out.raw")
        np.full((length, 3, height, width), 32768, np.uint16).tofile(source)
        words = command(source, target, length, height, width)
        try:
            asked = _asked(words)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{words[0]} does not run: {error}"
    return f"VapourSynth does not take the script: {_last_line(asked.stderr)}" if asked.returncode else None


def _ffmpeg(program: str, name: str, source: Path, target: Path, length: int, height: int, width: int) -> list[str]:
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv444p16le"]
    size = ["-video_size", f"{width}x{height}", "-framerate", "24"]
    quiet = [program, "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    return [*quiet, *raw, *size, "-i", str(source), "-vf", name, "-frames:v", str(length), *raw, str(target)]


def _vspipe(program: str, filters: str, source: Path, target: Path, length: int, height: int, width: int) -> list[str]:
    given = {"source": source, "width": width, "height": height, "length": length, "filters": filters}
    words = [word for name, value in given.items() for word in ("--arg", f"{name}={value}")]
    return [program, *words, str(_SCRIPT), str(target)]


def _asked(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_PATIENCE,
        stdin=subprocess.DEVNULL,
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it says nothing"
