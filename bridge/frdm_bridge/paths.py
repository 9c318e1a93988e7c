"""Path mapping: one folder under the names that two machines have for it. Pure text; no file is looked at."""

from __future__ import annotations

import re
from typing import Sequence

from frdm_bridge.jobs import PathRule

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def is_windows(path: str) -> bool:
    """Whether a path is written the Windows way: with a drive, or from a server."""
    return bool(_DRIVE.match(path)) or path.startswith("\\\\")


def is_absolute(path: str) -> bool:
    """Whether a path is absolute, in either way of writing."""
    return path.startswith("/") or is_windows(path)


def to_engine(path: str, rules: Sequence[PathRule]) -> str:
    """A client's path as the engine has it: the longest rule that contains it counts; without one it stays."""
    return _mapped(path, [(rule.client, rule.engine) for rule in rules])


def to_client(path: str, rules: Sequence[PathRule]) -> str:
    """An engine's path as the client has it, the other way round."""
    return _mapped(path, [(rule.engine, rule.client) for rule in rules])


def _mapped(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    best = None
    for there, here in pairs:
        if _contains(there, path) and (best is None or len(_parts(there)) > len(_parts(best[0]))):
            best = (there, here)
    if best is None:
        return path
    rest = _parts(path)[len(_parts(best[0])) :]
    slash = "\\" if is_windows(best[1]) else "/"
    return slash.join([best[1].rstrip("\\/"), *rest]) if rest else best[1]


def _contains(folder: str, path: str) -> bool:
    if is_windows(folder) != is_windows(path):
        return False
    inner, outer = _parts(path), _parts(folder)
    if is_windows(folder):
        inner, outer = [part.lower() for part in inner], [part.lower() for part in outer]
    return inner[: len(outer)] == outer


def _parts(path: str) -> list[str]:
    text = path.replace("\\", "/") if is_windows(path) else path
    return [part for part in text.split("/") if part]
