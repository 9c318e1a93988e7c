"""A process for each device, pieces shared out among them; a process that dies is replaced and its piece done again."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from frdm_engine.batch.shots import Shot
from frdm_engine.child import Child
from frdm_engine.cores import usable_cores
from frdm_engine.errors import DeviceError

DEATHS = 3
"""Times a piece may lose its process before it counts as failed."""
LONGEST, SHORTEST = 64, 4
"""Frames of a piece. Neighbours are read again at each border, so that short ones cost."""


@dataclass
class Piece:
    """Some frames of a shot."""

    index: int
    shot: Shot
    frames: tuple[int, ...]
    deaths: int = 0


def pieces_of(index: int, shot: Shot, frames: tuple[int, ...], *, share: int) -> Iterable[Piece]:
    """A shot in pieces of about `share` frames."""
    length = min(max(share, SHORTEST), LONGEST)
    for start in range(0, len(frames), length):
        yield Piece(index, shot, frames[start : start + length])


class Hand:
    """A worker process and its piece; what it says is put into a queue with it, None when it has ended."""

    def __init__(self, device: str, heard: queue.Queue[tuple[Hand, dict[str, Any] | None]], config: Any) -> None:
        self.device, self.ready, self.why = device, False, ""
        self.piece: Piece | None = None

        def ended(child: Child, why: str) -> None:
            self.why = why
            heard.put((self, None))

        self.child = Child(
            "frdm_engine.batch.worker",
            {"device": device} | config,
            on_report=lambda child, event: heard.put((self, event)),
            on_exit=ended,
        )

    def end(self) -> None:
        """Ends it at once and waits for that."""
        self.child.kill()
        self.child.join()


class Crew:
    """Does pieces on several devices. `take` hears every event; `note` what concerns no shot."""

    def __init__(
        self,
        devices: tuple[str, ...],
        *,
        patience: float,
        take: Callable[[dict[str, Any]], None],
        begin: Callable[[int], None],
        note: Callable[[str], None],
        stop: Callable[[], bool],
    ) -> None:
        self.devices, self.take, self.begin, self.note, self.stop = devices, take, begin, note, stop
        alike = sum(device == "cpu" for device in devices)
        threads = max(usable_cores() // alike, 1) if alike > 1 else 0
        self._config = {"patience": patience, "threads": threads}
        self._heard: queue.Queue[tuple[Hand, dict[str, Any] | None]] = queue.Queue()
        self._hands: list[Hand] = []
        self._left: deque[Piece] = deque()

    def go(self, pieces: Iterable[Piece]) -> None:
        """Does all pieces.

        Raises:
            DeviceError: no device is left to work on.
        """
        self._left.extend(pieces)
        try:
            self._hands = [Hand(device, self._heard, self._config) for device in self.devices[: len(self._left)]]
            stopping = False
            while self._hands and (self._left or any(hand.piece for hand in self._hands)):
                if self.stop() and not stopping:
                    stopping = True
                    self._leave()
                try:
                    hand, event = self._heard.get(timeout=0.2)
                except queue.Empty:
                    continue
                self._hear(hand, event)
            if self._left:
                raise DeviceError(f"No device is left to work on ({self._why}); look at them and run it with --resume.")
        finally:
            for hand in self._hands:
                hand.end()

    _why = "none could be used"

    def _leave(self) -> None:
        """Ends after the frames at hand."""
        for piece in self._left:
            self.take(_ended(piece, "stopped", None))
        self._left.clear()
        for hand in self._hands:
            hand.child.send({"do": "stop"})

    def _hear(self, hand: Hand, event: dict[str, Any] | None) -> None:
        if event is None:
            self._bury(hand)
        elif event["event"] == "unusable":
            self._why = event["error"]
            self.note(event["error"])
        elif event["event"] == "ready":
            hand.ready = True
            self._assign(hand)
        elif event["event"] == "piece":
            self._finish(hand, event)
        else:
            self.take(event)

    def _finish(self, hand: Hand, event: dict[str, Any]) -> None:
        piece, hand.piece = hand.piece, None
        if event["ended"] == "device" and piece is not None:
            self._why = event["error"]
            self.note(f"{hand.device} takes no more work: {event['error']}")
            if self.stop():
                self.take(_ended(piece, "stopped", None))
            else:
                self._left.appendleft(piece)
            self._hands.remove(hand)
            hand.end()
            self._wake()
            return
        self.take(event)
        if event["ended"] in ("full", "gave up", "refused"):
            # What ended this piece would end the shot's others, too.
            for other in [one for one in self._left if one.index == event["shot"]]:
                self._left.remove(other)
                self.take(_ended(other, event["ended"], event["error"]))
        self._assign(hand)

    def _assign(self, hand: Hand) -> None:
        if self._left and not self.stop():
            piece = hand.piece = self._left.popleft()
            self.begin(piece.index)
            hand.child.send({"do": "piece", "shot": piece.index, "told": piece.shot.record(), "frames": piece.frames})

    def _wake(self) -> None:
        """Pieces that came back go to hands that have none."""
        for hand in self._hands:
            if hand.ready and hand.piece is None:
                self._assign(hand)

    def _bury(self, hand: Hand) -> None:
        """A process is gone: its piece goes to the next one, unless it has cost too many."""
        if hand not in self._hands:
            return
        self._hands.remove(hand)
        why, piece = hand.why, hand.piece
        if not hand.ready:
            self._why = why if self._why == Crew._why else self._why
            self.note(f"{hand.device} cannot be used: its process {why}")
            self._wake()
            return
        if piece is not None:
            piece.deaths += 1
            span = f"frames {piece.frames[0]}-{piece.frames[-1]} of {piece.shot.name}"
            if piece.deaths >= DEATHS or self.stop():
                error = f"{span} cost {piece.deaths} processes, the last one {why}; look at those plates."
                self.take(_ended(piece, "stopped" if self.stop() else "died", None if self.stop() else error))
            else:
                self.note(f"the process of {hand.device} {why}; {span} are taken up again")
                self._left.appendleft(piece)
        if self._left:
            self._hands.append(Hand(hand.device, self._heard, self._config))
            self._wake()


def _ended(piece: Piece, how: str, error: str | None) -> dict[str, Any]:
    return {"event": "piece", "shot": piece.index, "ended": how, "error": error, "facts": {}}
