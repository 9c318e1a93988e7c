"""Looking again: which results are there, and which of them are stale."""

from __future__ import annotations

import contextlib
import threading
from typing import Dict

import nuke

from frdm_nuke import settings, shown
from frdm_nuke.dispatch import Direct, Interface
from frdm_nuke.errors import HostError, StoppedError
from frdm_nuke.progress import Progress
from frdm_nuke.requests import queue
from frdm_nuke.restoration import Restoration

ERROR = "error: "
_looking: Dict[str, bool] = {}
"""Nodes that are looked at just now, and whether once more after that: something has changed meanwhile."""


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
    wish, identity = settings.read(node), str(node[settings.ID_KNOB].value())
    if not nuke.GUI:
        restoration = Restoration(node, wish, Direct(), _Silent())
        restoration.look()
        _put(node, identity, queue.turn(identity), restoration, restoration.summary(), False)
        return
    if identity in _looking:
        _looking[identity] = True
        return
    _looking[identity] = False
    turn = queue.turn(identity)
    threading.Thread(target=_run, args=(node, identity, wish, turn, keep_error), name="frdm-look", daemon=True).start()


def _run(node: nuke.Node, identity: str, wish: settings.Wish, turn: int, keep_error: bool) -> None:
    main = Interface()
    restoration = Restoration(node, wish, main, _Silent())
    # ValueError: the node was deleted meanwhile. StoppedError: Nuke is closing.
    with contextlib.suppress(ValueError, StoppedError):
        try:
            restoration.look()
            sentence = restoration.summary()
        except StoppedError:
            raise
        except HostError as error:
            sentence = f"{ERROR}{error}"
        main.call(_put, node, identity, turn, restoration, sentence, keep_error)
        main.call(_end, node, identity)
    _looking.pop(identity, None)


def _put(node: nuke.Node, identity: str, turn: int, restoration: Restoration, sentence: str, keep_error: bool) -> None:
    """Shows what was seen, unless a restoration has been asked for since: that one knows better."""
    if queue.turn(identity) != turn or queue.is_busy(identity):
        return
    restoration.refresh()
    if not (keep_error and str(node["status"].value()).startswith(ERROR)):
        shown.say(node, sentence)


def _end(node: nuke.Node, identity: str) -> None:
    if _looking.pop(identity, False):
        try:
            look_again(node)
        except HostError as error:  # settings that cannot be, since the last look
            shown.say(node, f"{ERROR}{error}")
