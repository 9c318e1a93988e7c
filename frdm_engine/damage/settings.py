"""Settings as data: frozen dataclasses whose fields carry their own bounds, and their JSON form.

A field made with `number` is one float, one made with `span` a pair ``(low, high)`` to draw from.
"""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from frdm_engine.errors import SettingError

T = TypeVar("T")


def number(default: float, low: float, high: float) -> Any:
    """A float field bounded by `low` and `high`, both included."""
    return field(default=default, metadata={"bounds": (low, high), "count": 1})


def span(default: tuple[float, float], low: float, high: float) -> Any:
    """A field of two ascending floats, each within `low` and `high`, both included."""
    return field(default=default, metadata={"bounds": (low, high), "count": 2})


def check(settings: Any) -> None:
    """Hold every bounded field of a settings dataclass to its bounds.

    Raises:
        SettingError: a value is no number, out of bounds, or a span runs downwards.
    """
    for item in fields(settings):
        if "bounds" not in item.metadata:
            continue
        name = f"{type(settings).__name__}.{item.name}"
        value, (low, high) = getattr(settings, item.name), item.metadata["bounds"]
        values = (value,) if item.metadata["count"] == 1 else value
        if not isinstance(values, tuple) or len(values) != item.metadata["count"]:
            raise SettingError(f"{name} must be a pair of numbers (low, high), not {value!r}.")
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            raise SettingError(f"{name} must hold numbers, not {value!r}.")
        if any(not low <= v <= high for v in values):
            raise SettingError(f"{name} is {value!r} but must lie within {low:g} and {high:g}.")
        if values[0] > values[-1]:
            raise SettingError(f"{name} is {value!r} but must ascend.")


def to_plain(settings: Any) -> dict[str, Any]:
    """A settings dataclass as dictionaries, lists and numbers, ready for JSON."""
    plain: dict[str, Any] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if is_dataclass(value):
            value = to_plain(value)
        plain[item.name] = list(value) if isinstance(value, tuple) else value
    return plain


def from_plain(kind: type[T], plain: Any) -> T:
    """The inverse of `to_plain`; what is left out keeps its default.

    Raises:
        SettingError: a name is unknown or a value does not fit.
    """
    if not isinstance(plain, dict):
        raise SettingError(f"{kind.__name__} must be a JSON object, not {plain!r}.")
    hints = get_type_hints(kind)
    unknown = sorted(set(plain) - set(hints))
    if unknown:
        raise SettingError(f"{kind.__name__} has no setting called {unknown[0]!r}; it has {', '.join(hints)}.")
    values: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(hints[name], type) and is_dataclass(hints[name]):
            values[name] = from_plain(hints[name], value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
