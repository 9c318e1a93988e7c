"""What commands of a farm say to its scheduler, and frames as schedulers write them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import typer

from frdm_engine.errors import FrdmError


def say(what: str, text: str) -> None:
    """A line for the scheduler: `progress`, `status`, `fail` or `env`."""
    # A line is one message: what a scheduler reads ends where the line does.
    typer.echo(f"openjd_{what}: {' '.join(text.split())}")


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Errors are told to the scheduler, too."""
    try:
        yield
    except FrdmError as error:
        say("fail", str(error))
        raise


def frames_of(text: str) -> tuple[int, ...]:
    """Frames as a scheduler writes them: `1001-1008`, `1001-1001`, or with a step behind a colon."""
    from frdm_engine.plates.sequence import parse_frames

    return parse_frames(text.replace(":", "x").replace(" ", ""))


def whole(spec: str) -> str:
    """A path that means the same in every folder; nothing stays nothing."""
    return os.path.abspath(spec) if spec else ""
