"""Files beside a shot's sidecar, and how they are written: whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from frdm_engine.errors import InputError, OutputError

SIDECAR, RECORD = ".frdm.jsonl", ".frdm.json"


def shot_name(sidecar: Path) -> str:
    """`out` of `out.frdm.jsonl`.

    Raises:
        InputError: the name is no sidecar's.
    """
    if not sidecar.name.endswith(SIDECAR) or sidecar.name == SIDECAR:
        raise InputError(f"{sidecar} is no sidecar; name a file that ends in {SIDECAR}.")
    return sidecar.name.removesuffix(SIDECAR)


def record_path(sidecar: Path) -> Path:
    """The run's record: settings, failures, times; written by whoever ran it."""
    return sidecar.with_name(f"{shot_name(sidecar)}{RECORD}")


def page_path(sidecar: Path) -> Path:
    """The page to look at."""
    return sidecar.with_name(f"{shot_name(sidecar)}.report.html")


def data_path(sidecar: Path) -> Path:
    """The page's figures for programs, every frame among them."""
    return sidecar.with_name(f"{shot_name(sidecar)}.report.json")


def put(path: Path, chunks: Iterable[str]) -> None:
    """Write text piece by piece under a temporary name, sync it and give it its name.

    Raises:
        OutputError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(chunks)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); free space or mend the folder, then run frdm report."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
