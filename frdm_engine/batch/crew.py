"""A process for each device, pieces shared out among them; a process that dies is replaced and its piece done again."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from frdm_engine.batch.shots import Shot
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
    """A worker process; what it says is put into a queue with it, None when it has ended."""

    def __init__(self, device: str, heard: queue.Queue[tuple[Hand, dict[str, Any] | None]], config: Any) -> None:
        self.device, self.ready = device, False
        self.piece: Piece | None = None
        self._last: deque[str] = deque(maxlen=20)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "frdm_engine.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        self.send({"device": device} | config)
        self._threads = [
            threading.Thread(target=self._listen, args=(heard,), daemon=True),
            threading.Thread(target=self._hear, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, order: dict[str, Any]) -> None:
        """Hands it an order; one that is gone hears nothing, and its end is heard of."""
        if self.process.stdin is not None:
            try:
                self.process.stdin.write(json.dumps(order) + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                return

    def why(self) -> str:
        """How it ended, in words."""
        code = self.process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            return f"ended by {name}" + (" (the system may have run out of memory)" if name == "SIGKILL" else "")
        self._threads[1].join(5)
        said = next((line for line in reversed(self._last) if line.strip()), "")
        return f"ended with code {code}" + (f": {said}" if said else "")

    def end(self) -> None:
        """Ends it at once and waits for that."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an order it had not read

    def _listen(self, heard: queue.Queue[tuple[Hand, dict[str, Any] | None]]) -> None:
        for line in self.process.stdout or ():
            if line.endswith("\n"):  # one that is killed may leave half a line
                heard.put((self, json.loads(line)))
        heard.put((self, None))

    def _hear(self) -> None:
        for line in self.process.stderr or ():
            self._last.append(line.rstrip())


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
        threads = max((os.cpu_count() or 1) // alike, 1) if alike > 1 else 0
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
            hand.send({"do": "stop"})

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
            hand.send({"do": "piece", "shot": piece.index, "told": piece.shot.record(), "frames": piece.frames})

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
        why = hand.why()
        hand.end()
        piece = hand.piece
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
                self.note(f"the process of {hand.device} was {why}; {span} are taken up again")
                self._left.appendleft(piece)
        if self._left:
            self._hands.append(Hand(hand.device, self._heard, self._config))
            self._wake()


def _ended(piece: Piece, how: str, error: str | None) -> dict[str, Any]:
    return {"event": "piece", "shot": piece.index, "ended": how, "error": error, "facts": {}}
