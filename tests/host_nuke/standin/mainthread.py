"""Nuke's rule of threads: nodes and knobs are changed in the main thread, or it crashes sooner or later.

The stand-in crashes at once, by an exception that no `except Exception` takes for an ordinary error, and notes it in
`session.violations`, so that a test sees it whatever became of the thread.
"""

from __future__ import annotations

import threading

from tests.host_nuke.standin import state


class NukeCrash(BaseException):
    """Real Nuke would have crashed or hung."""


def is_main() -> bool:
    """Whether this is Nuke's main thread."""
    return threading.current_thread() is state.now().main


def check(what: str) -> None:
    """To be called by all that changes, renders or shows something.

    Raises:
        NukeCrash: this is another thread.
    """
    if not is_main():
        crash(f"{what} in thread {threading.current_thread().name}: only Nuke's main thread may.")


def crash(sentence: str) -> None:
    """Notes it and ends what runs."""
    state.now().violations.append(sentence)
    raise NukeCrash(sentence)
