"""File names of a frame and a view: `%04d`, `####`, `%V`, `%v`."""

from __future__ import annotations

import re


def file_at(pattern: str, frame: int, view: str) -> str:
    """The file of a frame and a view."""
    pattern = pattern.replace("%V", view).replace("%v", view[:1])
    pattern = re.sub(r"%(0?\d*)d", lambda match: f"%{match[1]}d" % frame, pattern)
    return re.sub(r"#+", lambda run: f"%0{len(run[0])}d" % frame, pattern)
