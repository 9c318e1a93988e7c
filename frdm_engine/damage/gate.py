"""Hair in the gate: a hair or lump of fluff caught at the frame's edge, nearly still for tens of frames.

In the camera's or printer's gate it shadows the film and so does not weave with the picture. Figures are estimates
from archive film.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage import shapes
from frdm_engine.damage.drawing import REFERENCE_WIDTH, Array, Canvas, Rng, Shot, between, log_between, stream
from frdm_engine.damage.lives import Life, Lives
from frdm_engine.damage.settings import check, number, span

KIND = "hair"
_SHOT, _LIVES, _BODY, _FRAME = 85, 86, 87, 88

#: Frames between two turns of the slow sway.
SWAY = 12


@dataclass(frozen=True)
class GateSettings:
    """How often there is something in the gate and how it looks.

    Args:
        presence: chance that a shot has it.
        alive: mean number at any time, in a shot that has it.
        life: span of how long one stays, in frames, log-uniform.
        length: span of how far it reaches in, as a fraction of the frame's width, log-uniform.
        fluff: share of lumps of fluff; the rest are single hairs.
        light: share that print white, as hairs in the gate of a printer from a negative's do.
        opacity: span of the opacity.
        tremble: standard deviation of its turning about its root from frame to frame, in degrees.
    """

    presence: float = number(0.10, 0, 1)
    alive: tuple[float, float] = span((0.6, 2.0), 0, 50)
    life: tuple[float, float] = span((15.0, 250.0), 1, 400)
    length: tuple[float, float] = span((0.015, 0.14), 0.003, 1)
    fluff: float = number(0.3, 0, 1)
    light: float = number(0.1, 0, 1)
    opacity: tuple[float, float] = span((0.7, 1.0), 0, 1)
    tremble: float = number(0.35, 0, 20)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Caught:
    """One hair: the edge it hangs from, where along it as a fraction, and its look; lengths in pixels."""

    edge: int  # quarter turns from the top
    place: float
    length: float
    fluff: bool
    level: float
    opacity: float
    soft: float


class Gate:
    """What hangs in the gate in one shot."""

    def __init__(self, settings: GateSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        rng = stream(shot.seed, _SHOT)
        alive = float(rng.random() < settings.presence) * between(rng, settings.alive)
        self._lives = Lives(shot.seed, _LIVES, alive=alive, span=settings.life, make=self._caught)
        self._bodies: dict[tuple[int, int], tuple[Array, float]] = {}

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw what hangs in the gate in this frame."""
        for life in self._lives.at(frame):
            self._draw(life, frame, canvas)

    def _caught(self, rng: Rng) -> Caught:
        settings, unit = self.settings, max(self.shot.scale, 0.6)
        light = rng.random() < settings.light
        shade = 0.12 * float(rng.random()) ** 2
        return Caught(
            edge=int(rng.choice(4, p=[0.3, 0.15, 0.4, 0.15])),
            place=float(rng.uniform(0.03, 0.97)),
            length=max(log_between(rng, settings.length) * REFERENCE_WIDTH * self.shot.scale, 5.0),
            fluff=bool(rng.random() < settings.fluff),
            level=1.02 - shade if light else shade,
            opacity=between(rng, settings.opacity),
            soft=rng.uniform(0.4, 1.6) * unit,
        )

    def _draw(self, life: Life[Caught], frame: int, canvas: Canvas) -> None:
        caught, seed = life.what, self.shot.seed
        if life.key not in self._bodies:
            self._bodies[life.key] = self._body(stream(seed, _BODY, *life.key), caught)
        body, root = self._bodies[life.key]
        rng = stream(seed, _FRAME, *life.key, frame)
        knot, past = divmod(frame - life.born, SWAY)
        slow = [float(stream(seed, _FRAME, *life.key, -1, n).normal()) for n in (knot, knot + 1)]
        angle = self.settings.tremble * (3 * (slow[0] + (slow[1] - slow[0]) * past / SWAY) + rng.normal())
        turn = cv2.getRotationMatrix2D((root, 0.0), angle, 1.0)
        turn[0, 2] += rng.normal(0, 0.08)
        size = body.shape[1], body.shape[0]
        alpha = cv2.warpAffine(body, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        alpha = np.rot90(alpha, caught.edge) * np.float32(caught.opacity)
        height, width = self.shot.height, self.shot.width
        rows, columns = alpha.shape
        if caught.edge % 2:
            top, left = round(caught.place * height - rows / 2), 0 if caught.edge == 1 else width - columns
        else:
            top, left = 0 if caught.edge == 0 else height - rows, round(caught.place * width - columns / 2)
        colour = np.full(3, caught.level, np.float32)
        canvas.blend(KIND, np.ascontiguousarray(alpha), top=top, left=left, colour=colour)

    def _body(self, rng: Rng, caught: Caught) -> tuple[Array, float]:
        """The opacity (h, w) of a hair that hangs from the top, and the column of its root."""
        thick = max(0.8, rng.uniform(0.7, 1.8) * self.shot.scale)
        if caught.fluff:
            body = shapes.tangle(rng, caught.length, thick, caught.soft)
            lump = shapes.blob(rng, 0.4 * caught.length, 0.25 * caught.length, caught.soft, holes=1.0)
            top, left = (max(0, (a - b) // 2) for a, b in zip(body.shape, lump.shape, strict=True))
            here = body[top : top + lump.shape[0], left : left + lump.shape[1]]
            np.maximum(here, lump[: here.shape[0], : here.shape[1]], out=here)
        else:
            body = shapes.strand(rng, 1.4 * caught.length, thick, rng.uniform(0.4, 2.5), caught.soft)
        # The edge cuts it somewhere: only then does it hang from there.
        cut = int(body.shape[0] * rng.uniform(0.2, 0.45))
        body = body[cut:]
        weight = body[: max(2, len(body) // 8)].sum(axis=0)
        root = float((weight * np.arange(len(weight))).sum() / max(float(weight.sum()), 1e-6))
        return cv2.copyMakeBorder(body, 0, 3, 3, 3, cv2.BORDER_CONSTANT, value=0).astype(np.float32), root + 3
