"""The errors of the node; each is one sentence that names what is wrong and says what to do.

HostError                what the artist is told
├── SetupError           the node, as it is set up, has nothing it could restore
├── PlateError           Nuke could not render a frame of the plate or of a mask; `frame` says which
├── NestedRenderError    Nuke does not render the plate while it renders something else
├── CacheError           the cache folder cannot be read or written
├── EngineError          the engine cannot be reached, or did not do what it was asked
├── VendorError          this Python has no pyzmq that works
└── StoppedError         it was cancelled; nothing is wrong
"""

from __future__ import annotations

from typing import Optional


class HostError(Exception):
    """Anything the node reports on purpose."""


class SetupError(HostError):
    """The node, as it is set up, has nothing it could restore."""


class PlateError(HostError):
    """Nuke could not render a frame of the plate or of a mask."""

    def __init__(self, sentence: str, *, frame: Optional[int] = None) -> None:
        super().__init__(sentence)
        self.frame = frame


class NestedRenderError(HostError):
    """Nuke does not render the plate while it renders something else."""


class CacheError(HostError):
    """The cache folder cannot be read or written."""


class EngineError(HostError):
    """The engine cannot be reached, or did not do what it was asked; `of_job` where a job of ours has failed."""

    def __init__(self, sentence: str, *, of_job: bool = False) -> None:
        super().__init__(sentence)
        self.of_job = of_job


class VendorError(HostError):
    """This Python has no pyzmq that works."""


class StoppedError(HostError):
    """It was cancelled; nothing is wrong."""
