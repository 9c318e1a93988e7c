"""Synthetic film damage with its truth: see `recipe`."""

from frdm_engine.damage.drawing import CLASSES
from frdm_engine.damage.recipe import PRESETS, Damager, Recipe
from frdm_engine.damage.templates import Templates

__all__ = ["CLASSES", "PRESETS", "Damager", "Recipe", "Templates"]
