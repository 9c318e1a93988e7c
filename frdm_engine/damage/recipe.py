"""Recipes: how damaged a plate gets, and the `Damager` that damages one shot by a recipe.

A frame's damage depends on the recipe, the seed, the frame's size and its number alone, so frames may be made
in any order and any number of times.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from frdm_engine.damage.dirt import Dirt, DirtSettings
from frdm_engine.damage.drawing import (
    REFERENCE_HEIGHT,
    REFERENCE_WIDTH,
    Array,
    Canvas,
    Shot,
    log_between,
    stream,
)
from frdm_engine.damage.flicker import Flicker, FlickerSettings
from frdm_engine.damage.grain import Grain, GrainSettings
from frdm_engine.damage.scratches import Scratches, ScratchSettings
from frdm_engine.damage.settings import check, from_plain, span, to_plain
from frdm_engine.damage.stains import Stains, StainSettings
from frdm_engine.damage.templates import Templates
from frdm_engine.damage.weave import Weave, WeaveSettings
from frdm_engine.errors import SettingError

_SHOT = 1


@dataclass(frozen=True)
class Recipe:
    """All that decides how a plate is damaged.

    Sizes are stated for a frame 854 pixels wide: a wider frame has proportionally larger defects, a narrower
    one is taken as cut from such a frame. `size_scale` is the span of a factor on all sizes, log-uniform.
    Each part's parameters, with units and sources, are told where it is made: `DirtSettings` and its like.
    """

    size_scale: tuple[float, float] = span((0.8, 2.2), 0.1, 20)
    dirt: DirtSettings = field(default_factory=DirtSettings)
    scratches: ScratchSettings = field(default_factory=ScratchSettings)
    stains: StainSettings = field(default_factory=StainSettings)
    flicker: FlickerSettings = field(default_factory=FlickerSettings)
    grain: GrainSettings = field(default_factory=GrainSettings)
    weave: WeaveSettings = field(default_factory=WeaveSettings)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def load(cls, name: str | Path) -> Recipe:
        """The preset of that name, or the recipe in that JSON file.

        Raises:
            SettingError: there is no such preset or file, or the file is no recipe.
        """
        if str(name) in PRESETS:
            return PRESETS[str(name)]
        try:
            return cls.from_json(Path(name).read_text(encoding="utf-8"))
        except OSError as error:
            presets = ", ".join(PRESETS)
            raise SettingError(f"{str(name)!r} is neither a damage recipe ({presets}) nor a file.") from error

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe written by `to_json`; what is left out keeps its default.

        Raises:
            SettingError: the text is no JSON, a name is unknown or a value does not fit.
        """
        try:
            plain = json.loads(text)
        except ValueError as error:
            raise SettingError(f"The damage recipe is not valid JSON: {error}.") from error
        return from_plain(cls, plain)

    def to_json(self) -> str:
        """This recipe as indented JSON."""
        return json.dumps(to_plain(self), indent=2) + "\n"


PRESETS = {
    "light": Recipe(
        size_scale=(0.8, 1.4),
        dirt=DirtSettings(density=7, burst=0.01, blotch=0.01, hair=0.03, faint=0.6),
        scratches=ScratchSettings(
            presence=0.35,
            running=(0.3, 1.0),
            standing=0.2,
            rain_presence=0.1,
            rain=(1, 6),
            scuff=0.03,
            opacity=(0.1, 0.6),
        ),
        stains=StainSettings(presence=0.1, alive=(0.3, 1.0), density=(0.04, 0.12)),
        flicker=FlickerSettings(presence=0.25, strength=(0.006, 0.012)),
        grain=GrainSettings(strength=(0.0, 0.02)),
        weave=WeaveSettings(presence=0.2, jitter=(0.03, 0.2), sway=(0, 0.3)),
    ),
    "medium": Recipe(
        dirt=DirtSettings(density=25),
        scratches=ScratchSettings(running=(0.5, 3.0), standing=0.4, rain_presence=0.25, rain=(2, 15)),
        stains=StainSettings(presence=0.3, alive=(0.4, 2.0)),
    ),
    "heavy": Recipe(
        size_scale=(1.0, 2.5),
        dirt=DirtSettings(density=150, burst=0.05, burst_factor=(1.5, 3.0)),
        scratches=ScratchSettings(
            presence=1.0, running=(4, 14), standing=2.0, rain_presence=0.6, rain=(10, 60), scuff=1.0
        ),
        stains=StainSettings(presence=0.8, alive=(1.0, 6.0), density=(0.08, 0.35)),
        flicker=FlickerSettings(presence=0.8, strength=(0.012, 0.05)),
        grain=GrainSettings(strength=(0.01, 0.04)),
        weave=WeaveSettings(presence=0.8, jitter=(0.1, 0.9), sway=(0, 1.5)),
    ),
    "archive-mixed": Recipe(),
}


class Damager:
    """Damages one shot: a stream of frames (height, width, 3) that belong together."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        seed: int,
        height: int,
        width: int,
        templates: Templates | None = None,
        monochrome: bool = False,
    ) -> None:
        """`monochrome` keeps grain and damage gray, for gray plates; `templates` adds cut shapes.

        Raises:
            SettingError: the frame is smaller than 8 pixels.
        """
        if min(height, width) < 8:
            raise SettingError(f"A frame of {width}x{height} pixels is too small to damage; the least is 8x8.")
        factor = log_between(stream(seed, _SHOT), recipe.size_scale)
        unit = max(1.0, width / REFERENCE_WIDTH)
        self.recipe = recipe
        self.shot = Shot(
            seed=seed,
            height=height,
            width=width,
            scale=factor * unit,
            area=height * width / (REFERENCE_HEIGHT * REFERENCE_WIDTH * unit**2),
            across=width / (REFERENCE_WIDTH * unit),
            monochrome=monochrome,
            templates=templates,
        )
        self._weave, self._grain = Weave(recipe.weave, self.shot), Grain(recipe.grain, self.shot)
        self._layers = (
            Flicker(recipe.flicker, self.shot),
            Stains(recipe.stains, self.shot),
            Scratches(recipe.scratches, self.shot),
            Dirt(recipe.dirt, self.shot),
        )

    def weave(self, frame: int, plate: Array) -> Array:
        """The clean plate as it lay in the gate; part of the truth, to be applied first."""
        return self._weave.move(frame, self._checked(plate))

    def grain(self, frame: int, plate: Array) -> Array:
        """The clean plate with grain; part of the truth, to be applied before the damage."""
        return self._grain.add(frame, self._checked(plate))

    def frame(self, frame: int, plate: Array) -> tuple[Array, Array]:
        """The damaged plate and what was done to it.

        Args:
            frame: the frame's number; may be negative.
            plate: (H, W, 3) float32, display-like code values about 0..1; left as it is.

        Returns:
            The damaged plate, alike, and mattes (H, W, 4) float32, 0..1, by `CLASSES`: each kind's opacity.
            Where all four are 0 the damaged plate equals the plate bit for bit.

        Raises:
            SettingError: the plate is not float32 of this shot's size.
        """
        canvas = Canvas(self._checked(plate).copy())
        for layer in self._layers:
            layer.draw(frame, canvas)
        return canvas.plate, canvas.mattes

    def _checked(self, plate: Array) -> Array:
        wanted = (self.shot.height, self.shot.width, 3)
        if plate.shape != wanted or plate.dtype != np.float32:
            raise SettingError(f"The plate must be float32 {wanted}, not {plate.dtype} {plate.shape}.")
        return np.ascontiguousarray(plate)
