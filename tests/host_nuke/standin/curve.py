"""Animation curves: keys in time, and their text, `curve K x0 0 x1 1`."""

from __future__ import annotations

import bisect
import re
from typing import Dict, List, Tuple

Key = Tuple[float, str]
"""Value, and what follows it: K constant, L linear, or "" smooth, which the stand-in takes as linear."""


class Curve:
    """Keys by time; before the first its value, after the last its."""

    def __init__(self) -> None:
        self.keys: Dict[float, Key] = {}

    def at(self, time: float) -> float:
        """The value at a time; with no keys, 0."""
        times = sorted(self.keys)
        if not times:
            return 0.0
        index = bisect.bisect_right(times, time) - 1
        if index < 0:
            return self.keys[times[0]][0]
        value, kind = self.keys[times[index]]
        if kind == "K" or index + 1 == len(times):
            return value
        after = times[index + 1]
        share = (time - times[index]) / (after - times[index])
        return value + share * (self.keys[after][0] - value)

    def copy(self) -> Curve:
        """One with the same keys."""
        made = Curve()
        made.keys = dict(self.keys)
        return made

    @staticmethod
    def parse(text: str) -> Curve:
        """Reads `curve K x0 0 x1 1`; a value without its x comes one step after the last.

        Raises:
            ValueError: that is no curve.
        """
        made, kind, step, time = Curve(), "", 1.0, 0.0
        known = False
        for word in text.split()[1:]:
            if re.fullmatch(r"[KLCRHk]|[ilIr]", word):
                kind = {"k": "K"}.get(word, word) if word in "KLk" else ""
            elif re.match(r"x-?[\d.]", word):
                now = float(word[1:])
                step, time, known = (now - time if made.keys else 1.0), now, True
            elif re.match(r"[st]-?[\d.]", word):
                continue  # slopes
            else:
                if not known and made.keys:
                    time += step
                made.keys[time] = (float(word), kind)
                known = False
        return made

    def text(self) -> str:
        """The text that parse() reads."""
        words, kind = ["curve"], ""
        for time in sorted(self.keys):
            value, own = self.keys[time]
            if own != kind:
                words.append(own or "C")
                kind = own
            words += [f"x{number(time)}", number(value)]
        return " ".join(words)


def number(value: float) -> str:
    """A number as scripts hold it."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.9g}"


def numbers(values: List[float]) -> str:
    """Several: in braces, as arrays are saved."""
    return " ".join(number(one) for one in values)
