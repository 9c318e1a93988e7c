"""Words and sizes as they are written on the command line and in shot lists."""

from __future__ import annotations

import re

from frdm_engine.errors import SettingError

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([kmgt])(?:i?b)?", re.IGNORECASE)
_POWERS = {"k": 10, "m": 20, "g": 30, "t": 40}


def parse_size(text: str, *, option: str) -> int:
    """Bytes of `24G`, `8GB`, `512MB` or `1.5 GiB`; units are powers of 1024, as memory is sold.

    Raises:
        SettingError: the text is no such size.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * 2 ** _POWERS[match[2].lower()]) if match else 0
    if size < 1:
        raise SettingError(f"{option} {text!r} is not a size; write 24G, 8GB or 512MB.")
    return size


def parse_names(text: str | None) -> tuple[str, ...]:
    """The words of a list such as `dirt,scratch`."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
