"""Dirt: what lies on the film for one frame, from specks of dust to hairs and blotches.

Sizes and the mix of kinds follow 12,136 defects marked by hand on ten 35 mm scans, taken as fractions of the
scan's width (the annotations of FilmDamageSimulator, Ivanova and others, 2022):

    marked as     share   median length   sd of log   nine in ten under   longest
    dust          62.9 %     1.8e-3          0.27           2.7e-3          8.5e-3
    dirt          22.2 %     2.8e-3          0.43           5.4e-3         41.8e-3
    short hair    11.0 %     7.8e-3          0.61          15.2e-3         34.0e-3
    long hair      3.3 %    22.5e-3          0.44          40.5e-3        120.0e-3
    scratch        0.5 %    47.7e-3          0.89         137.2e-3        621.1e-3

A scan holds 77 to 1,817 of them, 1,387 in the median. Most of the dust is then some nine pixels of five thousand
and not to be seen in a frame of 854, which is why `density` is far lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from frdm_engine.damage import film, shapes
from frdm_engine.damage.drawing import REFERENCE_WIDTH, Array, Canvas, Rng, Shot, between, log_between, stream
from frdm_engine.damage.film import Law
from frdm_engine.damage.grain import noise_patch
from frdm_engine.damage.settings import check, number, span

KIND = 0  # in CLASSES
_SHOT, _FRAME, _DEFECT = 10, 11, 12

#: Share of halos that are shadows, and of the rings that have the other polarity than what they surround.
SHADOWS, OPPOSITE = 0.3, 0.75


@dataclass(frozen=True)
class Size:
    """Log-normal length of one kind of dirt, as a fraction of the frame's width, and what its shape needs.

    `length` is the median, `spread` the standard deviation of the natural log, `longest` a hard end;
    `aspect` the span of length over width; `templates` the kinds of cut shapes that may stand in.
    """

    length: float
    spread: float
    longest: float
    aspect: tuple[float, float]
    templates: tuple[str, ...] = ()


#: Speck, spot, fibre and hair start from what was marked by hand on ten 35 mm scans: median lengths of dust
#: 1.8e-3, dirt 2.8e-3, short hair 7.8e-3, long hair 22.5e-3 of the width; sd of the log 0.27, 0.43, 0.61,
#: 0.44; nine boxes in ten under 1.5, 2.0, 4.8 and 6.9 times as long as wide. The medians of spots and hairs
#: and the spreads are raised, since archive prints are worse than those scans; the rest is estimated.
SIZES = {
    "speck": Size(1.8e-3, 0.35, 9e-3, (1.0, 1.9)),
    "spot": Size(3.2e-3, 0.55, 42e-3, (1.0, 2.6), ("dots",)),
    "blotch": Size(14e-3, 0.65, 70e-3, (1.0, 3.0), ("smut", "dots", "stain")),
    "fibre": Size(7.8e-3, 0.61, 34e-3, (3.0, 12.0), ("hair-short",)),
    "hair": Size(34e-3, 0.75, 250e-3, (12.0, 80.0), ("hair",)),
    "lint": Size(26e-3, 0.60, 120e-3, (8.0, 25.0), ("lint",)),
    "sparkle": Size(22e-3, 0.60, 90e-3, (1.0, 1.0), ("sprinkles", "dirt", "spots")),
    "trace": Size(50e-3, 0.60, 300e-3, (1.0, 1.0)),
}

#: The one of `KINDS` each is labelled as.
LABELS = {
    "speck": "dust",
    "spot": "dust",
    "blotch": "blotch",
    "fibre": "hair",
    "hair": "hair",
    "lint": "hair",
    "sparkle": "sparkle",
    "trace": "dust",
}


@dataclass(frozen=True)
class DirtSettings:
    """How much dirt, of what kind and look. Spans are drawn from once a shot, chances once a defect.

    Args:
        presence: chance that a shot has dirt at all.
        density: median number of defects in a frame of 854x480.
        shot_spread, frame_spread: sd of the natural log of that number over shots, and over a shot's frames.
        burst, burst_factor: chance of a far dirtier frame, and how many times dirtier.
        speck, spot, blotch, fibre, hair, lint, sparkle, trace: weights of the kinds, a trace being dots or dashes in a
            row (dust, dirt, short and long hair
            were measured as 63:22:11:3; archive prints show more of the large ones).
        white: share of white among black and white dirt; dirt on a negative prints white.
        gray: share of mid-gray dirt.
        faint: share of translucent dirt, which acts as a filter; the rest is matter of its own level.
        faint_opacity: span of the opacity of translucent dirt, the share of a code value that dark dirt takes.
        opacity: span of the opacity of the rest.
        soft: sigma of the edges in reference pixels, which film and scanner leave (per shot).
        defocus: chance of dirt lying off the focus, up to 3.5 times as soft.
        halo: chance of a soft ring around a defect, mostly of the opposite polarity, as lenses make of what lies off
            the focus, or of the soft shadow of one that lies above the film.
        tint: chance of a coloured defect; never in monochrome shots.
        texture: chance that the inside carries grain and unevenness.
        repeat: chance that a defect shows in the next frame too, at the same place.
        cut_shapes: share of defects taken from templates where there are any.
    """

    presence: float = number(1.0, 0, 1)
    density: float = number(36.5, 0, 5000)
    shot_spread: float = number(0.35, 0, 2)
    frame_spread: float = number(0.35, 0, 2)
    burst: float = number(0.02, 0, 1)
    burst_factor: tuple[float, float] = span((2.5, 6.0), 1, 50)
    speck: float = number(0.50, 0, 1)
    spot: float = number(0.24, 0, 1)
    blotch: float = number(0.03, 0, 1)
    fibre: float = number(0.13, 0, 1)
    hair: float = number(0.055, 0, 1)
    lint: float = number(0.015, 0, 1)
    sparkle: float = number(0.02, 0, 1)
    trace: float = number(0.012, 0, 1)
    white: tuple[float, float] = span((0.1, 0.9), 0, 1)
    gray: float = number(0.08, 0, 1)
    faint: float = number(0.45, 0, 1)
    faint_opacity: tuple[float, float] = span((0.10, 0.5), 0, 1)
    opacity: tuple[float, float] = span((0.5, 1.0), 0, 1)
    soft: tuple[float, float] = span((0.3, 0.9), 0, 5)
    defocus: float = number(0.08, 0, 1)
    halo: float = number(0.08, 0, 1)
    tint: float = number(0.06, 0, 1)
    texture: float = number(0.35, 0, 1)
    repeat: float = number(0.03, 0, 1)
    cut_shapes: float = number(0.4, 0, 1)

    def __post_init__(self) -> None:
        check(self)


class Dirt:
    """The dirt of one shot."""

    def __init__(self, settings: DirtSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        rng = stream(shot.seed, _SHOT)
        weights = np.array([getattr(settings, name) for name in SIZES])
        # No two shots have the same mix: one is hairy, another dusty.
        weights = weights * np.exp(rng.normal(0, 0.4, len(weights)))
        self._shares = weights / max(float(weights.sum()), 1e-9)
        here = rng.random() < settings.presence and weights.sum() > 0
        self._density = float(here) * settings.density * shot.area * np.exp(settings.shot_spread * rng.normal())
        self._white = between(rng, settings.white)
        self._soft = between(rng, settings.soft) * max(shot.scale, 0.6)
        angle = rng.uniform(0, 2 * np.pi)
        self._light = np.sin(angle), np.cos(angle)  # which way shadows fall

    def count(self, frame: int) -> int:
        """How many defects begin in this frame."""
        return len(self._plan(frame)[0])

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the defects of this frame, and those that stayed from the last."""
        kinds, places, _ = self._plan(frame)
        for index, kind in enumerate(kinds):
            self._defect(canvas, frame, index, kind, places[index])
        kinds, places, stays = self._plan(frame - 1)
        for index in np.flatnonzero(stays).tolist():
            self._defect(canvas, frame - 1, index, kinds[index], places[index])

    def _plan(self, frame: int) -> tuple[list[str], Any, Any]:
        """Kind, place (y, x) as fractions of the frame, and whether it stays, for each defect of a frame."""
        rng = stream(self.shot.seed, _FRAME, frame)
        mean = self._density * np.exp(self.settings.frame_spread * rng.normal())
        if rng.random() < self.settings.burst:
            mean *= between(rng, self.settings.burst_factor)
        count = int(rng.poisson(mean))
        kinds = [str(kind) for kind in rng.choice(list(SIZES), count, p=self._shares)] if count else []
        return kinds, rng.random((count, 2)), rng.random(count) < self.settings.repeat

    def _defect(self, canvas: Canvas, frame: int, index: int, kind: str, place: Any) -> None:
        rng, settings, shot = stream(self.shot.seed, _DEFECT, frame, index), self.settings, self.shot
        label = LABELS[kind]
        soft = self._soft * (between(rng, (1.5, 3.5)) if rng.random() < settings.defocus else 1.0)
        alpha = self._shape(rng, kind, soft)
        faint = rng.random() < settings.faint
        opacity = between(rng, settings.faint_opacity if faint else settings.opacity)
        level, colour = self._colour(rng)
        tint = None
        if not shot.monochrome and rng.random() < settings.tint:
            tint = rng.uniform(0.0, 1.0, 3).astype(np.float32)
            tint[int(rng.integers(3))] = 1
        top = round(place[0] * shot.height - alpha.shape[0] / 2)
        left = round(place[1] * shot.width - alpha.shape[1] / 2)
        if rng.random() < settings.halo and min(alpha.shape) > 4:
            self._halo(rng, canvas, label, alpha, (top, left), level, soft)
        textured = max(alpha.shape) > 5 and rng.random() < settings.texture
        if faint and not 0.3 < level < 0.7:
            if textured:
                alpha = alpha * (1 + 4 * self._texture(rng, alpha.shape)[..., 0])
            law = _filter(rng, level, opacity)
            canvas.blend(label, alpha, top=top, left=left, colour=law, tint=tint, opacity=opacity)
            return
        if textured:
            colour = colour + self._texture(rng, alpha.shape)
        canvas.blend(label, alpha * np.float32(opacity), top=top, left=left, colour=colour, tint=tint)

    def _halo(
        self, rng: Rng, canvas: Canvas, label: str, alpha: Array, place: tuple[int, int], level: float, soft: float
    ) -> None:
        """A soft ring, mostly of the opposite polarity, or the shadow of what lies above the film."""
        ring = shapes.soften(alpha, 1.0 + soft)
        margin = (ring.shape[0] - alpha.shape[0]) // 2
        top, left = place[0] - margin, place[1] - margin
        if rng.random() < SHADOWS:
            far = between(rng, (1.0, 3.0)) * max(self.shot.scale, 0.7)
            top, left = top + round(far * self._light[0]), left + round(far * self._light[1])
            law = film.takes_light(between(rng, (0.15, 0.5)))
        else:
            bright = (level < 0.5) == (rng.random() < OPPOSITE)
            law = film.gives_light(between(rng, (0.1, 0.4))) if bright else film.takes_light(between(rng, (0.1, 0.4)))
            ring = np.minimum(1.6 * ring, 1).astype(np.float32)
        canvas.blend(label, ring, top=top, left=left, colour=law, opacity=0.4)

    def _shape(self, rng: Rng, kind: str, soft: float) -> Array:
        size = SIZES[kind]
        pixels = REFERENCE_WIDTH * self.shot.scale
        length = min(size.length * float(np.exp(size.spread * rng.normal())), size.longest) * pixels
        length = max(length, 1.0)
        width = max(length / log_between(rng, size.aspect), 0.8)
        templates = self.shot.templates
        if templates and length > 3 and rng.random() < self.settings.cut_shapes:
            offered = tuple(name for name in size.templates if name in templates.kinds)
            if offered:
                return shapes.soften(templates.shape(offered, rng, length), soft)
        # A hair's thickness has little to do with its length.
        thickness = max(0.5, float(1.1 * np.exp(0.35 * rng.normal())) * max(self.shot.scale, 0.7))
        curl = 0.5 + abs(float(rng.normal(0, 1.5)))
        make: dict[str, Callable[[], Array]] = {
            "speck": lambda: shapes.speck(rng, length, width, soft),
            "spot": lambda: shapes.blob(rng, length, width, soft),
            "blotch": lambda: shapes.blob(rng, length, width, soft, holes=rng.random()),
            "fibre": lambda: shapes.strand(rng, length, thickness, curl, soft),
            "hair": lambda: shapes.strand(rng, length, thickness, 1.6 * curl, soft),
            "lint": lambda: shapes.tangle(rng, length, thickness, soft),
            "sparkle": lambda: shapes.cluster(rng, length, 1.4 * self.shot.scale, soft),
            "trace": lambda: shapes.trace(rng, length, 1.6 * thickness, soft),
        }
        if kind == "spot" and length < 3.5:
            kind = "speck"
        return make[kind]()

    def _colour(self, rng: Rng) -> tuple[float, Array]:
        """A code value and its colour (3,): near white, near black or somewhere between."""
        if rng.random() < self.settings.gray:
            level = between(rng, (0.2, 0.8))
        elif rng.random() < self._white:
            level = 1.02 - 0.25 * float(rng.random()) ** 2
        else:
            level = 0.25 * float(rng.random()) ** 2
        cast = 0.0 if self.shot.monochrome else 0.03
        return level, np.asarray(level + rng.normal(0, 1, 3) * cast, np.float32)

    def _texture(self, rng: Rng, shape: tuple[int, ...]) -> Array:
        """Unevenness (h, w, 1) of the inside, in code values."""
        rough = noise_patch(rng, shape[0], shape[1], 1.0 + 2.0 * float(rng.random() < 0.5))
        return rough[..., None] * np.float32(between(rng, (0.01, 0.10)))


def _filter(rng: Rng, level: float, opacity: float) -> Law:
    """Translucent dirt: on a print it takes light, on a negative it gives light, or it rubbed off some dye."""
    if level < 0.5:
        return film.takes_light(-2 * float(np.log10(1 - min(opacity, 0.97))))
    if rng.random() < 0.5:
        return film.gives_light(2 * float(np.log10(1 + 2 * opacity)))
    return film.loses_dye(opacity)
