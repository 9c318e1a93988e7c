"""The errors of the bridge; each carries one clear sentence that names what is wrong and says what to do.

BridgeError                  anything below
├── DiscoveryError           no connection file, or one that must not be trusted
├── UnreachableError         the engine does not answer, or could not be started
├── MessageError             a message that is not what PROTOCOL.md says
│   ├── VersionError         the other end speaks another major version
│   └── TooLargeError        a message over the bounds
├── UsageError               a call that cannot work: a closed client, a socket used from a second thread
├── RefusedError             the engine answered with an error; `code` is the wire's name for it
│   ├── AccessError          a path the engine may not read or write
│   ├── InputError           frames, settings or masks that cannot be used
│   ├── OutputError          the result cannot be written where it was asked
│   ├── UnknownJobError      the engine has no such job
│   └── BusyError            the engine has no room now: queue or spool are full
├── TransferError            pixels that did not arrive as they were sent
└── JobError                 a job that ended without its result; `job` is its name
    ├── JobFailedError       it failed; `frame` says where, if the cause has a place
    └── JobCancelledError    it was cancelled
"""

from __future__ import annotations

from typing import ClassVar, Dict, Optional, Type


class BridgeError(Exception):
    """Anything the bridge reports on purpose."""


class DiscoveryError(BridgeError):
    """There is no connection file, or it must not be trusted."""


class UnreachableError(BridgeError):
    """The engine does not answer, or could not be started."""


class MessageError(BridgeError):
    """A message that is not what PROTOCOL.md says it is.

    `code` is the wire's name for the fault; `packet_id` the id of the message, or empty where it could not be read.
    """

    code: ClassVar[str] = "malformed"
    packet_id: str = ""


class VersionError(MessageError):
    """The other end speaks another major version of the protocol."""

    code = "version"


class TooLargeError(MessageError):
    """A message over the bounds."""

    code = "too_large"


class UsageError(BridgeError):
    """A call that cannot work, whatever the engine does."""


class RefusedError(BridgeError):
    """The engine answered with an error. `code` is the wire's name for it."""

    def __init__(self, sentence: str, *, code: str = "internal") -> None:
        super().__init__(sentence)
        self.code = code


class AccessError(RefusedError):
    """A path that the engine may not read or write."""


class InputError(RefusedError):
    """Frames, settings or masks that cannot be used."""


class OutputError(RefusedError):
    """The result cannot be written where it was asked."""


class UnknownJobError(RefusedError):
    """The engine has no such job."""


class BusyError(RefusedError):
    """The engine has no room now: its queue or its spool is full."""


class TransferError(BridgeError):
    """Pixels that did not arrive as they were sent."""


class JobError(BridgeError):
    """A job that ended without its result. `job` is its name, `frame` where it ended if the cause has a place."""

    def __init__(self, sentence: str, *, job: str, frame: Optional[int] = None) -> None:
        super().__init__(sentence)
        self.job = job
        self.frame = frame


class JobFailedError(JobError):
    """The job failed."""


class JobCancelledError(JobError):
    """The job was cancelled."""


REFUSALS: Dict[str, Type[RefusedError]] = {
    "access": AccessError,
    "input": InputError,
    "output": OutputError,
    "unknown_job": UnknownJobError,
    "busy": BusyError,
    "spool": BusyError,
}
"""Which class an error's code becomes at the client; any other code is a RefusedError itself."""
