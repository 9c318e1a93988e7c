"""What all of Resolve's objects have in common: names that are always there, and calls that may come to nothing.

Measured in the field: hasattr() is True for every name and getattr() gives None where there is none; dir() alone tells.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, List, TypeVar, cast

from tests.host_resolve.standin import state

Method = TypeVar("Method", bound=Callable[..., Any])
KEYWORDS = {"isInteractiveMode"}
"""The one argument that scripts in the field give by name; elsewhere the stand-in takes none: nothing documents it."""


class Remote:
    """An object of Resolve. What it stands for may be gone, and then its calls come to nothing."""

    def __init__(self) -> None:
        self._session = state.now()
        self._id = self._session.new_id()
        self._alive = True

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and f"{type(self).__name__}.{name}" in self._session.options.lacking:
            return None
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __dir__(self) -> List[str]:
        lacking = self._session.options.lacking
        names = (name for name in object.__dir__(self) if not name.startswith("_"))
        return sorted(name for name in names if f"{type(self).__name__}.{name}" not in lacking)

    def _lost(self) -> bool:
        return not self._alive


def call(method: Method) -> Method:
    """Marks what scripts may call. It fails where Resolve is gone, a modal waits, or the object is deleted."""

    @functools.wraps(method)
    def called(self: Remote, *args: Any, **named: Any) -> Any:
        session = self._session
        session.happen(f"{type(self).__name__}.{method.__name__}")
        nothing = False if method.__annotations__.get("return") == "bool" else None
        strange = set(named) - KEYWORDS
        if strange:
            raise TypeError(f"{method.__name__} takes no arguments by name: {sorted(strange)}")
        if not session.running or self._lost() or (session.modal and not session.quiet):
            return nothing
        return method(self, *args, **named)

    return cast(Method, called)
