"""The `Damager`: damages one shot by a recipe.

A frame's damage depends on the recipe, the seed, the frame's size and its number alone, so frames may be made
in any order and any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frdm_engine.damage.dirt import Dirt
from frdm_engine.damage.drawing import (
    BITS,
    CLASS_OF,
    LABELLED,
    REFERENCE_HEIGHT,
    REFERENCE_WIDTH,
    Array,
    Canvas,
    Shot,
    log_between,
    stream,
)
from frdm_engine.damage.fading import Fading
from frdm_engine.damage.flicker import Flicker
from frdm_engine.damage.gate import Gate
from frdm_engine.damage.grain import Grain
from frdm_engine.damage.mould import Mould
from frdm_engine.damage.recipe import Recipe
from frdm_engine.damage.scan import SPREAD, Scan, grown
from frdm_engine.damage.scratches import Scratches
from frdm_engine.damage.splices import Splices
from frdm_engine.damage.stains import Stains
from frdm_engine.damage.tears import Tears
from frdm_engine.damage.templates import Templates
from frdm_engine.damage.weave import Weave
from frdm_engine.errors import SettingError

_SHOT = 1


@dataclass(frozen=True)
class Labelled:
    """A damaged frame with all that is known of its damage.

    Args:
        plate: (H, W, 3) float32, damaged, display-like code values about 0..1.
        mattes: (H, W, 4) float32, 0..1, by `CLASSES`: each class's visible opacity.
        kinds: (H, W) uint16; bit i is set where ``KINDS[i]`` was drawn with a visible opacity over 0.05.
    """

    plate: Array
    mattes: Array
    kinds: npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Processed:
    """A frame that went through all of a recipe.

    Args:
        truth: (H, W, 3) float32, undamaged, but weaved, faded, grainy and scanned like the damaged one.
        plate: (H, W, 3) float32, damaged. Where all mattes are 0 it equals the truth bit for bit.
        broad: (H, W, 3) float32, the truth under flicker, stains and mould alone. Where the mattes of dirt and
            scratches are 0 it equals the plate bit for bit.
        mattes: (H, W, 4) float32, 0..1, by `CLASSES`.
        kinds: (H, W) uint16; bit i is set where ``KINDS[i]`` was drawn with a visible opacity over 0.05.
    """

    truth: Array
    plate: Array
    broad: Array
    mattes: Array
    kinds: npt.NDArray[np.uint16]


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
        self._fading, self._scan = Fading(recipe.fading, self.shot), Scan(recipe.scan, self.shot)
        self._broad = (
            Flicker(recipe.flicker, self.shot),
            Stains(recipe.stains, self.shot),
            Mould(recipe.mould, self.shot),
        )
        self._local = (
            Scratches(recipe.scratches, self.shot),
            Dirt(recipe.dirt, self.shot),
            Tears(recipe.tears, self.shot),
            Splices(recipe.splices, self.shot),
            Gate(recipe.gate, self.shot),
        )

    def weave(self, frame: int, plate: Array) -> Array:
        """The clean plate as it lay in the gate; part of the truth, to be applied first."""
        return self._weave.move(frame, self._checked(plate))

    def fade(self, frame: int, plate: Array) -> Array:
        """The clean plate as it has faded; part of the truth, to be applied after weave and before grain."""
        return self._fading.apply(frame, self._checked(plate))

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
        canvas = self._drawn(frame, plate)[0]
        return canvas.plate, canvas.mattes

    def labelled(self, frame: int, plate: Array) -> Labelled:
        """The same as `frame`, and which of `KINDS` lie at each pixel.

        Raises:
            SettingError: the plate is not float32 of this shot's size.
        """
        canvas = self._drawn(frame, plate)[0]
        return Labelled(canvas.plate, canvas.mattes, canvas.kinds)

    def scan(self, frame: int, truth: Array, damaged: Array, mattes: Array) -> tuple[Array, Array, Array]:
        """Truth, damaged plate and mattes (H, W, 4) as the scan left them; to be applied last.

        Where all mattes that come back are 0 both plates are alike bit for bit.

        Raises:
            SettingError: a plate is not float32 of this shot's size.
        """
        return self._scan.through(self._checked(truth), self._checked(damaged), mattes)

    def process(self, frame: int, plate: Array, *, grain: bool = True, damage: bool = True) -> Processed:
        """All of the recipe: weave, fading and grain make the truth, then comes damage, and the scan over both.

        Args:
            frame: the frame's number; may be negative.
            plate: (H, W, 3) float32, display-like code values about 0..1; left as it is.
            grain: whether to add the recipe's grain.
            damage: whether to damage it; without, plate and truth are alike.

        Raises:
            SettingError: the plate is not float32 of this shot's size.
        """
        truth = self.fade(frame, self.weave(frame, plate))
        if grain:
            truth = self.grain(frame, truth)
        found, broad = self._drawn(frame, truth, damage=damage)
        truth, damaged, mattes = self.scan(frame, truth, found.plate, found.mattes)
        local = mattes[..., :2].max(axis=2) > 0
        broad = np.where(local[..., None], self._scan.seen(broad), damaged) if local.any() else damaged
        kinds = found.kinds
        if mattes is not found.mattes:
            kinds = np.zeros_like(kinds)
            for kind, bit in BITS.items():
                here = (found.kinds & bit > 0).astype(np.uint8)
                if here.any():
                    seen = mattes[..., CLASS_OF[kind]] > LABELLED
                    kinds[(grown(here, SPREAD) > 0) & seen] |= bit
        return Processed(truth, damaged, broad, mattes, kinds)

    def _drawn(self, frame: int, plate: Array, *, damage: bool = True) -> tuple[Canvas, Array]:
        """The canvas with all damage, and the plate (H, W, 3) with what is broad alone."""
        canvas = Canvas(self._checked(plate).copy())
        for layer in self._broad if damage else ():
            layer.draw(frame, canvas)
        broad = canvas.plate.copy()
        for other in self._local if damage else ():
            other.draw(frame, canvas)
        return canvas, broad

    def _checked(self, plate: Array) -> Array:
        wanted = (self.shot.height, self.shot.width, 3)
        if plate.shape != wanted or plate.dtype != np.float32:
            raise SettingError(f"The plate must be float32 {wanted}, not {plate.dtype} {plate.shape}.")
        return np.ascontiguousarray(plate)
