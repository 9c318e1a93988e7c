"""The little Tcl that knobs and scripts need: words, quoting, and brackets within strings."""

from __future__ import annotations

import os
import re
from typing import Any, List

BACKSLASHES = {"n": "\n", "t": "\t", "r": "\r"}


def split(text: str) -> List[str]:
    """A list's words: braces and quotes group, a backslash takes the next character as it is."""
    words: List[str] = []
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        if text[at] == "{":
            stop = closing(text, at)
            words.append(text[at + 1 : stop])
            at = stop + 1
        elif text[at] == '"':
            word, at = _quoted(text, at + 1)
            words.append(word)
        else:
            word, at = _bare(text, at)
            words.append(word)
    return words


def closing(text: str, at: int) -> int:
    """Where the brace that opens here closes.

    Raises:
        ValueError: it does not.
    """
    depth, here = 0, at
    while here < len(text):
        if text[here] == "\\":
            here += 1
        elif text[here] == "{":
            depth += 1
        elif text[here] == "}":
            depth -= 1
            if depth == 0:
                return here
        here += 1
    raise ValueError(f"A brace is not closed: {text[at : at + 40]!r}")


def _escaped(text: str, at: int) -> str:
    return BACKSLASHES.get(text[at], text[at])


def _quoted(text: str, at: int) -> Any:
    taken: List[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            taken.append(_escaped(text, at))
        else:
            taken.append(text[at])
        at += 1
    return "".join(taken), at + 1


def _bare(text: str, at: int) -> Any:
    taken: List[str] = []
    while at < len(text) and not text[at].isspace():
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            taken.append(_escaped(text, at))
        else:
            taken.append(text[at])
        at += 1
    return "".join(taken), at


def quote(text: str) -> str:
    """A word as Nuke saves strings: bare where it can be, else in double quotes with backslashes."""
    if text and re.fullmatch(r"[^\s\"\\{}\[\]$;#]+", text):
        return text
    inner = re.sub(r'([\\"\[\]${}])', r"\\\1", text).replace("\n", "\\n")
    return f'"{inner}"'


def expand(text: str, node: Any) -> str:
    """A string with its brackets carried out, seen from a node: `[value name.knob]`, `[getenv HOME]`, ...

    Raises:
        ValueError: a command that the stand-in does not know, or one that fails.
    """
    out: List[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in "[]$\\":
            out.append(text[at + 1])
            at += 2
        elif text[at] == "[":
            stop = _bracket(text, at)
            out.append(run(text[at + 1 : stop], node))
            at = stop + 1
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _bracket(text: str, at: int) -> int:
    depth = 0
    for here in range(at, len(text)):
        depth += {"[": 1, "]": -1}.get(text[here], 0)
        if depth == 0:
            return here
    raise ValueError(f"A bracket is not closed: {text[at:]!r}")


def run(command: str, node: Any) -> str:
    """One command's result.

    Raises:
        ValueError: see expand().
    """
    words = _words(command, node)
    name, rest = (words[0], words[1:]) if words else ("", [])
    if name in ("value", "knob"):
        return _value(rest, node, raw=name == "knob")
    if name == "getenv":
        return os.environ.get(rest[0], rest[1] if len(rest) > 1 else "")
    if name == "frame":
        return f"{node._session_frame():g}"
    if name == "file":
        return _file(rest)
    if name == "join":
        return (rest[1] if len(rest) > 1 else " ").join(split(rest[0]))
    if name == "format":
        return rest[0] % tuple(float(one) if "." in one else int(one) for one in rest[1:])
    raise ValueError(f'invalid command name "{name}"')


def _words(command: str, node: Any) -> List[str]:
    """A command's words. A bracket's result stays within its word, spaces and all; braces keep what they hold."""
    words: List[str] = []
    at = 0
    while at < len(command):
        if command[at].isspace():
            at += 1
        elif command[at] == "{":
            stop = closing(command, at)
            words.append(command[at + 1 : stop])
            at = stop + 1
        else:
            quoted = command[at] == '"'
            start = at = at + quoted
            while at < len(command) and not (command[at] == '"' if quoted else command[at].isspace()):
                at = _bracket(command, at) if command[at] == "[" else at + (command[at] == "\\")
                at += 1
            words.append(expand(command[start:at], node))
            at += quoted
    return words


def _value(words: List[str], node: Any, *, raw: bool) -> str:
    knob = node._find_knob(words[0])
    if knob is None:
        if len(words) > 1:
            return words[1]
        raise ValueError(f'Nothing is named "{words[0]}"')
    return str(knob.toScript() if raw else knob._text_value())


def _file(words: List[str]) -> str:
    what, path = words[0], words[1]
    if what == "dirname":
        # As Tcl: of a bare name it is ".".
        return os.path.dirname(path) or "."
    if what == "tail":
        return os.path.basename(path)
    if what == "rootname":
        return os.path.splitext(path)[0]
    if what == "extension":
        return os.path.splitext(path)[1]
    if what == "join":
        return "/".join(one.rstrip("/") for one in words[1:])
    if what == "exists":
        return str(int(os.path.exists(path)))
    raise ValueError(f'bad option "{what}" of file')
