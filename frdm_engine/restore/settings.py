"""What an artist can set, checked once, recorded with every frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from frdm_engine.errors import SettingError
from frdm_engine.model.denoiser import CLASSES

GIB = 2**30


@dataclass(frozen=True)
class Settings:
    """Settings of a restoration. All of them, with the model and the plate, decide the pixels."""

    fix: tuple[str, ...] = CLASSES
    """Kinds of damage to mend."""
    strength: float = 1.0
    """Factor on the odds that a pixel is damaged: 0 mends nothing, 1 is as trained, 4 is bold."""
    steps: int | None = None
    """Sampling steps; None takes the model's own."""
    seed: int = 0
    """Key of all noise, grain included."""
    grain: float = 1.0
    """Share of the missing grain given back to repairs."""
    tile: int | None = None
    """Window size in pixels, halo included; None lets the plan choose."""
    vram: int = 24 * GIB
    """Device memory to stay under, bytes."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.fix if name not in CLASSES]
        if unknown or not self.fix:
            raise SettingError(f"--fix names {unknown[0] if unknown else 'nothing'}; choose from {', '.join(CLASSES)}.")
        if not 0 <= self.strength <= 16:
            raise SettingError(f"--strength is {self.strength:g}; give a number from 0 (no change) to 16.")
        if self.steps is not None and not 1 <= self.steps <= 64:
            raise SettingError(f"--steps is {self.steps}; give a whole number from 1 to 64.")
        if not 0 <= self.grain <= 4:
            raise SettingError(f"--grain is {self.grain:g}; give a number from 0 to 4.")

    def record(self) -> dict[str, Any]:
        """The settings that decide the pixels, as plain data for metadata and sidecars."""
        out = asdict(self) | {"fix": list(self.fix)}
        del out["vram"]
        return out
