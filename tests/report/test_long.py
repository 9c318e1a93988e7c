"""Ten thousand frames (a thousand unless FRDM_FULL=1): memory flat, page small, data whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from frdm_engine.report import data_path, write
from frdm_engine.restore.ledger import fingerprint
from tests.report.painted import Painted, paint

FULL = os.environ.get("FRDM_FULL") == "1"
FRAMES = 10_000 if FULL else 1_000


def long(folder: Path, frames: int) -> Painted:
    """A shot of so many frames, one picture under many names, each line with 64 repairs in places of its own."""
    made = paint(folder, spots={1: (("dirt", 10, 8, 6, 4),)})
    first = json.loads(made.sidecar.read_text())
    rng = np.random.default_rng(1)
    with made.sidecar.open("w") as out:
        for frame in range(1, frames + 1):
            files = []
            for name in ("plate", "out", "matte"):
                one, other = folder / name / f"{name}.0001.exr", folder / name / f"{name}.{frame:04d}.exr"
                if frame > 1:
                    os.link(one, other)
                files.append(fingerprint(other))
            x, y = rng.integers(0, 60, 64), rng.integers(0, 44, 64)
            boxes = [[int(a), int(b), 3, 3, 9] for a, b in zip(x, y, strict=True)]
            dirt = 0.5 if frame == frames // 2 else float(rng.random() / 100)
            view = {"count": 64, "share": {"dirt": dirt, "scratch": 0.0, "stain": 0.0, "flicker": 0.0}}
            view |= {"largest": boxes, "kinds": ["dirt"] * 64}
            line = first | {"frame": frame, "key": f"{frame:064x}", "files": files[1:], "views": {"": view}}
            out.write(json.dumps(line) + "\n")
    return made


MEASURE = """
import json, sys, tracemalloc
from pathlib import Path
from frdm_engine.report import write
sidecar, told = Path(sys.argv[1]), json.loads(sys.argv[2])
tracemalloc.start()
write(sidecar, told)
print(tracemalloc.get_traced_memory()[1])
"""


def peak(made: Painted, frames: int) -> int:
    """Bytes of Python's at the worst moment, in a process that does nothing else."""
    told = json.dumps(made.told(frames=f"1-{frames}", cuts=[frames // 3]))
    found = subprocess.run(
        [sys.executable, "-c", MEASURE, str(made.sidecar), told], capture_output=True, text=True, check=True
    )
    return int(found.stdout)


def test_a_long_shot_costs_little(tmp_path: Path) -> None:
    few, many = FRAMES // 4, FRAMES
    less = peak(long(tmp_path / "few", few), few)
    made = long(tmp_path / "many", many)
    more = peak(made, many)
    began = time.monotonic()
    page = write(made.sidecar, made.told(frames=f"1-{many}", cuts=[many // 3]))
    took = time.monotonic() - began
    print(f"{many} frames: {more / 1e6:.1f} MB, of {few}: {less / 1e6:.1f} MB; page {page.stat().st_size:,} B")
    print(f"{took:.1f} s")
    # The lines themselves are over two thousand bytes each; of a frame a row of figures is kept.
    assert (more - less) / (many - few) < 1_200
    assert page.stat().st_size < 2_000_000
    data = json.loads(data_path(made.sidecar).read_text())
    assert [entry["frame"] for entry in data["frames"]] == list(range(1, many + 1))
    assert data["totals"]["repairs"] == 64 * many
    assert data["classes"]["dirt"]["highest_frame"] == many // 2
    assert many // 2 in data["shown"]
    assert {1, many} <= set(data["shown"])
    text = page.read_text(encoding="utf-8")
    assert f"frame {many // 2} of" in text


@pytest.mark.skipif(not FULL, reason="takes a minute; FRDM_FULL=1 runs it")
def test_a_page_of_grainy_large_frames_stays_under_ten_megabytes(tmp_path: Path) -> None:
    spots = {
        frame: tuple(
            (kind, 30 + 190 * at, 100 + 400 * row, 60 + at, 60)
            for row, kind in enumerate(("dirt", "stain"))
            for at in range(8)
        )
        for frame in range(1, 21)
    }
    made = paint(tmp_path / "shot", spots=spots, size=(2048, 1152), grain=0.05)
    page = write(made.sidecar, made.run)
    print(f"page {page.stat().st_size:,} B")
    assert 3_000_000 < page.stat().st_size < 10_000_000
    assert len(json.loads(data_path(made.sidecar).read_text())["shown"]) == 18
