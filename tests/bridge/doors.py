"""A running engine with its listener, at tiny size, and plates for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from frdm_bridge import Client
from frdm_engine.server.listener import Listener
from frdm_engine.server.service import Service


@dataclass
class Door:
    """An engine to talk to: folders it may read and write, and one plate."""

    service: Service
    listener: Listener
    plate: Path
    source: Path
    out: Path
    private: Path
    """A folder outside of the roots."""

    def client(self, *, timeout: float = 60.0, **options: str) -> Client:
        """A new client of it."""
        return Client.connect(self.listener.connection_file, timeout=timeout, **options)


Open = Callable[..., Door]
