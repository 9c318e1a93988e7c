"""The errors of the engine; each carries one clear sentence that names what is wrong and says what to do.

FrdmError                exit 1   anything below
├── InputError           exit 2   what the user gave cannot be used
│   ├── SequenceError             no such frames, or an ambiguous name
│   ├── PlateError                a file or frame that cannot be read or kept intact
│   ├── ColourError               an unknown colour space, or one that loses values
│   ├── MaskError                 a mask of the wrong size or kind
│   ├── SettingError              a setting out of its range
│   ├── CheckpointError           a model file that is missing, damaged or of another kind
│   ├── AccessError               a path outside of what the engine may touch
│   ├── ConflictError             a name given before to something else
│   └── UnknownJobError           a job the engine does not know
├── OutputError          exit 2   the result cannot be written where it was asked
│   └── NoRoomError               the disk is full
├── RestoreError         exit 3   a frame could not be restored
├── GaveUpError          exit 3   frame after frame could not be restored
├── TrainingError        exit 3   a training that went wrong; the state before it is kept
├── DeviceError          exit 4   no such device, or out of its memory
└── ServerError          exit 5   the engine cannot be started or reached, or has no room
    ├── BusyError                 as many jobs are open as the engine takes
    ├── SpoolError                streamed pixels without room, or that are not as announced
    ├── JournalError              the engine's journal cannot be read or written
    └── WorkerError               a process that restores died
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

Tile = tuple[int, int, int, int]


class FrdmError(Exception):
    """Anything the engine reports on purpose. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class InputError(FrdmError):
    """What the user gave cannot be used."""

    exit_code = 2


class SequenceError(InputError):
    """A name that leads to no frames, or to more than one sequence."""


class PlateError(InputError):
    """A file or frame that cannot be read, or could not be kept intact."""


class ColourError(InputError):
    """An unknown colour space, or one that would lose values on the way there and back."""


class MaskError(InputError):
    """A mask of the wrong size or kind."""


class SettingError(InputError):
    """A setting out of its range."""


class CheckpointError(InputError):
    """A model file that is missing, damaged or of another kind."""


class AccessError(InputError):
    """A path outside of what the engine may touch."""


class ConflictError(InputError):
    """A name that was given before to something else."""


class UnknownJobError(InputError):
    """A job the engine does not know."""


class OutputError(FrdmError):
    """The output is the input, already exists, has no room or may not be written."""

    exit_code = 2


class NoRoomError(OutputError):
    """The disk that the result goes to is full."""


class RestoreError(FrdmError):
    """A frame could not be restored.

    Attributes: `cause` and `remedy` (sentences without a full stop), `frame`, and `tile` as
    (x, y, width, height) in pixels of the plate, or None when the whole frame is meant.
    """

    exit_code = 3

    def __init__(self, cause: str, *, frame: int | None, remedy: str, tile: Tile | None = None) -> None:
        where = "The frame" if frame is None else f"Frame {frame}"
        if tile is not None:
            where += f", tile {tile[2]}x{tile[3]} at ({tile[0]}, {tile[1]}),"
        super().__init__(f"{where} could not be restored: {cause}; {remedy}.")
        self.cause = cause
        self.frame = frame
        self.remedy = remedy
        self.tile = tile

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes hand errors to their parent; keyword-only arguments need help on the way.
        rebuild = partial(RestoreError, frame=self.frame, remedy=self.remedy, tile=self.tile)
        return rebuild, (self.cause,)


class GaveUpError(FrdmError):
    """So many frames failed one after the other that the fault is not theirs; those before are whole."""

    exit_code = 3


class TrainingError(FrdmError):
    """A training that went wrong; what it saved before is whole."""

    exit_code = 3


class DeviceError(FrdmError):
    """No such device, or not enough memory on it."""

    exit_code = 4


class ServerError(FrdmError):
    """The engine cannot be started or reached, or has no room."""

    exit_code = 5


class BusyError(ServerError):
    """The engine has as many open jobs as it takes."""


class JournalError(ServerError):
    """The engine's journal cannot be read or written."""


class WorkerError(ServerError):
    """A process that restores died; names how, and the frame it had in hand."""


class SpoolError(ServerError):
    """Streamed pixels that have no room, or are not as they were announced. `code` is the wire's name for it."""

    def __init__(self, sentence: str, *, code: str = "spool") -> None:
        super().__init__(sentence)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(SpoolError, code=self.code), (str(self),)
