"""A shot's report for programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from frdm_engine.errors import InputError
from frdm_engine.plates.choosing import ranges
from frdm_engine.report.shot import Shot

FORMAT = 1
"""Of the data file."""


def shot_data(shot: Shot) -> Iterator[str]:
    """The data file in pieces: what is said of the shot first, then a line a frame.

    Raises:
        InputError: the sidecar changed or went away.
    """
    said = facts(shot)
    yield json.dumps(said, indent=1)[:-2] + ',\n "frames": ['
    comma = "\n  "
    for row, line in zip(shot.summary.rows, shot.sidecar, strict=True):
        entry = {
            "frame": line.frame,
            "file": line.file[0],
            "state": row.state,
            "changed": line.changed,
            "repairs": line.count,
            "share": line.share,
            "seconds": line.seconds,
            "key": line.key,
        }
        yield comma + json.dumps(entry)
        comma = ",\n  "
    yield "\n ]\n}\n"


def facts(shot: Shot) -> dict[str, Any]:
    """All but the frames, as plain data."""
    summary, sheet = shot.summary, shot.sheet
    return {
        "report": FORMAT,
        "shot": shot.name,
        "state": shot.state,
        "asked": {"count": len(shot.asked), "frames": ranges(shot.asked)},
        "left": {"count": len(shot.left), "frames": ranges(shot.left)},
        "totals": summary.totals(),
        "classes": {name: summary.of_class(name) for name in summary.classes},
        "failures": [asdict(one) for one in shot.failures],
        "checked": {"frames": sheet.checked, "strays": sheet.strays},
        "repairs": {kind: [asdict(crop.place) for crop in crops] for kind, crops in sheet.crops.items()},
        "shown": list(sheet.frames),
        "problems": sheet.problems,
        "torn_lines": shot.sidecar.torn,
        "hashes": hashes(shot),
        "run": dict(shot.run),
        "poster": sheet.poster,
    }


def hashes(shot: Shot) -> dict[str, str]:
    """SHA-256 of the model, of the sidecar file, and of the hashes of all frames in order.

    Raises:
        InputError: the sidecar went away.
    """
    sidecar = ""
    try:
        if shot.sidecar.frames:
            with shot.sidecar.path.open("rb") as file:
                sidecar = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{shot.sidecar.path} cannot be read any more ({error.strerror}); mend it and try again."
        ) from error
    model = (shot.run.get("model") or {}).get("sha256", "")
    return {"model": str(model), "sidecar": sidecar, "frames": shot.summary.keys}
