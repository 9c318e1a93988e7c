"""What is asked of a repair before it is laid in: measured on clips that neither training nor the benchmark has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """What a line must be.

    ``along``: mean over its rows of the surest pixel in each; ``sure``: share of its rows that have one over ``level``.
    From the first it is laid in faintly, from the second wholly: a scratch is as sure from end to end, a door's edge or
    a limb is so here and there.

    ``told``: with a pixel over the first in the second share of its rows it is laid in wholly all the same.

    ``gap``: rows, an even number, that two pieces of one line may lie apart; in those between nothing is sure.

    ``sides``: by how much the picture differs on its two sides, over what the repair changes, on the mean along it.
    From the first it is fainter, from the second it is none: a scratch lies on the picture, an edge parts it.
    """

    along: tuple[float, float]
    sure: tuple[float, float]
    sides: tuple[float, float]
    level: float = 0.8
    told: tuple[float, float] = (1.0, 1.0)
    gap: int = 16


@dataclass(frozen=True)
class Bars:
    """What a repair of one class must be. Probabilities, unless said otherwise.

    ``high``, ``low``: it holds a pixel at least as probable as the first, and reaches as far as pixels more probable
    than the second hang together (hysteresis). ``full``: from this a pixel is wholly replaced.

    ``certain``: where its surest pixel is less probable it is fainter by as much. So often is it right, and the harm
    done where it is not costs what a mended speck earns.

    ``line``: what it must be along its length.

    ``earns``: squared change, model encoding, it must be expected to earn for each sound pixel it is expected to touch.
    A faint stain earns little where it is one, and touches as much where it is none.

    ``least``, ``most``: share of the frame it covers. ``elongation``: how many times higher than wide it is on average.
    """

    high: float
    low: float
    full: float
    certain: float = 0.0
    line: Line | None = None
    earns: float = 0.0
    least: float = 0.0
    most: float = 1.0
    elongation: float = 0.0


BARS = {
    "dirt": Bars(high=0.4, low=0.1, full=0.3, certain=0.95),
    # A scratch is a line, a horse's leg is none.
    "scratch": Bars(
        high=0.9,
        low=0.3,
        full=0.5,
        line=Line(along=(0.8, 0.86), sure=(0.72, 0.76), sides=(0.7, 1.1), told=(0.975, 0.1)),
        elongation=6.0,
    ),
    # What is called a stain in the size of a speck is a speck; on half the frame it is smoke, mist or a fade.
    "stain": Bars(high=0.6, low=0.3, full=0.5, earns=1e-3, least=0.0005, most=0.25),
}
"""The bars of each class."""
