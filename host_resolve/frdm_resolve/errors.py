"""The errors of the adapter; each is one sentence that names what is wrong and says what to do.

AdapterError             what the colourist is told
├── SessionError         Resolve cannot be reached, or is not what scripting needs
├── ChoiceError          there is nothing to restore where it was looked for, or an option holds what it cannot
├── ClipError            a clip that cannot be restored in sync, and why
├── RenderError          Resolve did not render what it was asked
├── ImportFailedError    the result did not become the clip it must be
├── PlacementError       the result does not lie where it must; what was tried is taken out again
├── EngineError          the engine cannot be reached, or did not do what it was asked
└── StoppedError         it was cancelled; nothing is wrong
"""

from __future__ import annotations


class AdapterError(Exception):
    """Anything the adapter reports on purpose."""


class SessionError(AdapterError):
    """Resolve cannot be reached, or is not what scripting needs."""


class ChoiceError(AdapterError):
    """There is nothing to restore where it was looked for, or an option holds what it cannot."""


class ClipError(AdapterError):
    """A clip that cannot be restored in sync, and why."""


class RenderError(AdapterError):
    """Resolve did not render what it was asked."""


class ImportFailedError(AdapterError):
    """The result did not become the clip it must be."""


class PlacementError(AdapterError):
    """The result does not lie where it must; what was tried is taken out again."""


class EngineError(AdapterError):
    """The engine cannot be reached, or did not do what it was asked."""


class StoppedError(AdapterError):
    """It was cancelled; nothing is wrong."""
