"""Who is connected, how much of theirs waits, and which jobs they follow."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from frdm_bridge.messages import MEBI, Event
from frdm_engine.errors import SpoolError

MOST_PEERS = 1024
FORGOTTEN_S = 600.0
"""A connection that was silent for so long must say hello again."""
MOST_WAITING = 64
MOST_HELD = 24 * MEBI
"""Requests of one peer that wait for a lane, and their bytes: three windows of a file."""
MOST_FOLLOWED = 1024


@dataclass
class Subscription:
    """A job that a peer follows. `after` is the last event pulled; `ready` those pulled and not yet sent."""

    job: str
    after: int
    snapshot: Mapping[str, Any]
    ready: deque[Event] = field(default_factory=deque)
    pulling: bool = False
    more: bool = True


@dataclass
class Peer:
    """One connection and the client behind it."""

    identity: bytes
    client: str
    heard: float
    waiting: int = 0
    held: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def may_wait(self, size: int) -> bool:
        """Whether one more request of so many bytes may wait."""
        return self.waiting < MOST_WAITING and self.held + size <= MOST_HELD

    def check_room(self, job: str) -> None:
        """Whether one more job may be followed.

        Raises:
            SpoolError: it follows as many as it may.
        """
        if job not in self.subscriptions and len(self.subscriptions) >= MOST_FOLLOWED:
            raise SpoolError(f"A connection follows {MOST_FOLLOWED} jobs at most; open another.", code="busy")

    def follow(self, job: str, *, after: int, snapshot: Mapping[str, Any]) -> None:
        """Subscribes to a job, in place of an earlier subscription to it."""
        self.subscriptions[job] = Subscription(job, after, snapshot)


class Peers:
    """All connections that have said hello, the one silent longest first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._peers: OrderedDict[bytes, Peer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._peers)

    def greet(self, identity: bytes, client: str) -> Peer | None:
        """The peer, known from now on; None where there are too many."""
        self._forget()
        known = self._peers.get(identity)
        if known is None or known.client != client:
            if known is None and len(self._peers) >= MOST_PEERS:
                return None
            self._peers[identity] = Peer(identity, client, self._clock())
        return self.heard(identity)

    def heard(self, identity: bytes) -> Peer | None:
        """The peer of a message, or None where it has not said hello, or too long ago."""
        self._forget()
        peer = self._peers.get(identity)
        if peer is not None:
            peer.heard = self._clock()
            self._peers.move_to_end(identity)
        return peer

    def drop(self, identity: bytes) -> None:
        """Forgets a connection that is gone."""
        self._peers.pop(identity, None)

    def following(self, jobs: Collection[str]) -> list[tuple[Peer, Subscription]]:
        """Who follows any of these jobs."""
        if not jobs:
            return []
        return [
            (peer, subscription)
            for peer in self._peers.values()
            for job in jobs
            if (subscription := peer.subscriptions.get(job)) is not None
        ]

    def stalled(self) -> list[tuple[Peer, Subscription]]:
        """Readers that were full."""
        return list(self._stalled())

    def _stalled(self) -> Iterator[tuple[Peer, Subscription]]:
        for peer in self._peers.values():
            for subscription in peer.subscriptions.values():
                if subscription.ready:
                    yield peer, subscription

    def _forget(self) -> None:
        while self._peers:
            oldest = next(iter(self._peers.values()))
            if self._clock() - oldest.heard <= FORGOTTEN_S:
                return
            del self._peers[oldest.identity]
