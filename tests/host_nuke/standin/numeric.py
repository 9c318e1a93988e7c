"""The knobs made of arrays: numbers, marks, choices, places, colours."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from tests.host_nuke.standin import mainthread, tcl
from tests.host_nuke.standin.arrays import Array_Knob, Part


class Double_Knob(Array_Knob):
    """A number."""

    NUMBER = 7


class Unsigned_Knob(Array_Knob):
    """A whole number."""

    WHOLE = True

    def value(self, *_: Any, **__: Any) -> Any:
        """The number."""
        return int(self.getValue(0))


class Int_Knob(Array_Knob):
    """A whole number."""

    NUMBER = 3
    WHOLE = True

    def value(self, *_: Any, **__: Any) -> int:
        """The number, an int; getValue() gives a float."""
        return int(self.getValue(0))


class Boolean_Knob(Array_Knob):
    """A mark to be set. It starts no line unless told."""

    NUMBER = 6
    WHOLE = True
    STARTS_LINE = False

    def __init__(self, name: str = "", label: Optional[str] = None, value: bool = False, *_: Any) -> None:
        super().__init__(name, label)
        self._parts[0].value = float(bool(value))

    def value(self, *_: Any, **__: Any) -> bool:
        """Whether it is set; getValue() gives 0.0 or 1.0."""
        return bool(self.getValue(0))

    def _text_value(self) -> str:
        return "true" if self.value() else "false"

    def _number(self, value: Any) -> float:
        return float(bool(value))

    def _word(self, part: Part) -> str:
        word = super()._word(part)
        return {"0": "false", "1": "true"}.get(word, word)

    def _from_word(self, word: str) -> float:
        return {"true": 1.0, "false": 0.0}[word] if word in ("true", "false") else float(bool(float(word)))


class Disable_Knob(Boolean_Knob):
    """Switches a node off."""


class Enumeration_Knob(Unsigned_Knob):
    """One of several choices: value() is its text, getValue() its number, which expressions see too."""

    NUMBER = 4

    def __init__(self, name: str = "", label: Optional[str] = None, values: Any = (), *_: Any) -> None:
        super().__init__(name, label)
        self._choices: List[str] = [str(one) for one in values]

    def value(self, *_: Any, **__: Any) -> Any:
        """Text of the choice."""
        index = int(self.getValue(0))
        return self._choices[index] if 0 <= index < len(self._choices) else "0"

    def values(self) -> Any:
        """All choices."""
        return list(self._choices)

    def numValues(self) -> int:
        """How many."""
        return len(self._choices)

    def enumName(self, n: int) -> str:
        """Text of one."""
        return self._choices[n]

    def setValues(self, items: Any, *_: Any) -> None:
        """Other choices; the number stays."""
        mainthread.check(f"setValues of {self.fullyQualifiedName()}")
        self._choices = [str(one) for one in items]

    def _number(self, value: Any) -> float:
        if isinstance(value, str):
            if value in self._choices:
                return float(self._choices.index(value))
            if value.isdigit():
                return float(value)
            # What Nuke does is not documented for all versions: it must not pass in silence.
            raise TypeError(f"{self.fullyQualifiedName()}: {value!r} is none of {self._choices}")
        return float(int(value))

    def _word(self, part: Part) -> str:
        if part.expression or part.curve is not None:
            return super()._word(part)
        index = int(part.value)
        return tcl.quote(self._choices[index]) if 0 <= index < len(self._choices) else str(index)

    def toScript(self, quote: bool = False, context: Any = None, *_: Any) -> str:
        """Text of the choice."""
        return self._word(self._parts[0])

    def fromScript(self, script: str, *_: Any) -> bool:
        """Takes a choice by its text or its number."""
        word = script.strip()
        if word in self._choices:
            return bool(self.setValue(word))
        unquoted = tcl.split(word)
        if len(unquoted) == 1 and unquoted[0] in self._choices:
            return bool(self.setValue(unquoted[0]))
        return super().fromScript(script)

    def _text_value(self) -> str:
        return str(self.value())


class XY_Knob(Array_Knob):
    """A place."""

    NUMBER = 12
    NAMES = ("x", "y")


class WH_Knob(Array_Knob):
    """Width and height."""

    NUMBER = 14
    NAMES = ("w", "h")


class BBox_Knob(Array_Knob):
    """A box: left, bottom, right, top."""

    NUMBER = 15
    NAMES = ("x", "y", "r", "t")

    def x(self, *_: Any) -> float:
        """Left."""
        return self._number_value(self._now(), 0)

    def y(self, *_: Any) -> float:
        """Bottom."""
        return self._number_value(self._now(), 1)

    def r(self, *_: Any) -> float:
        """Right."""
        return self._number_value(self._now(), 2)

    def t(self, *_: Any) -> float:
        """Top."""
        return self._number_value(self._now(), 3)


class Color_Knob(Array_Knob):
    """Three numbers."""

    NUMBER = 18
    NAMES: Tuple[str, ...] = ("r", "g", "b")


class AColor_Knob(Color_Knob):
    """Four numbers."""

    NUMBER = 19
    NAMES = ("r", "g", "b", "a")


PARTS: Dict[str, int] = {name: index for kind in (XY_Knob, BBox_Knob) for index, name in enumerate(kind.NAMES)}
