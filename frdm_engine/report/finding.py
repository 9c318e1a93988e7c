"""From what a user names to the sidecars of the shots meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from frdm_engine.errors import InputError
from frdm_engine.plates.sequence import Sequence
from frdm_engine.report.names import RECORD, SIDECAR, record_path
from frdm_engine.restore.ledger import ledger_path


def sidecars(outputs: Iterable[str]) -> tuple[Path, ...]:
    """Sidecars of outputs, each once: of a sequence its own, of a folder all that lie in it or below.

    Where all of a shot failed there is but the run's record, and the sidecar named is not there.

    Raises:
        SequenceError: a name leads to nothing.
        InputError: there is no sidecar.
    """
    found: dict[Path, None] = {}
    for output in outputs:
        path = Path(output)
        if path.is_dir():
            records = (one.with_name(f"{one.name}l") for one in path.rglob(f"*{RECORD}"))
            here = sorted({*path.rglob(f"*{SIDECAR}"), *records})
            if not here:
                raise InputError(f"{path} holds no sidecar (*{SIDECAR}); give the output of frdm restore.")
        elif path.name.endswith(SIDECAR):
            here = [path]
        else:
            here = [ledger_path(Sequence.find(path))]
        for one in here:
            if not one.is_file() and not record_path(one).is_file():
                raise InputError(f"{one} is not there; give the output of frdm restore, beside which it lies.")
            found.setdefault(one)
    return tuple(found)


def reel_path(found: Iterable[Path]) -> Path:
    """Where the page of several shots goes: `reel.html` in the innermost folder that holds them all.

    Raises:
        InputError: they have none in common, as on two drives.
    """
    try:
        folder = Path(os.path.commonpath([path.resolve().parent for path in found]))
    except ValueError as error:
        raise InputError("The shots lie on different drives; name the reel's page with --reel.") from error
    return folder / "reel.html"
