"""Pieces of a frame side by side, on the cores of a CPU.

Torch shares every single sum among its threads, which then wait for each other; pieces that lie beside each other
wait once, at the end.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TypeVar

import torch

T = TypeVar("T")

MOST = 4
"""Pieces at once at most: each needs its own memory; threads that are left over share the sums within them."""


def side_by_side(
    works: Iterable[Callable[[], T]],
    *,
    count: int,
    inside: Callable[[], AbstractContextManager[None]],
    pulse: Callable[[], None],
) -> Iterator[T]:
    """What the works come to, in their order, ``count`` of them at once, which share torch's threads.

    ``pulse`` is called before each is begun, in the caller's thread. Each runs ``inside`` a context, as torch keeps its
    modes apart by thread. What a work or ``pulse`` raises is raised here once those that were begun have ended.
    """
    if count == 1:
        for work in works:
            pulse()
            yield work()
        return
    threads = torch.get_num_threads()
    share = max(threads // count, 1)

    def one(work: Callable[[], T]) -> T:
        torch.set_num_threads(share)  # of this thread
        with inside():
            return work()

    pool = _pool(count, os.getpid())
    begun: deque[Future[T]] = deque()
    try:
        for work in works:
            pulse()
            begun.append(pool.submit(one, work))
            if len(begun) > count:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
        wait(begun)
        torch.set_num_threads(threads)  # what threads that come later begin with


@lru_cache(maxsize=MOST)
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    """So many threads of this process; a fork has none of its parent's."""
    return ThreadPoolExecutor(count, thread_name_prefix="frdm-piece")
