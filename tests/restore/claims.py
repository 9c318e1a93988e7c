"""A run for tests of claims: claims frames again and again, and sees to it that nobody else has them then.

`python -m tests.restore.claims FOLDER FIRST LAST TIMES`; with TIMES 0 it holds them until its standard input ends.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from frdm_engine.errors import OutputError
from frdm_engine.plates import Sequence, parse_frames
from frdm_engine.restore.claim import Claim


def output(folder: Path, first: int, last: int, suffix: str = ".exr") -> tuple[Sequence, tuple[int, ...]]:
    """An output and its frames, none of which is there."""
    frames = tuple(range(first, last + 1))
    names = tuple(f"plate.{number:04d}{suffix}" for number in frames)
    return Sequence(folder / "out", "plate.", suffix, 4, frames, names), frames


def hold(plates: str, out: str, frames: str) -> None:
    """Holds frames of an output as `frdm restore` would name it, until standard input ends."""
    wanted = parse_frames(frames)
    made = Sequence.output(out, frames=wanted, like=Sequence.find(plates))
    claim = Claim([(made, wanted)])
    print("held", flush=True)
    sys.stdin.read()
    claim.release()


def main() -> None:
    """The process itself; says `held` once it holds its frames, and in the end how often it did."""
    folder, first, last, times = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    had = 0
    for _ in range(times or 1):
        try:
            claim = Claim([output(folder, first, last)])
        except OutputError:
            continue
        had += 1
        if not times:
            print("held", flush=True)
            sys.stdin.read()
        marks = [folder / f"mark.{frame}" for frame in range(first, last + 1)]
        for mark in marks:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))  # fails where another process is at this frame
        time.sleep(random.uniform(0, 0.003))
        for mark in marks:
            mark.unlink()
        claim.release()
    print(had, flush=True)


if __name__ == "__main__":
    main()
