"""Whose frame is next: interactive jobs before batch, clients in turn, a client's jobs in the order they came.

Fair share among clients is counted in seconds of device: the client that had least goes first, and one that was away
saves nothing up. Nothing here knows of processes, clocks or files: who calls says how long something took.
"""

from __future__ import annotations

from dataclasses import dataclass, field

INTERACTIVE_FRAMES = 8
"""A job of more frames is batch, whatever it says: a few frames may overtake, a film may not."""
SLICE_S = 20.0
"""Seconds of device a batch job keeps while another client waits: coming back to a job costs it a window read again."""
STREAK = 32
"""Interactive jobs in a row before a waiting batch job is given a frame: it shall be slow, not stand still."""


@dataclass
class _Client:
    used: float = 0.0
    waiting: dict[int, bool] = field(default_factory=dict)
    """Job numbers, each with whether it is interactive."""


@dataclass(frozen=True)
class Turn:
    """A job taken to be worked on, until `Scheduler.give_back` or `Scheduler.remove`."""

    number: int
    client: str
    interactive: bool
    starved: bool
    """A batch job let in between many interactive ones: for one frame."""


class Scheduler:
    """Jobs that wait for a device, by their numbers. For one thread at a time.

    Call `add` for a job, `take` for what a free device shall do, `used` as its frames pass, and `should_yield` at each
    frame border; then `give_back` a job that has frames left.
    """

    def __init__(self, *, slice_s: float = SLICE_S) -> None:
        self.slice_s = slice_s
        self._clients: dict[str, _Client] = {}
        self._taken: dict[int, tuple[Turn, float]] = {}
        self._streak = 0

    def __len__(self) -> int:
        """How many jobs wait."""
        return sum(len(client.waiting) for client in self._clients.values())

    def add(self, number: int, *, client: str, interactive: bool) -> None:
        """A job waits from now on."""
        if client not in self._clients:
            # A newcomer starts level with who had least, or it would be served alone until it had caught up.
            level = min((other.used for other in self._clients.values()), default=0.0)
            self._clients[client] = _Client(level)
        self._clients[client].waiting[number] = interactive

    def remove(self, number: int) -> None:
        """A job ended, or was cancelled: it neither waits nor counts as taken."""
        self._taken.pop(number, None)
        for client in self._clients.values():
            client.waiting.pop(number, None)
        self._forget_idle()

    def take(self) -> Turn | None:
        """The job to work on now, or None when none waits."""
        batch_waits = self._waits(interactive=False)
        starved = self._streak >= STREAK and batch_waits
        interactive = self._waits(interactive=True) and not starved
        if not interactive and not batch_waits:
            return None
        name, number = min(
            (client.used, min(n for n, quick in client.waiting.items() if quick == interactive), name)
            for name, client in self._clients.items()
            if interactive in client.waiting.values()
        )[2:0:-1]
        del self._clients[name].waiting[number]
        self._streak = self._streak + 1 if interactive else 0
        turn = Turn(number, name, interactive, starved)
        self._taken[number] = (turn, 0.0)
        return turn

    def used(self, number: int, seconds: float) -> None:
        """A taken job had the device for so long."""
        if number in self._taken:
            turn, before = self._taken[number]
            self._taken[number] = (turn, before + seconds)
            self._clients[turn.client].used += seconds

    def should_yield(self, number: int) -> bool:
        """Whether a taken job shall make way at the next frame border."""
        if number not in self._taken:
            return False
        turn, seconds = self._taken[number]
        if turn.interactive:
            return False
        if turn.starved or self._waits(interactive=True):
            return True
        mine = self._clients[turn.client].used
        return seconds >= self.slice_s and any(
            False in client.waiting.values() and client.used < mine
            for name, client in self._clients.items()
            if name != turn.client
        )

    def give_back(self, number: int) -> None:
        """A taken job waits again, in its old place."""
        if number in self._taken:
            turn, _ = self._taken.pop(number)
            self._clients[turn.client].waiting[number] = turn.interactive

    def _waits(self, *, interactive: bool) -> bool:
        return any(interactive in client.waiting.values() for client in self._clients.values())

    def _forget_idle(self) -> None:
        """A client without jobs is forgotten: what it used up does not count against it when it returns."""
        busy = {turn.client for turn, _ in self._taken.values()}
        for name in [n for n, client in self._clients.items() if not client.waiting and n not in busy]:
            del self._clients[name]
