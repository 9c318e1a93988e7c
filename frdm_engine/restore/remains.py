"""What one job leaves in hand to the next: frames are neither read nor encoded again where both are of one shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frdm_engine.restore.kept import Kept
from frdm_engine.restore.reader import Frame


@dataclass(frozen=True)
class Remains:
    """The frames a walk held at its end, and what was made of them.

    ``footage`` is all that decides both but the files themselves, of which each frame has the mark.
    """

    footage: tuple[Any, ...]
    frames: dict[int, Frame]
    kept: Kept
