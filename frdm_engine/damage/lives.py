"""What begins at some frame, lives a while and ends: found for any frame without playing those before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from frdm_engine.damage.drawing import Rng, log_between, log_mean, stream

T = TypeVar("T")

#: Lives begin in slots of this many frames, each with a random stream of its own.
SLOT = 32


@dataclass(frozen=True)
class Life(Generic[T]):
    """One thing, `what`, from frame `born` for `length` frames; `key` names its random streams."""

    key: tuple[int, int]
    born: int
    length: int
    what: T


class Lives(Generic[T]):
    """All that lives in one shot: `alive` of them at any time on average, each for a log-uniform span of frames."""

    def __init__(
        self, seed: int, key: int, *, alive: float, span: tuple[float, float], make: Callable[[Rng], T]
    ) -> None:
        self._seed, self._key, self._span, self._make = seed, key, span, make
        self._births = alive / log_mean(span)
        self._slots: dict[int, list[Life[T]]] = {}

    def at(self, frame: int) -> list[Life[T]]:
        """Those alive in this frame, the eldest first."""
        if not self._births:
            return []
        first = (frame - int(self._span[1])) // SLOT
        lives = [life for slot in range(first, frame // SLOT + 1) for life in self._slot(slot)]
        return [life for life in lives if life.born <= frame < life.born + life.length]

    def _slot(self, slot: int) -> list[Life[T]]:
        lives = self._slots.get(slot)
        if lives is None:
            rng = stream(self._seed, self._key, slot)
            lives = self._slots[slot] = []
            for number in range(int(rng.poisson(self._births * SLOT))):
                born, length = slot * SLOT + int(rng.integers(SLOT)), int(log_between(rng, self._span))
                lives.append(Life((slot, number), born, length, self._make(rng)))
        return lives
