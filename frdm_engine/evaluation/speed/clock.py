"""Timing by turns: all that is compared is timed in one round after the other, so that a busy minute hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch

from frdm_engine.evaluation.speed.cases import Case

Go = Callable[[], dict[str, Any] | None]
"""Does the work once; what it returns is kept as facts."""


@dataclass(frozen=True)
class Work:
    """Something to be timed. ``ready`` makes all that is not timed and gives the call that is.

    ``frames``: how many frames one call does; ``warm``: whether a first call goes untimed.
    """

    what: str
    case: Case
    ready: Callable[[], AbstractContextManager[Go]]
    frames: int = 1
    warm: bool = False


@dataclass(frozen=True)
class Measured:
    """Seconds for a frame, one entry a round, and what else is known of it."""

    what: str
    case: Case
    seconds: tuple[float, ...]
    frames: int = 1
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds for a frame."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """From the shortest to the longest, over the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median

    def over(self, other: Measured) -> Ratio:
        """How many times longer this takes, round by round."""
        return Ratio(tuple(a / b for a, b in zip(self.seconds, other.seconds, strict=False)))

    def plain(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return {
            "what": self.what,
            **self.case.plain(),
            "frames": self.frames,
            "seconds_a_frame": [round(one, 6) for one in self.seconds],
            "median": round(self.median, 6),
            "spread": round(self.spread, 4),
            **self.facts,
        }


@dataclass(frozen=True)
class Ratio:
    """A ratio as each round gave it."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rounds)

    def times(self, factor: float) -> Ratio:
        """The same, scaled."""
        return Ratio(tuple(factor * one for one in self.rounds))

    def words(self) -> str:
        """Median, and from where to where the rounds went."""
        if len(self.rounds) == 1:
            return f"{self.median:.3f} (one round)"
        return f"{self.median:.3f} ({min(self.rounds):.3f} to {max(self.rounds):.3f})"


def measure(
    works: Sequence[Work],
    *,
    rounds: int,
    on_done: Callable[[Work, float], None] = lambda work, seconds: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Measured]:
    """Times every work once a round; what was not timed even once before a ``stop`` is left out."""
    taken: list[list[float]] = [[] for _ in works]
    facts: list[dict[str, Any]] = [{} for _ in works]
    for turn in range(rounds):
        for index, work in enumerate(works):
            if stop():
                break
            with work.ready() as go:
                if work.warm and turn == 0:
                    go()
                settle()
                began = time.perf_counter()
                told = go()
                settle()
                seconds = (time.perf_counter() - began) / work.frames
            taken[index].append(seconds)
            facts[index] |= told or {}
            on_done(work, seconds)
    return [
        Measured(work.what, work.case, tuple(seconds), work.frames, told)
        for work, seconds, told in zip(works, taken, facts, strict=True)
        if seconds
    ]


def settle() -> None:
    """Waits until a GPU has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
