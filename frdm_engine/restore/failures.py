"""Frames that a walk passes over: which, why, and when it is no longer the frames that are at fault."""

from __future__ import annotations

from collections.abc import Callable

from frdm_engine.errors import FrdmError, GaveUpError

GIVE_UP = 20
"""Frames that fail one after the other before a walk is given up: what fails then is not the frame."""


class Failures:
    """What a walk calls with each frame that fails; `tell` hears of it as well. Say `whole` for each that does not."""

    def __init__(self, tell: Callable[[int, FrdmError], None]) -> None:
        self.frames: dict[int, FrdmError] = {}
        self._tell, self._in_a_row = tell, 0

    def __call__(self, frame: int, error: FrdmError) -> None:
        """Sets a frame aside.

        Raises:
            GaveUpError: too many have failed one after the other.
        """
        self.frames[frame] = error
        self._tell(frame, error)
        self._in_a_row += 1
        if self._in_a_row >= GIVE_UP:
            raise GaveUpError(f"{GIVE_UP} frames one after the other could not be done, the last one so: {error}")

    def whole(self) -> None:
        """A frame is done."""
        self._in_a_row = 0
