"""Looking again: which results are there, and which of them are stale."""

from __future__ import annotations

import threading
from typing import Set

import nuke

from frdm_nuke import settings, shown
from frdm_nuke.dispatch import Direct, Interface, MainThread
from frdm_nuke.errors import HostError, StoppedError
from frdm_nuke.progress import Progress
from frdm_nuke.requests import queue
from frdm_nuke.restoration import Restoration

_looking: Set[str] = set()


class _Silent(Progress):
    def tell(self, text: str, done: int, total: int) -> None:
        """See Progress."""

    def cancelled(self) -> bool:
        """See Progress."""
        return False


def look_again(node: nuke.Node) -> None:
    """Has the node show what its cache holds, and tells how many frames are stale. At once in the terminal.

    Raises:
        SetupError, CacheError: in the terminal; in the interface they are told at the node.
    """
    wish, identity = settings.read(node), str(node[settings.ID_KNOB].value())
    if not nuke.GUI:
        _look(node, wish, Direct())
        return
    if identity in _looking or queue.is_busy(identity):
        return  # it will show what is there anyway
    _looking.add(identity)

    def run() -> None:
        main = Interface()
        try:
            _look(node, wish, main)
        except StoppedError:
            pass
        except HostError as error:
            main.call(shown.say, node, f"error: {error}")
        except ValueError:
            pass  # the node was deleted meanwhile
        finally:
            _looking.discard(identity)

    threading.Thread(target=run, name="frdm-look", daemon=True).start()


def _look(node: nuke.Node, wish: settings.Wish, main: MainThread) -> None:
    restoration = Restoration(node, wish, main, _Silent())
    restoration.look()
    restoration.refresh()
    sentence = restoration.summary()
    main.call(shown.say, node, sentence)
