"""Does the engine see a folder? Asked with a file, not guessed from names."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Optional, Sequence, Tuple

from frdm_bridge.codec import new_id
from frdm_bridge.errors import MessageError
from frdm_bridge.jobs import PathRule
from frdm_bridge.link import Link
from frdm_bridge.messages import PROBED, Probe, Seen


def sees(
    link: Link, folder: Path, *, write: bool = False, known: Optional[Path] = None, rules: Sequence[PathRule] = ()
) -> Tuple[bool, str]:
    """Whether the engine reads (and with ``write`` writes) what this machine has in a folder, and why not.

    Where nothing can be written into the folder from here, ``known``, a file in it, is looked at instead.

    Raises:
        UnreachableError: the engine does not answer.
    """
    probe, content = folder / f".frdm-probe-{new_id()}", secrets.token_hex(32).encode("ascii")
    answer = probe.with_name(probe.name + ".answer")
    try:
        try:
            handle = os.open(str(probe), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())  # a network file system tells others late
        except OSError as error:
            if write or known is None:
                return False, f"{folder} cannot be written from here ({error.strerror})"
            return _same(link, known, rules)
        seen = _ask(link, Probe(path=str(probe), write=write, path_map=tuple(rules)))
        digest = hashlib.sha256(content).hexdigest()
        if not seen.readable or seen.sha256 != digest:
            return False, seen.why or f"the engine has another {folder}"
        if write and not (seen.writable and answer.exists() and answer.read_text("ascii") == digest):
            return False, seen.why or f"what the engine writes into {folder} does not show here"
        return True, ""
    finally:
        for file in (probe, answer):
            try:
                file.unlink()
            except FileNotFoundError:
                pass
            except PermissionError:
                pass  # the folder took nothing from here, so there is nothing of ours


def _same(link: Link, known: Path, rules: Sequence[PathRule]) -> Tuple[bool, str]:
    with known.open("rb") as source:
        digest = hashlib.sha256(source.read(PROBED)).hexdigest()
    seen = _ask(link, Probe(path=str(known), path_map=tuple(rules)))
    if seen.readable and seen.sha256 == digest:
        return True, ""
    return False, seen.why or f"the engine has another {known}"


def _ask(link: Link, probe: Probe) -> Seen:
    seen = link.request(probe).message
    if not isinstance(seen, Seen):
        raise MessageError(f"The engine answered probe with {seen.TYPE}; update the older of the two.")
    return seen
