"""A shot on disk whose damage was painted: plates, results, mattes and sidecar, written by the engine's functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import Sequence, write_image
from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.ledger import Ledger, fingerprint, ledger_path
from frdm_engine.restore.matte import opacity
from frdm_engine.restore.stream import repairs

Array = npt.NDArray[np.float32]
HEIGHT, WIDTH = 48, 64
CHANNELS = ("A", *(f"frdm.{name}" for name in CLASSES))
Spot = tuple[str, int, int, int, int]
"""Class, x, y, width, height of a repair."""
SPOTS: dict[int, tuple[Spot, ...]] = {
    1001: (("dirt", 10, 8, 6, 4), ("scratch", 40, 0, 1, 48)),
    1002: (("dirt", 30, 30, 3, 3), ("scratch", 40, 0, 1, 48)),
    1003: (("scratch", 40, 0, 2, 48),),
    1004: (("stain", 4, 20, 24, 20),),
    1005: (),
    1006: (("dirt", 50, 40, 2, 2), ("flicker", 0, 0, WIDTH, HEIGHT)),
}


@dataclass(frozen=True)
class Painted:
    """Where the parts of a shot lie; `run` is its record."""

    folder: Path
    sidecar: Path
    plate: Sequence
    matte: Sequence | None
    run: Mapping[str, Any]

    def told(self, **changes: Any) -> dict[str, Any]:
        """The record with changes."""
        return {**self.run, **changes}


def paint(
    folder: Path,
    *,
    spots: Mapping[int, tuple[Spot, ...]] = SPOTS,
    matte: bool = True,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    seed: int = 0,
    grain: float = 0.0,
) -> Painted:
    """Plates in `plate/`, results `out.####.exr` in `out/`, mattes in `matte/`."""
    wide, high = size
    rng = np.random.default_rng(seed)
    clean = np.asarray(cv2.GaussianBlur(rng.random((high, wide, 3), np.float32), (0, 0), 3.0), np.float32)
    for name in ("plate", "out", "matte"):
        (folder / name).mkdir(parents=True)
    if grain:
        clean += np.float32(grain) * rng.standard_normal(clean.shape, np.float32)
    for frame, painted in spots.items():
        mattes = np.zeros((len(CLASSES), high, wide), np.float32)
        for kind, x, y, width, height in painted:
            mattes[CLASSES.index(kind), y : y + height, x : x + width] = 0.5 if kind == "flicker" else 1.0
        write_image(folder / "plate" / f"plate.{frame:04d}.exr", damaged(clean, mattes), channel_names=("R", "G", "B"))
        result = folder / "out" / f"out.{frame:04d}.exr"
        write_image(result, clean, channel_names=("R", "G", "B"))
        files = [result]
        restored = Restored(clean, mattes, opacity(mattes), 0.5)
        if matte:
            files.append(folder / "matte" / f"matte.{frame:04d}.exr")
            planes = np.concatenate((restored.alpha[None], mattes)).transpose(1, 2, 0)
            write_image(files[-1], planes, channel_names=CHANNELS)
        enter(result, frame, restored, files)
    output = Sequence.find(folder / "out")
    run = record(folder, frames=f"{min(spots)}-{max(spots)}", matte=matte)
    sidecar = ledger_path(output)
    found = Sequence.find(folder / "matte") if matte else None
    return Painted(folder, sidecar, Sequence.find(folder / "plate"), found, run)


def damaged(clean: Array, mattes: Array) -> Array:
    """The frame with white dirt, black scratches, dark stains and a brighter level where the mattes say."""
    levels = {"dirt": 0.9, "scratch": 0.02, "stain": 0.25, "flicker": 0.6}
    out = clean.copy()
    for name, plane in zip(CLASSES, mattes, strict=True):
        out += plane[..., None] * (np.float32(levels[name]) - out)
    return out


def enter(result: Path, frame: int, restored: Restored, files: list[Path]) -> None:
    """A frame's line in the sidecar."""
    Ledger(ledger_path(Sequence.find(result))).add(
        {
            "frame": frame,
            "key": f"{frame:064x}",
            "files": [fingerprint(file) for file in files],
            "changed": float((restored.alpha > 0).mean()),
            "sampled": restored.sampled,
            "seconds": 0.5 + (frame % 10) / 10,
            "views": {"": repairs(restored)},
        }
    )


def record(folder: Path, *, frames: str, matte: bool) -> dict[str, Any]:
    """What batch writes beside a sidecar."""
    return {
        "frdm": "0.1.0",
        "model": {"name": "tiny", "sha256": "5" * 64},
        "settings": {"fix": list(CLASSES), "strength": 1.0, "steps": 1, "seed": 0, "grain": 1.0, "tile": None},
        "precision": "float32",
        "device": "cpu",
        "source": str(folder / "plate" / "plate.%04d.exr"),
        "output": str(folder / "out" / "out.%04d.exr"),
        "matte": str(folder / "matte" / "matte.%04d.exr") if matte else None,
        "difference": None,
        "layer": None,
        "colourspace": {"name": "linear", "why": "asked for"},
        "plan": ["one tile"],
        "notes": ["colour space linear: asked for"],
        "cuts": [1004],
        "frames": frames,
        "failures": [],
        "seconds": 4.2,
        "stopped": False,
        "started": "2026-11-24T21:10:04+00:00",
        "ended": "2026-11-24T21:10:41+00:00",
        "host": "node-07",
    }
