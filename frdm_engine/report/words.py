"""Figures as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from frdm_engine.plates.choosing import ranges

MOST_RUNS = 20
"""Runs of frames that are written out."""


def percent(share: float) -> str:
    """A share of 1: few digits, but never 0 for what is more than 0, nor 100 for what is less."""
    if 0 < share < 0.00005:
        return "under 0.01 %"
    if 0.99995 <= share < 1:
        return "over 99.99 %"
    if share in {0, 1}:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2f} %" if share < 0.1 or share >= 0.999 else f"{100 * share:.1f} %"


def count(number: int, thing: str) -> str:
    """`1 frame`, `2 frames`, `10,000 frames`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """A short time: `0.42 s`, `12.3 s`."""
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def duration(value: float) -> str:
    """A long time: `48 s`, `12 min 5 s`, `3 h 20 min`."""
    whole = round(value)
    if whole < 60:
        return seconds(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def some(frames: Sequence[int]) -> str:
    """Frames as `--frames` takes them; of many scattered ones the first."""
    runs = ranges(frames).split(",")
    return ", ".join(runs) if len(runs) <= MOST_RUNS else f"{', '.join(runs[:MOST_RUNS])} and more"


def moment(said: object) -> str | None:
    """An ISO 8601 time: `24 November 2026, 21:10 UTC`; what is no such time stands as it is."""
    if said is None:
        return None
    try:
        when = datetime.fromisoformat(str(said))
    except ValueError:
        return str(said)
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()
