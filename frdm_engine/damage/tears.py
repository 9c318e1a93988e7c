"""Tears: a jagged crack from the frame's edge into the picture, the film beside it shifted and curled.

Most begin at the perforations and so at a side. A tear is gone in the next frame, or runs through two. Figures are
estimates from archive film.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage import shapes
from frdm_engine.damage.drawing import Array, Canvas, Rng, Shot, between, log_between, stream
from frdm_engine.damage.settings import check, number, span

KIND = "tear"
_HERE, _LOOK = 75, 76


@dataclass(frozen=True)
class TearSettings:
    """How often a tear shows and how it looks.

    Args:
        chance: share of frames that show one.
        two: share of tears that show in a second frame, at the same place.
        side: share that begin at the left or right; the rest begin at the head or foot.
        length: span of how far it runs in, as a fraction of the way across.
        width: span of its width where it begins, in pixels of the 854 px reference frame, log-uniform.
        jag: span of how far the crack jumps aside, as a share of its straight runs of some 20 pixels.
        light: share through which light falls; the others are dark.
        shift: span of how far one lip is displaced, in pixels of the reference frame.
        curl: chance of shading along the lips, where the film bends.
    """

    chance: float = number(1 / 150, 0, 0.5)
    two: float = number(0.2, 0, 1)
    side: float = number(0.8, 0, 1)
    length: tuple[float, float] = span((0.1, 0.75), 0.01, 1.5)
    width: tuple[float, float] = span((1.0, 9.0), 0.3, 100)
    jag: tuple[float, float] = span((0.08, 0.4), 0, 3)
    light: float = number(0.7, 0, 1)
    shift: tuple[float, float] = span((0.0, 6.0), 0, 50)
    curl: float = number(0.7, 0, 1)

    def __post_init__(self) -> None:
        check(self)


class Tears:
    """The tears of one shot."""

    def __init__(self, settings: TearSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        self._rate = settings.chance / (1 + settings.two)

    def begun(self, frame: int) -> list[int]:
        """The frames in which the tears of this frame began: itself or the one before."""
        shown = []
        for first in (frame, frame - 1):
            rng = stream(self.shot.seed, _HERE, first)
            if rng.random() < self._rate and (first == frame or rng.random() < self.settings.two):
                shown.append(first)
        return shown

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the tears of this frame."""
        for first in self.begun(frame):
            self._draw(stream(self.shot.seed, _LOOK, first), canvas)

    def _draw(self, rng: Rng, canvas: Canvas) -> None:
        """One tear, made as if it came from the left and turned to its edge in the end."""
        settings, unit = self.settings, max(self.shot.scale, 0.6)
        sideways, far_end = rng.random() < settings.side, rng.random() < 0.5
        across, along = self.shot.height, self.shot.width
        if not sideways:
            across, along = along, across
        length = max(between(rng, settings.length) * along, 6.0)
        x = np.arange(int(min(length, along)), dtype=np.float32)
        path = self._path(rng, x, unit) + np.float32(across * rng.uniform(0.05, 0.95))
        taper = np.clip(1 - x / np.float32(length), 0, 1) ** np.float32(0.6)
        width = np.float32(log_between(rng, settings.width) * unit) * taper
        ragged = 0.35 * shapes.wander(rng, x, 5 * unit) + 0.2 * shapes.wander(rng, x, 2)
        width *= np.clip(1 + ragged, 0.2, 2).astype(np.float32)
        shift = between(rng, settings.shift) * unit
        reach = max(6.0, 6 * shift, 0.12 * length)
        low = max(0, int(path.min() - reach - 2))
        high = min(across, int(path.max() + reach) + 3)
        if high - low < 2 or not len(x):
            return

        view = canvas.plate if sideways else canvas.plate.swapaxes(0, 1)
        view = view[low:high, ::-1][:, : len(x)] if far_end else view[low:high, : len(x)]
        away = np.arange(low, high, dtype=np.float32)[:, None] - path[None]
        # Distances are taken square to the crack, or it would thin out where it is steep.
        steep = np.gradient(path) if len(path) > 1 else np.zeros(1)
        square = np.abs(away) * (1 / np.sqrt(1 + steep * steep)).astype(np.float32)[None]
        alpha = np.clip(width[None] / 2 - square + np.float32(0.5), 0, 1) * np.minimum(width * 2, 1)[None]
        lip = np.exp(-np.abs(away) * np.float32(3 / reach)) * taper[None]
        lip[(lip < 0.03) | (np.abs(away) > reach)] = 0

        changed = self._shifted(view, away, lip, shift * rng.choice([-1, 1]))
        if rng.random() < settings.curl:
            # One lip bends towards the lamp and one away from it.
            shade = np.where(away > 0, lip, -lip) * np.float32(rng.normal(0, 0.25))
            changed = changed * (1 + np.clip(shade, -0.7, 0.7))[..., None]
        through = rng.random() < settings.light
        colour = np.float32(1.02 - 0.1 * rng.random() if through else 0.1 * rng.random())
        changed = changed + (colour - changed) * alpha[..., None]
        where = np.maximum(alpha, lip)
        change = (changed - view) * (where > 0)[..., None]
        if far_end:
            change, where = change[:, ::-1], where[:, ::-1]
        top, left = low, along - len(x) if far_end else 0
        if not sideways:
            change, where, top, left = change.swapaxes(0, 1), where.T, left, top
        # Seen or not is for `add` to judge: a shifted lip is as damaged as the crack.
        canvas.add(
            KIND,
            np.ascontiguousarray(change, np.float32),
            np.minimum(where * 2, 1).astype(np.float32),
            top=top,
            left=left,
        )

    def _path(self, rng: Rng, x: Array, unit: float) -> Array:
        """How far the crack strays from straight at each step (n,): short straight runs with sharp turns."""
        jag, run = between(rng, self.settings.jag), rng.uniform(12, 28) * unit
        bend, coarse, fine = (shapes.wander(rng, x, step) for step in (5 * run, run, run / 4))
        path = rng.normal(0, 0.3) * x + run * (0.9 * bend + jag * coarse + 0.3 * jag * fine)
        return np.asarray(path - path[0], np.float32)

    @staticmethod
    def _shifted(view: Array, away: Array, lip: Array, shift: float) -> Array:
        """`view` (h, w, 3) with what lies on one side of the crack pulled by `shift` pixels."""
        if abs(shift) < 0.25:
            return view
        rows, columns = np.mgrid[0 : view.shape[0], 0 : view.shape[1]].astype(np.float32)
        pulled = np.where(away > 0, lip, 0).astype(np.float32) * np.float32(shift)
        source, columns, rows = np.ascontiguousarray(view), columns + pulled, rows + np.float32(0.6) * pulled
        moved = cv2.remap(
            source,
            columns,
            rows,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(moved, np.float32)
