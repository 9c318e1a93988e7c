"""A frame's rows, some at a time: what is made on the way stays small, and in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

BAND = 64


def bands(height: int) -> Iterator[slice]:
    """Rows from the first to the last, ``BAND`` at a time."""
    for top in range(0, height, BAND):
        yield slice(top, min(top + BAND, height))
