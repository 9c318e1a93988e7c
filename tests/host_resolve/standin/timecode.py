"""Frame rates and timecode: what Resolve writes as 23.976 is 24000/1001, and drop frame skips names, not frames."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Union

Rate = Union[str, float, int, Fraction]
_NTSC = (24, 30, 48, 60, 96, 120)


def exact(rate: Rate) -> Fraction:
    """The true rate of a name or number, frames per second: 23.976 and 29.97 are a thousandth slow."""
    if isinstance(rate, Fraction):
        return rate
    value = float(str(rate).replace("DF", "").strip())
    for whole in _NTSC:
        if abs(value - whole / 1.001) < 0.01:
            return Fraction(whole * 1000, 1001)
    return Fraction(value).limit_denominator(1000)


def named(rate: Rate) -> float:
    """The rate as Resolve's clip properties show it: 23.976, 24.0, 29.97."""
    return round(float(exact(rate)), 3)


def drops(rate: Rate) -> bool:
    """Whether the rate's name asks for drop frame."""
    return isinstance(rate, str) and "DF" in rate


def base(rate: Rate) -> int:
    """Frames that one second of timecode counts."""
    return round(exact(rate))


def to_frames(timecode: str, rate: Rate) -> int:
    """The frame of a timecode, counted from 00:00:00:00.

    Raises:
        ValueError: it is no timecode, or its frame is none of the rate's.
    """
    parts = re.match(r"^(\d\d):(\d\d):(\d\d)[:;](\d\d)$", timecode)
    if not parts:
        raise ValueError(f"{timecode!r} is no timecode")
    hours, minutes, seconds, frames = map(int, parts.groups())
    second = base(rate)
    if minutes > 59 or seconds > 59 or frames >= second:
        raise ValueError(f"{timecode!r} is no timecode at {rate} frames per second")
    total = ((hours * 60 + minutes) * 60 + seconds) * second + frames
    if drops(rate):
        passed = hours * 60 + minutes
        total -= second // 15 * (passed - passed // 10)
    return total


def from_frames(frame: int, rate: Rate) -> str:
    """The timecode of a frame, counted from 00:00:00:00."""
    second = base(rate)
    if drops(rate):
        skipped = second // 15
        minute = second * 60 - skipped
        tens, rest = divmod(frame, minute * 10 + skipped)
        frame += skipped * 9 * tens
        if rest >= second * 60:
            frame += skipped * (1 + (rest - second * 60) // minute)
    seconds, frames = divmod(frame, second)
    mark = ";" if drops(rate) else ":"
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:02d}"
