"""Named trainings: network and schedule as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from frdm_engine.damage import PRESETS as RECIPES
from frdm_engine.damage import Recipe

DENSE = replace(RECIPES["heavy"], flicker=RECIPES["light"].flicker, stains=RECIPES["medium"].stains)
"""Much to learn from in each patch, and little of what drowns it."""


@dataclass(frozen=True)
class Preset:
    """How a model of that name is built and trained."""

    model: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``FilmRestorer``."""
    recipes: tuple[Recipe, ...] = (DENSE, RECIPES["archive-mixed"])
    """Damage of a window is drawn from one of these; one may repeat to be drawn more often."""
    patch: int = 128
    """Side of a patch, pixels."""
    frames: int = 2
    """Damaged windows a batch."""
    patches: int = 3
    """Patches from each of them."""
    rate: float = 8e-4
    """Peak learning rate of AdamW."""
    warmup: int = 200
    """Steps until that peak."""
    branches: float = 4.0
    """Factor on the learning rate of branches that start silent: prompt, frequency module, trust."""
    later: float = 0.25
    """Share of batches that train a later step of sampling instead of the first look."""


PRESETS: dict[str, Preset] = {
    "frdm-s": Preset(model={"width": 32, "features": 32, "prompt_dim": 64}),
    "frdm-b": Preset(model={"width": 80, "features": 64, "prompt_dim": 192}, frames=8, patches=4, rate=4e-4),
}
