"""Between the engine's own words and the wire's: errors to codes, plain data of the service to messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from frdm_bridge.fields import read_record
from frdm_bridge.jobs import Health, JobSummary, PathRule
from frdm_bridge.messages import EVENTS, Event
from frdm_bridge.paths import to_client
from frdm_engine.errors import (
    AccessError,
    BusyError,
    ConflictError,
    FrdmError,
    InputError,
    OutputError,
    SpoolError,
    UnknownJobError,
)

LONGEST_SENTENCE = 2000
_CODES: tuple[tuple[type[FrdmError], str], ...] = (
    (AccessError, "access"),
    (ConflictError, "conflict"),
    (UnknownJobError, "unknown_job"),
    (InputError, "input"),
    (OutputError, "output"),
    (BusyError, "busy"),
)
_EVENTS = {kind.TYPE: kind for kind in EVENTS}
_OF_THE_SERVICE = {"job", "seq", "kind", "at"}
_SUMMARY = (
    "job",
    "client",
    "state",
    "priority",
    "label",
    "source",
    "output",
    "done",
    "total",
    "submitted",
    "ended",
    "error",
)


def code_of(error: BaseException) -> str:
    """The wire's code of an error; what nobody foresaw is `internal`."""
    if isinstance(error, SpoolError):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), "internal")


def sentence_of(error: BaseException) -> str:
    """An error's sentence, cut to what the wire carries and without what its text may not hold."""
    return plain_text(str(error) or type(error).__name__)


def plain_text(text: str) -> str:
    """Text as messages carry it: no control characters but line ends, no lone surrogates, 2000 characters."""
    shown = "".join(c if (c >= " " and c != "\x7f") or c in "\n\t" else "?" for c in text)
    shown = shown.encode("utf-8", "replace").decode("utf-8")
    return shown if len(shown) <= LONGEST_SENTENCE else shown[: LONGEST_SENTENCE - 1] + "…"


def event_of(plain: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Event:
    """An event of the service as a message, with paths as the job's client names them.

    Raises:
        MessageError: it does not hold what PROTOCOL.md says.
    """
    body = {name: value for name, value in plain.items() if name not in _OF_THE_SERVICE}
    for name in ("text", "sentence"):
        if name in body:
            body[name] = plain_text(str(body[name]))
    for name in ("path", "matte", "difference"):
        if body.get(name):
            body[name] = shown_path(str(body[name]), snapshot)
    kind = _EVENTS[plain["kind"]]
    event: Event = read_record(kind, body | {"job": plain["job"], "seq": plain["seq"], "time": plain["at"]}, kind.TYPE)
    return event


def shown_path(path: str, snapshot: Mapping[str, Any]) -> str:
    """A path of the engine as the job's client named its folder; within a bundle the file's name."""
    if snapshot.get("bundle"):
        return PurePosixPath(path).name
    rules = [PathRule(client=client, engine=engine) for engine, client in snapshot.get("shown") or ()]
    return to_client(path, rules)


def summary_of(snapshot: Mapping[str, Any]) -> JobSummary:
    """A job of the service as the wire tells it.

    Raises:
        MessageError: it does not hold what PROTOCOL.md says.
    """
    values = {name: snapshot[name] for name in _SUMMARY if name in snapshot}
    values["error"] = plain_text(str(values.get("error") or "")) if values.get("error") else ""
    if snapshot.get("bundle"):
        values |= {name: PurePosixPath(str(values[name])).name for name in ("source", "output")}
    summary: JobSummary = read_record(JobSummary, values)
    return summary


def health_of(status: Mapping[str, Any], *, clients: int, spool_used: int, spool_limit: int) -> Health:
    """The service's status, with what the listener knows.

    Raises:
        MessageError: it does not hold what PROTOCOL.md says.
    """
    own = {"clients": clients, "spool_used": spool_used, "spool_limit": spool_limit}
    health: Health = read_record(Health, dict(status) | own)
    return health
