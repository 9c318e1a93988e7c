"""Synthetic film damage with its truth: see `damager`."""

from frdm_engine.damage.damager import Damager, Labelled, Processed
from frdm_engine.damage.drawing import CLASSES, KINDS
from frdm_engine.damage.recipe import PRESETS, Recipe
from frdm_engine.damage.templates import Templates

__all__ = ["CLASSES", "KINDS", "PRESETS", "Damager", "Labelled", "Processed", "Recipe", "Templates"]
