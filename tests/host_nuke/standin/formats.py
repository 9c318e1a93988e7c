"""Formats: a size with its pixel aspect and a name, and the knob that holds one."""

from __future__ import annotations

import re
from typing import Any, List, Optional

from tests.host_nuke.standin import mainthread, state, tcl
from tests.host_nuke.standin.knobs import Knob

SHIPPED = ("2048 1556 0 0 2048 1556 1 2K_Super_35(full-ap)", "1920 1080 0 0 1920 1080 1 HD_1080")


class Format:
    """A size in pixels. `x y r t` is the part of it that holds the picture, all of it unless told."""

    def __init__(
        self, width: int = 640, height: int = 480, x: int = 0, y: int = 0, r: int = 0, t: int = 0, aspect: float = 1.0
    ) -> None:
        self._box = (width, height, x, y, r or width, t or height)
        self._aspect = aspect
        self._name = ""

    def width(self) -> int:
        """Pixels across."""
        return self._box[0]

    def height(self) -> int:
        """Pixels up."""
        return self._box[1]

    def x(self) -> int:
        """Left."""
        return self._box[2]

    def y(self) -> int:
        """Bottom."""
        return self._box[3]

    def r(self) -> int:
        """Right."""
        return self._box[4]

    def t(self) -> int:
        """Top."""
        return self._box[5]

    def pixelAspect(self) -> float:
        """Width of a pixel by its height."""
        return self._aspect

    def name(self) -> str:
        """Its name, or empty."""
        return self._name

    def setName(self, name: str) -> None:
        """Its name."""
        self._name = name

    def _text(self) -> str:
        """As a script holds it. (The stand-in's own.)"""
        numbers = " ".join(str(one) for one in self._box)
        return f"{numbers} {self._aspect:g} {self._name}".rstrip()

    def _scaled_by(self, scale: float) -> Format:
        """At a proxy scale. (The stand-in's own.)"""
        if scale == 1.0:
            return self
        w, h, x, y, r, t = (max(0, round(one * scale)) for one in self._box)
        made = Format(w, h, x, y, r, t, self._aspect)
        made._name = self._name
        return made

    def _same_size(self, other: Format) -> bool:
        """Whether both are of one size. (The stand-in's own.)"""
        return self._box == other._box and self._aspect == other._aspect


def parse(text: str) -> Format:
    """Reads `w h`, `w h aspect`, `w h x y r t aspect`, each with a name after it.

    Raises:
        ValueError: there is no size in it.
    """
    words = text.split()
    count = next((at for at, one in enumerate(words) if not re.fullmatch(r"-?\d+(\.\d+)?", one)), len(words))
    values = [float(one) for one in words[:count]]
    if len(values) >= 6:
        w, h, x, y, r, t = (int(one) for one in values[:6])
        made = Format(w, h, x, y, r, t, values[6] if len(values) > 6 else 1.0)
    elif len(values) >= 2:
        made = Format(int(values[0]), int(values[1]), aspect=values[2] if len(values) > 2 else 1.0)
    else:
        raise ValueError(f"{text!r} is no format")
    made.setName(" ".join(words[count:]))
    return made


def add(text: str) -> Format:
    """nuke.addFormat."""
    made = parse(text)
    state.now().formats[:] = [one for one in state.now().formats if one.name() != made.name() or not made.name()]
    state.now().formats.append(made)
    return made


def named(name: str) -> Optional[Format]:
    """A format by its name."""
    formats: List[Format] = state.now().formats
    return next((one for one in formats if one.name() == name), None)


class Format_Knob(Knob):
    """Holds a format; empty means the project's."""

    NUMBER = 17

    def __init__(self, name: str = "", label: Optional[str] = None, *_: Any) -> None:
        super().__init__(name, label)
        self._format: Optional[Format] = None

    def value(self, *_: Any, **__: Any) -> Format:
        """The format, or the project's where none is chosen."""
        if self._format is not None:
            return self._format
        root = state.now().root
        if root is not None and self._node is not root:
            found: Format = root["format"].value()
            return found
        return parse(SHIPPED[0])

    def actualValue(self, *_: Any) -> Format:
        """The same, without proxy scale."""
        return self.value()

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
        """Takes a Format, or the name of one.

        Raises:
            ValueError: none has this name.
        """
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        found = val if isinstance(val, Format) else named(str(val))
        if found is None:
            raise ValueError(f"{self.fullyQualifiedName()}: no format is named {val!r}")
        before, self._format = self._format, found
        self._changed(before)
        return True

    def _number_value(self, frame: float, index: int = 0) -> float:
        found = self.value()
        return float((found.width(), found.height())[index])

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        """Its size and name, in quotes."""
        return "" if self._format is None else tcl.quote(self._format._text())

    def fromScript(self, script: str, *_: Any) -> bool:
        """Reads it."""
        mainthread.check(f"fromScript of {self.fullyQualifiedName()}")
        before = self._format
        text = script.strip().strip('"')
        self._format = (named(text) or parse(text)) if text else None
        self._changed(before)
        return True

    def _not_default(self) -> bool:
        """Whether one is chosen."""
        return self._format is not None

    def _state(self) -> Any:
        return self._format

    def _restore(self, kept: Any) -> None:
        self._format = kept
