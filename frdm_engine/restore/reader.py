"""Reads plates ahead of the device: pixels in model encoding, and the shots they belong to.

What is held is the window, one frame more on each side to judge cuts by, and a few frames ahead: host memory grows
with the frame, never with the sequence (C3). Frames behind the one in hand are pictures alone, or a small frame.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from frdm_engine.errors import PlateError
from frdm_engine.plates import (
    ColourSpace,
    Plate,
    Sequence,
    Shots,
    is_cut,
    read_plate,
    small_frame,
)
from frdm_engine.restore.ledger import fingerprint
from frdm_engine.restore.patience import Patience
from frdm_engine.restore.window import Picture

AHEAD = 2
"""Frames read while the device works ..."""
AHEAD_BYTES = 384 * 2**20
"""... as many as these hold, but at least one."""
READERS = 2
"""Frames read side by side: a job begins with a whole window of them, and nothing else to do."""


@dataclass(frozen=True)
class Frame:
    """A frame in hand. ``pictures``: each view (H, W, 3) in model encoding; ``usable``: where all values are finite,
    None where that is everywhere; ``mark``: what its file was known by before it was read. Frames that were walked past
    have lost their ``plate``, and those that only tell whether there is a cut their ``pictures``."""

    plate: Plate | None
    pictures: dict[str, Picture]
    usable: dict[str, npt.NDArray[np.bool_] | None]
    small: npt.NDArray[np.float32]
    mark: list[Any] | None

    @property
    def bytes(self) -> int:
        """About what it takes of the host's memory."""
        planes = () if self.plate is None else (plane for part in self.plate.parts for plane in part.planes)
        return sum(array.nbytes for array in (*planes, *self.pictures.values()))


