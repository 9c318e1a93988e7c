"""What is asked of the doctor, and what a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Status(StrEnum):
    """How a thing is: ``warning`` works and is worth a look, ``failure`` does not work."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it: `remedy` is empty where all is well."""

    name: str
    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Asked:
    """What the doctor is to look at; paths and names as they would be given to `frdm serve` and `frdm restore`."""

    home: Path
    device: str = "auto"
    model: str = "frdm-s"
    vram: int = 24 * 2**30
    connection: Path | None = None
    listen: str | None = None
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    farm: tuple[Path, ...] = ()
    """Folders that `frdm install farm` filled."""
    limit_s: float = 60.0
    """The most that one slow check may take."""


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Status.OK, found)


def warning(name: str, found: str, remedy: str) -> Finding:
    """It works; something is worth a look."""
    return Finding(name, Status.WARNING, found, remedy)


def failure(name: str, found: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(name, Status.FAILURE, found, remedy)
