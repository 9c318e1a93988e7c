"""From what the user names to the frames that are read and the frames that are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from frdm_engine.errors import MaskError, OutputError, SequenceError
from frdm_engine.plates.sequence import Sequence, parse_frames


def choose(plate: str, frames: str | None, *, handles: int = 0) -> tuple[Sequence, tuple[int, ...]]:
    """All frames on disk, neighbours to read included, and those of them to write.

    A range in the pattern (`plate.1001-1010####.exr`) chooses frames as `--frames` does: it does not hide their
    neighbours. A file that is named itself stands alone.

    Raises:
        SequenceError: a frame is missing, or handles leave none.
    """
    named = Sequence.find(plate)
    pattern = not (Path(plate).is_dir() or Path(plate).is_file())
    source = Sequence.find(named.pattern) if pattern else named
    chosen = named.frames if frames is None else parse_frames(frames)
    first, last = source.frames[0], source.frames[-1]
    outside = [frame for frame in chosen if not first <= frame <= last]
    if outside:
        raise SequenceError(
            f"Frame {outside[0]} is outside of {source.pattern}, which holds {ranges(source.frames)}; narrow the range."
        )
    span = range(chosen[0], chosen[-1] + 1) if frames is None else chosen
    absent = sorted(set(span).intersection(source.missing))
    if absent:
        rest = ranges(frame for frame in source.frames if chosen[0] <= frame <= chosen[-1])
        raise SequenceError(
            f"Frame {ranges(absent)} of {source.pattern} is missing; add the file or give --frames {rest}."
        )
    if handles < 0 or 2 * handles >= len(chosen):
        raise SequenceError(
            f"--handles {handles} leaves none of the {len(chosen)} frames to write; give fewer handles."
        )
    return source, chosen[handles : len(chosen) - handles]


def find_mask(spec: str | None, *, option: str, frames: tuple[int, ...]) -> Sequence | None:
    """A mask: one file for all frames, or a sequence that holds each of them.

    Raises:
        SequenceError: there is no such file.
        MaskError: a frame has no mask.
    """
    if spec is None:
        return None
    mask = Sequence.find(spec)
    absent = [] if Path(spec).is_file() else sorted(set(frames) - set(mask.frames))
    if absent:
        raise MaskError(
            f"{option} {mask.pattern} has no mask for frame {absent[0]}; add it, or give one file for all frames."
        )
    return mask


def refuse_existing(outputs: Iterable[Sequence | None], *, overwrite: bool) -> None:
    """Two outputs in one file, or a file that exists, are found before anything is written.

    Raises:
        OutputError: names the file.
    """
    seen: set[Path] = set()
    for output in outputs:
        for frame in output.frames if output is not None else ():
            path = output.path(frame) if output is not None else Path()
            if path.resolve() in seen:
                raise OutputError(f"{path} would be written twice; give each output its own name.")
            seen.add(path.resolve())
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists; add --overwrite to replace it.")


def ranges(frames: Iterable[int]) -> str:
    """Sorted frame numbers as `--frames` takes them: `1001-1003,1005`."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
