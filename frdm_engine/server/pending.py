"""What must be written in order, though the journal may be out of room for a while."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from frdm_engine.errors import JournalError

log = logging.getLogger("frdm.engine")


class Pending:
    """Actions done at once and in order; one that the journal refuses stays at the front until `retry` succeeds.

    An action may add others, which come after all that wait. Not thread-safe.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._stalled = False

    def __len__(self) -> int:
        """How many actions wait; 0 while the journal can be written."""
        return len(self._waiting)

    def do(self, action: Callable[[], None]) -> None:
        """Does it, after what waits."""
        self._waiting.append(action)
        if len(self._waiting) == 1:
            self.retry()

    def retry(self) -> None:
        """Does what waits, as far as the journal can be written."""
        while self._waiting:
            try:
                self._waiting[0]()
            except JournalError as error:
                if not self._stalled:
                    log.error("%s Nothing new begins until then.", error)
                self._stalled = True
                return
            self._waiting.popleft()
        if self._stalled:
            log.info("the journal can be written again")
        self._stalled = False
