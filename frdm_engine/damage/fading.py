"""Fading: dyes that went pale over decades, a base that yellowed, and the uneven density of a drying print.

To grade this is the colourist's work, so fading alters the truth, like grain and weave. Dye losses of a few tens of
per cent in one layer are what dark storage at room temperature does in 20 to 50 years (Wilhelm and Brower, The
Permanence and Care of Color Photographs, 1993); most often cyan goes first, and the print turns red.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array, Shot, between, stream
from frdm_engine.damage.film import FLOOR
from frdm_engine.damage.settings import check, number, span

_SHOT = 90


@dataclass(frozen=True)
class FadingSettings:
    """How faded a shot is.

    Args:
        presence: chance that a shot is faded.
        common: span of the share of density all layers lost, which lowers contrast and lifts black.
        dye: span of the share that the worst layer lost besides; never in monochrome shots.
        cyan: share of shots where the worst is cyan; yellow and magenta have 3 and 1 parts of the rest.
        stain: span of the base's stain in D, in blue; a third of it in green; never in monochrome shots.
        gradient: chance that density differs from side to side and slowly breathes.
        slope: span of that difference, in D.
    """

    presence: float = number(0.40, 0, 1)
    common: tuple[float, float] = span((0.0, 0.25), 0, 0.9)
    dye: tuple[float, float] = span((0.0, 0.45), 0, 0.95)
    cyan: float = number(0.6, 0, 1)
    stain: tuple[float, float] = span((0.0, 0.15), 0, 1)
    gradient: float = number(0.2, 0, 1)
    slope: tuple[float, float] = span((0.01, 0.06), 0, 1)

    def __post_init__(self) -> None:
        check(self)


class Fading:
    """The fading of one shot."""

    def __init__(self, settings: FadingSettings, shot: Shot) -> None:
        self.shot = shot
        rng = stream(shot.seed, _SHOT)
        self._here = rng.random() < settings.presence
        kept = np.full(3, 1 - between(rng, settings.common))
        stain = between(rng, settings.stain) * np.array([0.0, 1 / 3, 1.0])
        draw, dye = rng.random(), between(rng, settings.dye)
        # Cyan dye rules red, yellow blue, magenta green; the other two layers lose a little as well.
        worst = 0 if draw < settings.cyan else 2 if draw < settings.cyan + 0.75 * (1 - settings.cyan) else 1
        losses = dye * rng.uniform(0, 0.35, 3)
        losses[worst] = dye
        self.kept = kept if shot.monochrome else kept * (1 - losses)
        self.stain = np.zeros(3) if shot.monochrome else stain
        slope = between(rng, settings.slope)
        self._slope = slope if rng.random() < settings.gradient else 0.0
        self._turn, self._phase = 2 * np.pi / rng.uniform(60, 400), rng.uniform(0, 2 * np.pi, 2)
        self._lean = rng.uniform(-1, 1, 2)

    def apply(self, frame: int, plate: Array) -> Array:
        """`plate` (H, W, 3) as it has faded; the plate itself if this shot has not."""
        if not self._here:
            return plate
        # density times `kept`, plus `stain`: transmission to a power, then a gain, by way of the logarithm
        light = np.maximum(plate, 0)
        light *= light
        light *= np.float32(1 - FLOOR)
        light += np.float32(FLOOR)
        power: Array = np.asarray(cv2.log(light), np.float32)
        stain = -np.log(10) * self.stain
        power = np.asarray(cv2.transform(power, np.column_stack([np.diag(self.kept), stain])), np.float32)
        if self._slope:
            x = np.linspace(-1, 1, self.shot.width)
            breath = 1 + 0.5 * np.sin(self._turn * frame + self._phase[0])
            uneven = self._lean[0] * x + self._lean[1] * (x * x - 1 / 3)
            power += (-np.log(10) * self._slope * breath * uneven).astype(np.float32)[None, :, None]
        faded: Array = np.asarray(cv2.exp(power), np.float32)
        faded -= np.float32(FLOOR)
        faded *= np.float32(1 / (1 - FLOOR))
        np.sqrt(np.maximum(faded, 0, out=faded), out=faded)
        faded += np.minimum(plate, 0)
        return faded
