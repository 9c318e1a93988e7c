"""docs/damage.md names every setting and states its presets as they are."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from frdm_engine.damage import PRESETS, Recipe

PAGE = Path(__file__).parents[2] / "docs" / "damage.md"
PARTS = [item.name for item in fields(Recipe) if is_dataclass(getattr(Recipe(), item.name))]


def shown(value: float | tuple[float, float]) -> str:
    return f"{value[0]:.4g} to {value[1]:.4g}" if isinstance(value, tuple) else f"{value:.4g}"


@pytest.mark.parametrize("part", PARTS)
def test_every_setting_is_told_with_its_presets(part: str) -> None:
    page = PAGE.read_text(encoding="utf-8").split(f"### `{part}`\n")[1].split("\n### ")[0]
    for item in fields(getattr(Recipe(), part)):
        presets = [shown(getattr(getattr(recipe, part), item.name)) for recipe in PRESETS.values()]
        assert f"| `{item.name}` | {' | '.join(presets)} |" in page


def test_the_example_recipe_loads() -> None:
    example = PAGE.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    assert Recipe.from_json(example).dirt.density == 60