class Reader:
    """Frames of one sequence, by number, each read once while the window passes over it."""

    def __init__(
        self,
        source: Sequence,
        *,
        space: ColourSpace,
        layer: str | None,
        reach: int,
        size: dict[str, tuple[int, int]],
        shots: Shots | None,
        patience: Patience | None = None,
        tolerant: bool = False,
    ) -> None:
        self.source, self.space, self.layer, self.reach = source, space, layer, reach
        self.size, self.shots = size, shots
        self.patience, self.tolerant = patience or Patience(), tolerant
        self.lost: dict[int, PlateError] = {}
        """Frames that cannot be read, where that is to be borne: for the others they are as if they were not there."""
        self._pool = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="frdm-read")
        self._held: dict[int, Future[Frame]] = {}
        self._cuts: dict[int, bool] = {}

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def release(self) -> None:
        """Lets go of every frame in hand; the cuts found stay known."""
        self._held.clear()

    def hand_over(self) -> dict[int, Frame]:
        """The frames in hand that have pictures, once nothing is being read any more."""
        read = (held for held in self._held.items() if held[1].done() and not held[1].cancelled())
        frames = {number: held.result() for number, held in read if held.exception() is None}
        return {number: frame for number, frame in frames.items() if frame.pictures}

    def take_over(self, frames: Mapping[int, Frame], *, around: int) -> frozenset[int]:
        """Takes those of another reader's frames that the window of one needs and whose files are still the same;
        returns which."""
        taken: dict[int, Frame] = {}
        for number in self.near(around, self.reach + 1):
            frame = frames.get(number)
            if frame is not None and frame.mark is not None and frame.mark == _mark(self.source.path(number)):
                taken[number] = frame
        self._held |= {number: _at_hand(frame) for number, frame in taken.items()}
        return frozenset(taken)

    def mark(self, frame: int) -> list[Any] | None:
        """What the file of a frame in hand was known by before it was read; None of one that has not been read."""
        held = self._held.get(frame)
        if held is None or not held.done() or held.cancelled() or held.exception() is not None:
            return None
        return held.result().mark

    def near(self, frame: int, reach: int) -> tuple[int, ...]:
        """Frames of the sequence at most ``reach`` away."""
        frames = self.source.frames
        found = frames[bisect_left(frames, frame - reach) : bisect_right(frames, frame + reach)]
        return tuple(number for number in found if number not in self.lost) if self.lost else found

    def get(self, frame: int) -> Frame:
        """The frame, read now if nobody asked before.

        Raises:
            PlateError: it cannot be read, or differs in size from the first one.
        """
        self._begin(frame)
        try:
            return self._held[frame].result()
        except PlateError as error:
            if self.tolerant:
                self.lost[frame] = error
            raise

    def _begin(self, frame: int) -> None:
        """Has a frame read that is not in hand."""
        if frame not in self._held:
            self._held[frame] = self._pool.submit(self._read, frame)

    def window(self, frame: int, *, upcoming: tuple[int, ...] = ()) -> dict[int, Frame]:
        """The frame and its neighbours within reach and its shot; ``upcoming`` frames are read ahead.

        Raises:
            PlateError: the frame cannot be read, or a neighbour, unless that is to be borne.
        """
        while True:
            lost = len(self.lost)
            if frame in self.lost:
                raise self.lost[frame]
            try:
                return self._window(frame, upcoming)
            except PlateError:
                if len(self.lost) == lost:
                    raise

    def _window(self, frame: int, upcoming: tuple[int, ...]) -> dict[int, Frame]:
        reach = self.reach if self.shots is not None else self.reach + 1
        near = self.near(frame, reach)
        for number in [n for n in self._held if n < near[0]]:
            del self._held[number]
        self._shed(frame)
        for number in near:
            self._begin(number)
        size = self.get(frame).bytes
        for number in upcoming[: max(AHEAD_BYTES // size, 1)]:
            for other in self.near(number, reach):
                if other > frame:
                    self._begin(other)
        members = {frame}
        for direction in (-1, 1):
            beside = [n for n in self.near(frame, self.reach) if (n - frame) * direction > 0]
            here = frame
            for number in beside[::direction]:
                if self._cut(min(here, number), max(here, number)):
                    break
                members.add(number)
                here = number
        return {number: self.get(number) for number in sorted(members)}

    def _shed(self, frame: int) -> None:
        """Takes their plates from frames before ``frame``, and their pictures from those that are out of its reach.

        What lacks something that is needed now, as it was walked past before, is let go, to be read again.
        """
        for number, held in list(self._held.items()):
            if not held.done() or held.cancelled() or held.exception() is not None:
                continue
            known = held.result()
            past = number < frame - self.reach
            if (number == frame and known.plate is None) or (not past and not known.pictures):
                del self._held[number]
            elif (number < frame and known.plate is not None) or (past and known.pictures):
                self._held[number] = _at_hand(replace(known, plate=None, pictures={} if past else known.pictures))

    def _cut(self, last: int, first: int) -> bool:
        """Whether a cut lies between two consecutive frames, from them and one more on each side (C7)."""
        if self.shots is not None:
            return self.shots.shot_of(last) != self.shots.shot_of(first)
        if first not in self._cuts:
            earlier, later = self._beside(last, -1), self._beside(first, 1)
            before = None if earlier is None else self.get(earlier).small
            after = None if later is None else self.get(later).small
            self._cuts[first] = is_cut(self.get(last).small, self.get(first).small, before=before, after=after)
        return self._cuts[first]

    def _beside(self, frame: int, step: int) -> int | None:
        """The next frame there is in a direction."""
        frames = self.source.frames
        at = bisect_left(frames, frame) + step
        while 0 <= at < len(frames) and frames[at] in self.lost:
            at += step
        return frames[at] if 0 <= at < len(frames) else None

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of the shots found so far."""
        return tuple(sorted(frame for frame, cut in self._cuts.items() if cut))

    def _read(self, frame: int) -> Frame:
        path = self.source.path(frame)
        mark, plate = self.patience.read(path, lambda: (_mark(path), read_plate(path, frame=frame, layer=self.layer)))
        for view in plate.views:
            height, width = plate.size(view)
            wanted = self.size.get(view)
            if (height, width) != wanted:
                known = f"{wanted[1]} x {wanted[0]}" if wanted else "without that view"
                raise PlateError(
                    f"{plate.path} is {width} x {height} pixels{f' in view {view}' if view else ''} and the first "
                    f"frame is {known}; restore frames of one size at a time."
                )
        pictures = {view: plate.encoded(self.space, view) for view in plate.views}
        usable = {view: plate.usable(view) for view in plate.views}
        return Frame(plate, pictures, usable, small_frame(next(iter(pictures.values()))), mark)


def _mark(path: Path) -> list[Any] | None:
    """What a file is known by; None where there is none, which whoever reads it will tell."""
    try:
        return fingerprint(path)
    except OSError:
        return None


def _at_hand(frame: Frame) -> Future[Frame]:
    made: Future[Frame] = Future()
    made.set_result(frame)
    return made
