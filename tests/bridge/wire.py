"""Two machines on one: network namespaces joined by a wire of our own, which delays, loses and can be cut.

Each namespace has a TUN device; the packets of one are read here and written to the other. So loss and delay need no
kernel module, and are those of packets, beneath TCP.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from itertools import count

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MTU = 9000


def run(*command: str) -> None:
    """Runs a command of iproute2.

    Raises:
        OSError: it failed, most often for lack of rights.
    """
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(f"{' '.join(command)}: {ran.stderr.strip()}")


class Wire:
    """Namespaces `names` with the addresses 10.77.0.1 and 10.77.0.2. `delay_s` one way, `loss` a share of packets.

    Raises:
        OSError: this machine or user cannot have namespaces or TUN devices.
    """

    def __init__(self, *, delay_s: float = 0.0, loss: float = 0.0) -> None:
        self.delay_s, self.loss, self.cut = delay_s, loss, False
        self.carried = self.lost = 0
        self.names = tuple(f"frdm{os.getpid()}{end}" for end in "ab")
        self.addresses = ("10.77.0.1", "10.77.0.2")
        self._ends: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        try:
            for index in (0, 1):
                self._end(index)
        except OSError:
            self.close()
            raise
        self._thread.start()

    def inside(self, index: int, *command: str) -> list[str]:
        """A command to be run in a namespace."""
        return ["ip", "netns", "exec", self.names[index], *command]

    def close(self) -> None:
        """Removes both namespaces."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for end in self._ends:
            os.close(end)
        self._ends.clear()
        for name in self.names:
            with contextlib.suppress(OSError):
                run("ip", "netns", "del", name)

    def _end(self, index: int) -> None:
        name, here, there = self.names[index], self.addresses[index], self.addresses[1 - index]
        device = f"fr{os.getpid() % 10**8}{index}"
        run("ip", "netns", "add", name)
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        self._ends.append(end)
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
        run("ip", "link", "set", device, "netns", name)
        run("ip", "-n", name, "addr", "add", here, "peer", there, "dev", device)
        run("ip", "-n", name, "link", "set", device, "mtu", str(MTU), "up")
        run("ip", "-n", name, "link", "set", "lo", "up")

    def _carry(self) -> None:
        rng, order = random.Random(1), count()
        under_way: list[tuple[float, int, int, bytes]] = []
        while not self._stop.is_set():
            now = time.monotonic()
            while under_way and under_way[0][0] <= now:
                _, _, end, packet = heapq.heappop(under_way)
                with contextlib.suppress(OSError):  # a full queue loses packets, as any does
                    os.write(end, packet)
                    self.carried += 1
            wait = min(0.05, under_way[0][0] - now) if under_way else 0.05
            for end in select.select(self._ends, [], [], wait)[0]:
                with contextlib.suppress(BlockingIOError):
                    for _ in range(64):
                        packet = os.read(end, 65536)
                        if self.cut or rng.random() < self.loss:
                            self.lost += 1
                            continue
                        other = self._ends[1 - self._ends.index(end)]
                        heapq.heappush(under_way, (time.monotonic() + self.delay_s, next(order), other, packet))
