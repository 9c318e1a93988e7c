"""What is measured: a frame's size, how damaged it is, how it is stored, and in how many steps it is restored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from frdm_engine.errors import SettingError

SIZES = ("854x480", "1920x1080", "2048x1556", "4096x3112", "8192x4320")
HD, K4, K8 = (1920, 1080), (4096, 3112), (8192, 4320)
K2 = (2048, 1556)


@dataclass(frozen=True)
class Case:
    """``steps`` None: the model's own number; a case without a size is about no frame."""

    width: int = 0
    height: int = 0
    level: str = "heavy"
    compression: str = "zip"
    steps: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return self.width * self.height

    @property
    def words(self) -> str:
        """The size as it is written."""
        return f"{self.width}x{self.height}"

    def plain(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return asdict(self)


def parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Sizes such as ``854x480,1920x1080``, or ``all`` of the usual ones.

    Raises:
        SettingError: the text is no such list.
    """
    words = SIZES if text.strip() == "all" else tuple(word.strip() for word in text.split(",") if word.strip())
    sizes = []
    for word in words:
        parts = word.lower().split("x")
        if len(parts) != 2 or not all(part.isascii() and part.isdigit() and int(part) >= 64 for part in parts):
            raise SettingError(f"--sizes {word!r} is no size; write 1920x1080 (64 at least), or all.")
        sizes.append((int(parts[0]), int(parts[1])))
    if not sizes:
        raise SettingError("--sizes names none; write 1920x1080,4096x3112 or all.")
    return tuple(dict.fromkeys(sizes))
