"""The lines that FRDM adds at the end of a user's own `init.py`: put in, found, and taken out to the last byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frdm_install.errors import InstallError

BEGIN = b"# >>> FRDM: `frdm uninstall nuke` takes these lines out"
JOINED = b" and the line break before them"
END = b"# <<< FRDM"
# A relative folder is one beside this file, whatever drive or mount the file is seen through.
BODY = (b"import nuke", b'nuke.pluginAddPath("./%s")')


@dataclass(frozen=True)
class Split:
    """An `init.py` taken apart: `before + block + after` is the whole."""

    before: bytes
    block: bytes
    after: bytes


def split(content: bytes, path: Path) -> Split:
    """Finds the block; where there is none, all is `before`.

    Raises:
        InstallError: there is more than one, or half of one.
    """
    lines = content.splitlines(keepends=True)
    begins = [index for index, line in enumerate(lines) if line.startswith(BEGIN)]
    ends = [index for index, line in enumerate(lines) if line.startswith(END)]
    if not begins and not ends:
        return Split(content, b"", b"")
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise InstallError(
            f"{path} holds parts of FRDM's lines, which begin with {BEGIN[:10].decode()!r}; remove them."
        )
    first, last = begins[0], ends[0] + 1
    before, block, after = (b"".join(part) for part in (lines[:first], lines[first:last], lines[last:]))
    if lines[first].rstrip(b"\r\n").endswith(JOINED):
        ending = b"\r\n" if before.endswith(b"\r\n") else b"\n"
        if not before.endswith(ending):
            raise InstallError(f"{path} was changed just before FRDM's lines; remove these by hand.")
        before, block = before[: -len(ending)], ending + block
    return Split(before, block, after)


def make(before: bytes, *, folder: str) -> bytes:
    """The block for the end of a file, in its line endings; `folder` stands beside the file."""
    ending = b"\r\n" if b"\r\n" in before else b"\n"
    joined = bool(before) and not before.endswith((b"\n", b"\r"))
    begin = BEGIN + JOINED if joined else BEGIN
    body = (BODY[0], BODY[1] % folder.encode("ascii"))
    return (ending if joined else b"") + b"".join(line + ending for line in (begin, *body, END))
