"""Splices: where two ends of film are joined, a bar at the frame line, its bright or dark edge, glue and tape.

A cement splice overlaps the ends by some 1.8 mm of a 35 mm frame's 19 mm and shows at the foot of one frame, the
head of the next or both, since joins are placed on the frame line. Figures are estimates from archive film.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage import film, shapes
from frdm_engine.damage.drawing import Array, Canvas, Rng, Shot, between, log_between, stream
from frdm_engine.damage.grain import noise_patch
from frdm_engine.damage.settings import check, number, span

KIND = "splice"
_JOIN, _LOOK, _SIDE = 70, 71, 72


@dataclass(frozen=True)
class SpliceSettings:
    """How often a splice shows and how it looks. Heights are fractions of the frame's.

    Args:
        chance: share of frames that show one.
        both: share of splices that show in both frames they join.
        height: span of the bar's height, log-uniform.
        density: span of what the overlap takes, in D.
        bright: share whose edge is a bright line, scraped or lifted, instead of a dark one.
        skew: standard deviation of the bar's slant, in bar heights from side to side.
        glue: chance of cement smeared into the picture, of 0.02 to 0.2 of the height.
        tape: chance of a tape instead, covering 0.1 to 0.45 of the height with a straight edge and bubbles.
    """

    chance: float = number(1 / 60, 0, 0.5)
    both: float = number(0.35, 0, 1)
    height: tuple[float, float] = span((0.008, 0.07), 0.002, 0.5)
    density: tuple[float, float] = span((0.15, 2.0), 0, 3)
    bright: float = number(0.55, 0, 1)
    skew: float = number(0.12, 0, 2)
    glue: float = number(0.6, 0, 1)
    tape: float = number(0.2, 0, 1)

    def __post_init__(self) -> None:
        check(self)


class Splices:
    """The splices of one shot."""

    def __init__(self, settings: SpliceSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        self._rate = settings.chance / (1 + settings.both)

    def sides(self, frame: int) -> list[tuple[int, bool]]:
        """The splices that show in this frame: which join, and whether it lies at the frame's foot."""
        shown = []
        for join, foot in ((frame, True), (frame - 1, False)):
            rng = stream(self.shot.seed, _JOIN, join)
            if rng.random() < self._rate:
                both, first = rng.random() < self.settings.both, rng.random() < 0.5
                if both or first == foot:
                    shown.append((join, foot))
        return shown

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the splices of this frame."""
        for join, foot in self.sides(frame):
            own = stream(self.shot.seed, _SIDE, join, int(foot))
            self._draw(stream(self.shot.seed, _LOOK, join), own, foot, canvas)

    def _draw(self, rng: Rng, own: Rng, foot: bool, canvas: Canvas) -> None:
        settings, height, width = self.settings, self.shot.height, self.shot.width
        unit = max(self.shot.scale, 0.6)
        # The join's look is alike on both sides; how far it reaches in is each side's own.
        dark, bright = between(rng, settings.density), rng.random() < settings.bright
        tape, glue = rng.random() < settings.tape, rng.random() < settings.glue
        bar = max(log_between(own, settings.height) * height, 1.5)
        x = np.arange(width, dtype=np.float32)
        slant = np.float32(rng.normal(0, settings.skew) * bar / width) * (x - width / 2)
        edge = (bar + slant + np.float32(0.25 * unit) * shapes.wander(own, x, 6 * unit)).astype(np.float32)

        if glue or tape:
            reach = bar + height * (rng.uniform(0.1, 0.45) if tape else log_between(own, (0.02, 0.2)))
            smear = self._cover(own, reach, edge, tape)
            law = film.takes_light(between(rng, (0.05, 0.3)) * self._cast(rng))
            if rng.random() < 0.35:
                law = film.gives_light(between(rng, (0.05, 0.3)))
            self._lay(canvas, smear, foot, law)
        rows = np.arange(min(height, int(edge.max() + 8 * unit) + 3), dtype=np.float32)[:, None]
        soft = np.float32(1 / (0.6 + 0.5 * unit))
        inside = np.clip((edge[None] - rows) * soft + np.float32(0.5), 0, 1)
        self._lay(canvas, inside, foot, film.takes_light(dark * self._cast(rng)))
        thick = np.float32(log_between(own, (0.8, 3.0)) * unit)
        broken = np.clip(np.float32(0.9) + np.float32(0.35) * shapes.wander(own, x, 25 * unit), 0, 1)
        line = np.clip((thick / 2 - np.abs(rows - edge[None])) * soft + np.float32(0.5), 0, 1) * broken
        self._lay(canvas, line, foot, film.loses_dye(rng.uniform(0.7, 1.0)) if bright else film.takes_light(1.6))

    def _cover(self, rng: Rng, reach: float, edge: Array, tape: bool) -> Array:
        """Opacity (h, W) of glue or tape, from the frame's edge inwards."""
        height, width = min(self.shot.height, int(reach * 1.4) + 4), self.shot.width
        rows = np.arange(height, dtype=np.float32)[:, None]
        x = np.arange(width, dtype=np.float32)
        cells = rng.standard_normal((max(2, height // 12), max(3, width // 20)), np.float32)
        uneven = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
        if tape:
            end = np.float32(reach) + edge - edge.mean()
            alpha = np.clip(end[None] - rows + np.float32(0.5), 0, 1)
            alpha *= np.float32(0.8) + np.float32(0.2) * np.clip(uneven, -1, 1)
            return np.asarray(np.maximum(alpha, 0), np.float32)
        ragged = np.maximum(0.3 + 0.7 * np.abs(shapes.wander(rng, x, width / 14)), 0) + 0.08 * shapes.wander(rng, x, 4)
        end = edge + np.float32(reach - edge.mean()) * ragged.astype(np.float32)
        alpha = np.clip((end[None] - rows) * np.float32(8 / max(reach, 8)) + np.float32(0.5), 0, 1)
        alpha *= np.clip(np.float32(0.7) + np.float32(0.35) * uneven, 0, 1)
        alpha *= np.clip(1 + np.float32(0.12) * noise_patch(rng, height, width, 1.0), 0, 1)
        return np.asarray(alpha, np.float32)

    def _cast(self, rng: Rng) -> Array:
        """Old cement and tape are yellowish: a weight of the density of each channel (3,)."""
        yellow = 0.0 if self.shot.monochrome else rng.uniform(0, 0.5)
        return np.array([1 - 0.4 * yellow, 1, 1 + yellow], np.float32)

    def _lay(self, canvas: Canvas, alpha: Array, foot: bool, law: film.Law) -> None:
        top = self.shot.height - alpha.shape[0] if foot else 0
        canvas.blend(KIND, alpha[::-1] if foot else alpha, top=top, left=0, colour=law)
