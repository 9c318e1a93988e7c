"""Text without private words: only the words that FRDM uses by itself pass, paths and addresses never do."""

from __future__ import annotations

import ast
import builtins
import errno
import getpass
import os
import re
import socket
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

PATH, WORD = "<path>", "<...>"
SHIPPED = ("frdm_engine", "frdm_bridge", "frdm_install", "frdm_nuke", "frdm_resolve")
OTHERS = """
CUDA initialization: the NVIDIA driver on your system is too old, version is insufficient for runtime version.
Torch not compiled with CUDA enabled. No kernel image is available for execution on the device. Out of memory.
Cannot open shared object file: no such file or directory, undefined symbol, invalid ELF header, DLL load failed.
libcuda libcudart libcudnn libgomp libsodium libstdc libpython libzmq GLIBC GLIBCXX OpenMP MKL NCCL
SIGABRT SIGILL SIGKILL
SIGSEGV SIGBUS SIGTERM Traceback most recent call last"""
"""What torch, the loader and the system say of what the doctor looks for."""
_WORDS = re.compile(r"\w+")
_HASH = re.compile(r"[0-9a-f]{12,64}")
_NAME = r"[^\s'\"`,;()\[\]{}<>]*"
# A path: absolute or not, on any system. Blanks belong to it where a separator follows that no blank stands before.
_PATH = re.compile(
    rf"(?:(?:[A-Za-z]:)?[\\/~]|[^\s'\"`,;()\[\]{{}}<>=\\/]+[\\/]){_NAME}"
    rf"(?: [^\n'\"`,;()\[\]{{}}<>\\/]*[^\s'\"`,;()\[\]{{}}<>\\/][\\/]{_NAME})*"
)
_ADDRESS = re.compile(r"\b(?:tcp|ipc|https?|file)://[^\s'\"`,;()]+")
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# A config that OpenColorIO itself has by that name.
_BUILT_IN = re.compile(r"(\bocio://[\w.-]+)")
# Module and line of a traceback say where a fault lies; what is before the package is a private path.
_MODULE = re.compile(r"[^\s'\"]*[\\/]((?:" + "|".join(SHIPPED) + r")[\\/][\w\\/.]+\.py)")


class Scrubber:
    """Keeps the words of FRDM's own text, numbers and hashes.

    `known` are more words that may pass, `private` those that may not, though FRDM may use them too.
    """

    def __init__(self, known: Iterable[str] = (), *, private: Iterable[str] = ()) -> None:
        words = {word for text in (OTHERS, *_own_texts(), *known) for word in _WORDS.findall(text.casefold())}
        self._known = words - _private() - {word for text in private for word in _WORDS.findall(text.casefold())}

    def text(self, text: str) -> str:
        """A text with every path, address and unknown word replaced."""
        kept: list[str] = []

        def keep(match: re.Match[str]) -> str:
            kept.append(match[1].replace("\\", "/"))
            return f"\x00{len(kept) - 1}\x00"

        out = _BUILT_IN.sub(keep, _MODULE.sub(keep, text))
        out = _NUMBER.sub(WORD, _PATH.sub(PATH, _ADDRESS.sub("<address>", out)))
        out = _WORDS.sub(lambda match: match[0] if self._passes(match[0]) else "…", out)
        # A row of unknown words tells no more than one.
        out = re.sub(r"…(?:[\s._-]*…)+", "…", out).replace("…", WORD)
        return re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], out)

    def plain(self, data: Any) -> Any:
        """Plain data with every text in it scrubbed, keys too."""
        match data:
            case str():
                return self.text(data)
            case dict():
                return {self.text(str(key)): self.plain(value) for key, value in data.items()}
            case list() | tuple():
                return [self.plain(one) for one in data]
        return data

    def _passes(self, word: str) -> bool:
        small = word.casefold()
        return small in self._known or word.isdecimal() or _HASH.fullmatch(word) is not None or small == "path"


def _private() -> set[str]:
    """Words of this user and machine that may not pass, though FRDM may use them too."""
    names = {socket.gethostname(), *(os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME"))}
    try:
        names |= {getpass.getuser(), *Path.home().parts}
    except (OSError, RuntimeError, KeyError):
        names.discard("")  # a user without a name or home has none to keep back
    return {word for name in names for word in _WORDS.findall(name.casefold()) if not word.isdecimal()}


def _own_texts() -> Iterable[str]:
    """Every string and name in FRDM's sources, and the system's own words for what can go wrong."""
    for package in SHIPPED:
        try:
            root = Path(str(resources.files(package)))
        except ModuleNotFoundError:
            continue  # one that is missing has no words; that it is missing is told elsewhere
        for source in sorted(root.rglob("*.py")):
            yield from _texts(source)
    for number in errno.errorcode:
        yield os.strerror(number)
    yield from (name for name in dir(builtins) if name.endswith("Error"))


def _texts(source: Path) -> Iterable[str]:
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return  # a damaged file has no words to offer; `installation` tells of it
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(value)):
                yield value
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
