"""Frame rates and timecode as Resolve writes them: 23.976 is 24000/1001, and drop frame skips names, not frames."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Union

_CODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d)")
_NTSC = (24, 30, 48, 60, 96, 120)


def rate(text: Union[str, float, int]) -> Fraction:
    """The true rate of what Resolve shows, in frames per second.

    Raises:
        ValueError: it is no rate.
    """
    value = float(str(text).replace("DF", "").strip())
    for whole in _NTSC:
        if abs(value - whole / 1.001) < 0.01:
            return Fraction(whole * 1000, 1001)
    if not 0 < value < 1000:
        raise ValueError(f"{text!r} is no frame rate")
    return Fraction(value).limit_denominator(1000)


def shown(exact: Fraction) -> str:
    """The rate as Resolve's properties have it: 24, 23.976."""
    return f"{round(float(exact), 3):g}"


def frames(code: str, exact: Fraction) -> int:
    """The frame of a timecode, counted from midnight; `;` before the frame means drop frame.

    Raises:
        ValueError: it is no timecode.
    """
    match = _CODE.fullmatch(code.strip())
    if match is None:
        raise ValueError(f"{code!r} is no timecode")
    hours, minutes, seconds, number = int(match[1]), int(match[2]), int(match[3]), int(match[5])
    second = round(exact)
    total = ((hours * 60 + minutes) * 60 + seconds) * second + number
    if match[4] == ";":
        passed = hours * 60 + minutes
        total -= second // 15 * (passed - passed // 10)
    return total


def code(frame: int, exact: Fraction, *, drop: bool = False) -> str:
    """The timecode of a frame, counted from midnight."""
    second = round(exact)
    if drop:
        skipped = second // 15
        minute = second * 60 - skipped
        tens, rest = divmod(frame, minute * 10 + skipped)
        frame += skipped * 9 * tens
        if rest >= second * 60:
            frame += skipped * (1 + (rest - second * 60) // minute)
    seconds, number = divmod(frame, second)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}{';' if drop else ':'}{number:02d}"
