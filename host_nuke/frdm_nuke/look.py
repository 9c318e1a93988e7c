"""Looking again: which results are there, and which of them are stale."""

from __future__ import annotations

import contextlib
import threading
from typing import Dict, Optional, Tuple

import nuke

from frdm_nuke import settings, shown
from frdm_nuke.dispatch import Direct, Interface
from frdm_nuke.errors import HostError, StoppedError
from frdm_nuke.progress import Progress
from frdm_nuke.requests import queue
from frdm_nuke.restoration import Restoration

ERROR = "error: "
TOLD = (ERROR, "cancelled: ")
"""What the artist is to read, before anything else is told."""
Again = Optional[Tuple[bool, int]]
_looking: Dict[str, Again] = {}
"""Nodes that are looked at just now; and how to look once more after that, where something has changed meanwhile."""


class _Silent(Progress):
    def tell(self, text: str, done: int, total: int) -> None:
        """See Progress."""

    def cancelled(self) -> bool:
        """See Progress."""
        return False


def look_again(node: nuke.Node, *, keep_error: bool = False) -> None:
    """Has the node show what its cache holds, and tells how many frames are stale. At once in the terminal.

    In the interface it happens in a thread. With ``keep_error`` an error that the node tells stays to be read.

    Raises:
        SetupError, CacheError: in the terminal, and for settings; others are told at the node.
    """
    identity = str(node[settings.ID_KNOB].value())
    _begin(node, identity, keep_error, queue.turn(identity))


def _begin(node: nuke.Node, identity: str, keep_error: bool, turn: int) -> None:
    wish = settings.read(node)
    if not nuke.GUI:
        restoration = Restoration(node, wish, Direct(), _Silent())
        restoration.look()
        _put(node, identity, turn, restoration, restoration.summary(), keep_error)
        return
    if identity in _looking:
        earlier = _looking[identity]
        _looking[identity] = (keep_error and (earlier is None or earlier[0]), turn)
        return
    _looking[identity] = None
    threading.Thread(target=_run, args=(node, identity, wish, turn, keep_error), name="frdm-look", daemon=True).start()


def _run(node: nuke.Node, identity: str, wish: settings.Wish, turn: int, keep_error: bool) -> None:
    main = Interface()
    restoration = Restoration(node, wish, main, _Silent())
    try:
        try:
            restoration.look()
            sentence = restoration.summary()
        except StoppedError:
            raise
        except HostError as error:
            sentence = f"{ERROR}{error}"
        main.call(_put, node, identity, turn, restoration, sentence, keep_error)
        main.call(_end, node, identity)
    except (ValueError, StoppedError):
        _looking.pop(identity, None)  # the node was deleted meanwhile, or Nuke is closing


def _put(node: nuke.Node, identity: str, turn: int, restoration: Restoration, sentence: str, keep_error: bool) -> None:
    """Shows what was seen, unless a restoration was asked for since the change: that one knows better."""
    if queue.after(identity, lambda: _begin_again(node, identity)) or queue.turn(identity) != turn:
        return
    restoration.refresh()
    if not (keep_error and str(node["status"].value()).startswith(TOLD)):
        shown.say(node, sentence)


def _end(node: nuke.Node, identity: str) -> None:
    again = _looking.pop(identity, None)
    if again is not None:
        _begin_or_say(node, identity, *again)


def _begin_again(node: nuke.Node, identity: str) -> None:
    """Something was changed during a restoration, which did not know of it."""
    with contextlib.suppress(ValueError):  # the node was deleted meanwhile
        _begin_or_say(node, identity, True, queue.turn(identity))


def _begin_or_say(node: nuke.Node, identity: str, keep_error: bool, turn: int) -> None:
    try:
        _begin(node, identity, keep_error, turn)
    except HostError as error:  # settings that cannot be, since the last look
        shown.say(node, f"{ERROR}{error}")
