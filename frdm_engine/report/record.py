"""What is known of the run beside the sidecar: settings, failures, times, and where plate and matte lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frdm_engine.errors import FrdmError, InputError
from frdm_engine.plates.sequence import Sequence, parse_frames

Run = Mapping[str, Any]


def read_record(path: Path) -> dict[str, Any]:
    """A run's record; nothing where there is none, as older versions wrote none.

    Raises:
        InputError: it is there and cannot be read.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); remove it, and the report does without.") from error
    if not isinstance(said, dict):
        raise InputError(f"{path} is no record of a run; remove it, and the report does without.")
    return said


@dataclass(frozen=True)
class Failure:
    """What could not be done, in the words of the error. `frame` is None where it is the shot as a whole."""

    frame: int | None
    error: str


def failures(run: Run) -> tuple[Failure, ...]:
    """The failures that the record tells of, those of the whole shot first, then by frame.

    Raises:
        InputError: the record tells of them in another form.
    """
    try:
        told = [Failure(None if one["frame"] is None else int(one["frame"]), str(one["error"])) for one in _list(run)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "The record's failures are not of the form {frame, error}; remove it and try again."
        ) from error
    return tuple(sorted(told, key=lambda one: (one.frame is not None, one.frame or 0)))


def _list(run: Run) -> list[Any]:
    return list(run.get("failures") or ())


def asked(run: Run, done: tuple[int, ...]) -> tuple[int, ...]:
    """The frames that the run was asked for, else those that were done.

    Raises:
        SequenceError: the record names them in no form that is known.
    """
    text = run.get("frames")
    return parse_frames(text) if isinstance(text, str) and text.strip() else done


def find(pattern: str | None, *, beside: Path) -> tuple[Sequence | None, str]:
    """The frames on disk of a pattern of the record, and why there are none.

    A relative one is looked for from the folder one is in, then from the sidecar's.
    """
    if not pattern:
        return None, ""
    why = ""
    for path in dict.fromkeys((Path(pattern), beside / pattern)):
        try:
            return Sequence.find(path), ""
        except FrdmError as error:
            why = why or str(error)
    return None, why
