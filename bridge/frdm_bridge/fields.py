"""What a field of a message may hold: kinds that check a value, and say in words what they take.

A message is a frozen dataclass whose every field names its kind: `field(metadata=of(Text(64), "what it means"))`.
The bounds are therefore data: the sender is checked by them when it builds a message, the receiver when it reads
one, and PROTOCOL.md's tables are held to them by a test.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from math import isfinite
from typing import Any, Dict, Mapping, Optional, Tuple

from frdm_bridge.errors import MessageError

KIND, ABOUT = "frdm_kind", "frdm_about"


@dataclass(frozen=True)
class Kind(ABC):
    """What a field may hold."""

    @abstractmethod
    def check(self, value: Any, where: str) -> Any:
        """The value, lists as tuples.

        Raises:
            MessageError: it is not of this kind; `where` names the field.
        """

    def read(self, plain: Any, where: str, *, lenient: bool) -> Any:
        """The value of what JSON holds. `lenient` passes over fields a newer minor version may have added."""
        del lenient
        return self.check(plain, where)

    def plain(self, value: Any) -> Any:
        """The value as JSON holds it."""
        return value

    @abstractmethod
    def words(self) -> str:
        """What it takes, as PROTOCOL.md says it."""

    def refuse(self, value: Any, where: str) -> MessageError:
        """The error for a value that is not of this kind."""
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return MessageError(f"{where} is {shown}; it must be {self.words()}.")


@dataclass(frozen=True)
class Text(Kind):
    """A string of `least` to `most` characters, none of them a control character unless `lines`."""

    most: int
    least: int = 0
    pattern: str = ""
    said: str = ""
    lines: bool = False

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, str) or not self.least <= len(value) <= self.most:
            raise self.refuse(value, where)
        allowed = "\n\t" if self.lines else ""
        # A lone surrogate cannot be written as UTF-8; a NUL ends a path early in C.
        if any((c < " " and c not in allowed) or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in value):
            raise self.refuse(value, where)
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise self.refuse(value, where)
        return value

    def words(self) -> str:
        size = f"{self.least} to {self.most}" if self.least else f"at most {self.most}"
        return self.said or f"text of {size} characters" + ("" if self.lines else " without control characters")


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise self.refuse(value, where)
        return value

    def words(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Number(Kind):
    """A finite number from `least` to `most`."""

    least: float
    most: float

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self.refuse(value, where)
        # Compared before it is converted: a huge integer has no float.
        if not self.least <= value <= self.most or not isfinite(value):
            raise self.refuse(value, where)
        return float(value)

    def words(self) -> str:
        return f"a number from {self.least:g} to {self.most:g}"


@dataclass(frozen=True)
class Flag(Kind):
    """true or false."""

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, bool):
            raise self.refuse(value, where)
        return value

    def words(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Choice(Kind):
    """One of some words."""

    names: Tuple[str, ...]

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, str) or value not in self.names:
            raise self.refuse(value, where)
        return value

    def words(self) -> str:
        return "one of " + ", ".join(self.names)


@dataclass(frozen=True)
class Listing(Kind):
    """`least` to `most` values of one kind, kept as a tuple."""

    of: Kind
    most: int
    least: int = 0

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, (list, tuple)) or not self.least <= len(value) <= self.most:
            raise self.refuse(value, where)
        return tuple(self.of.check(one, f"{where}[{index}]") for index, one in enumerate(value))

    def read(self, plain: Any, where: str, *, lenient: bool) -> Any:
        if not isinstance(plain, list) or not self.least <= len(plain) <= self.most:
            raise self.refuse(plain, where)
        return tuple(self.of.read(one, f"{where}[{index}]", lenient=lenient) for index, one in enumerate(plain))

    def plain(self, value: Any) -> Any:
        return [self.of.plain(one) for one in value]

    def words(self) -> str:
        return f"a list of {self.least} to {self.most}, each {self.of.words()}"


@dataclass(frozen=True)
class Record(Kind):
    """An object with the fields of a dataclass of this package."""

    shape: Any

    def check(self, value: Any, where: str) -> Any:
        if not isinstance(value, self.shape):
            raise self.refuse(value, where)
        return value

    def read(self, plain: Any, where: str, *, lenient: bool) -> Any:
        return read_record(self.shape, plain, where, lenient=lenient)

    def plain(self, value: Any) -> Any:
        return plain_record(value)

    def words(self) -> str:
        return f"a record {self.shape.__name__}"


@dataclass(frozen=True)
class Maybe(Kind):
    """A value of a kind, or null."""

    of: Kind

    def check(self, value: Any, where: str) -> Any:
        return None if value is None else self.of.check(value, where)

    def read(self, plain: Any, where: str, *, lenient: bool) -> Any:
        return None if plain is None else self.of.read(plain, where, lenient=lenient)

    def plain(self, value: Any) -> Any:
        return None if value is None else self.of.plain(value)

    def words(self) -> str:
        return f"null or {self.of.words()}"


def of(kind: Kind, about: str) -> Mapping[str, Any]:
    """The metadata of a dataclass field of this kind; `about` is its line in PROTOCOL.md."""
    return {KIND: kind, ABOUT: about}


class Checked:
    """Base of every record and message: built from values that its fields take, or not at all.

    Raises:
        MessageError: when built, naming the field and what it takes.
    """

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            where = f"{type(self).__name__}.{one.name}"
            object.__setattr__(self, one.name, one.metadata[KIND].check(getattr(self, one.name), where))


def plain_record(record: Any) -> Dict[str, Any]:
    """A record as JSON holds it, fields in the order of the class."""
    return {one.name: one.metadata[KIND].plain(getattr(record, one.name)) for one in fields(record)}


def read_record(shape: Any, plain: Any, where: Optional[str] = None, *, lenient: bool = False) -> Any:
    """A record of what JSON holds.

    Raises:
        MessageError: a field is missing, unknown or out of its bounds.
    """
    place = where or shape.__name__
    if not isinstance(plain, dict):
        raise MessageError(f"{place} is not an object; send one with the fields of {shape.__name__}.")
    known = {one.name: one for one in fields(shape)}
    stray = next((name for name in plain if name not in known), None)
    if stray is not None and not lenient:
        raise MessageError(f"{place} has a field {stray[:40]!r} that PROTOCOL.md does not know; leave it out.")
    required = [name for name, one in known.items() if one.default is MISSING]
    absent = [name for name in required if name not in plain]
    if absent:
        raise MessageError(f"{place} lacks the field {absent[0]!r}; send it.")
    values = {
        name: one.metadata[KIND].read(plain[name], f"{place}.{name}", lenient=lenient)
        for name, one in known.items()
        if name in plain
    }
    return shape(**values)
