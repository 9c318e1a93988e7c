"""Starts an engine on this machine where none answers."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional, Sequence

from frdm_bridge.errors import DiscoveryError, UnreachableError

LOOK_EVERY = 0.1


def start_engine(
    command: Sequence[str], *, file: Path, answers: Callable[[], bool], timeout: float = 60.0
) -> Optional[int]:
    """Runs a command such as ``("frdm", "serve")`` and waits until the engine answers; returns its process id.

    Returns None where an engine answers already. The process outlives this one.

    Raises:
        UnreachableError: the command cannot be run, ends with an error, or no engine answers in time.
        DiscoveryError: the connection file must not be trusted.
    """
    if _is_there(file, answers):
        return None
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        except OSError as error:
            raise UnreachableError(
                f"{command[0]} cannot be run ({error.strerror}); install FRDM or give its full path."
            ) from error
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if _is_there(file, answers):
                return process.pid
            # With --daemon the command itself ends, well, and leaves an engine behind.
            if process.poll() not in (None, 0):
                said.seek(0)
                words = said.read()[-1000:].decode("utf-8", "replace").strip()
                raise UnreachableError(
                    f"{' '.join(command)} ended with exit code {process.returncode}: {words or 'it said nothing'}"
                )
            time.sleep(LOOK_EVERY)
    raise UnreachableError(
        f"{' '.join(command)} was started and did not answer in {timeout:g} s; run it in a terminal to see why."
    )


def _is_there(file: Path, answers: Callable[[], bool]) -> bool:
    if not file.exists():
        return False
    try:
        return answers()
    except DiscoveryError:
        if file.exists():
            raise
        return False  # removed between the two looks, by an engine that was ending
