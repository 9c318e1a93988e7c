"""Batches seen again: the hardest of the last few, and whatever bridges a wait for the data workers.

Hard-example mining (Shrivastava et al. 2016, arXiv 1604.03540) over whole batches, and data echoing (Choi et al.
2019, arXiv 1907.05550): a network that would wait learns from what it has.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from frdm_engine.data.patches import Batch


@dataclass
class _Kept:
    batch: Batch
    hardness: float = 0.0
    uses: int = 1


class Replay:
    """Draws batches from ``source``, and from the last ``keep`` of them those whose matte was most wrong.

    A batch is used ``uses`` times at most. With ``ahead`` a thread fetches new ones, and a draw never waits while
    there is something to see again. ``share`` of the draws go back to the hardest batch even if a new one is there.
    """

    def __init__(
        self, source: Iterator[Batch], *, keep: int = 32, uses: int = 3, share: float = 0.15, ahead: bool, seed: int = 0
    ) -> None:
        self._source, self._keep, self._uses, self._share = source, keep, uses, share
        self._random = random.Random(seed)
        self._kept: list[_Kept] = []
        self._now: _Kept | None = None
        self._ready: queue.Queue[Batch | BaseException] | None = None
        if ahead:
            self._ready = queue.Queue(maxsize=2)
            threading.Thread(target=self._fetch, args=(self._ready,), daemon=True, name="frdm-batches").start()

    def _fetch(self, ready: queue.Queue[Batch | BaseException]) -> None:
        try:
            while True:
                ready.put(next(self._source))
        except BaseException as error:  # noqa: BLE001 - handed to the training thread, which raises it, the end too
            ready.put(error)

    def draw(self) -> tuple[Batch, bool]:
        """A batch, and whether it is new."""
        old = [kept for kept in self._kept if kept.uses < self._uses]
        if old and (self._random.random() < self._share or (self._ready is not None and self._ready.empty())):
            self._now = max(old, key=lambda kept: kept.hardness / kept.uses)
            self._now.uses += 1
            return self._now.batch, False
        got = next(self._source) if self._ready is None else self._ready.get()
        if isinstance(got, BaseException):
            raise got
        self._now = _Kept(got)
        self._kept = [*self._kept[1 - self._keep :], self._now]
        return got, True

    def judge(self, hardness: float) -> None:
        """How wrong the matte of the batch last drawn was."""
        if self._now is not None:
            self._now.hardness = hardness
