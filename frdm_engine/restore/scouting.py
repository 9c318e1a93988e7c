"""Where the restorer looks: everywhere in a plan's tiles, or only around what the scout points at.

The scout (``model/scout.py``) marks cells of the frame. What it marks is joined to a few rectangles, each looked at in
a window of its own, and what is repaired there is followed over their borders until it ends: the scout need only find
a piece of each repair. Where that comes to no less than the tiles, the tiles are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.denoiser import CLASSES, LOCAL
from frdm_engine.model.frame_fusion import Box, both_columns
from frdm_engine.model.rectangles import Cells, Rectangle, rectangles
from frdm_engine.model.scout import CELL, scouted
from frdm_engine.restore.bars import BARS, Bars
from frdm_engine.restore.matte import hysteresis, probability
from frdm_engine.restore.window import Encoded, halved
from frdm_engine.tiling import Plan

Values = npt.NDArray[np.float32]

NOTHING = -30.0
"""Logit of damage where nobody looked."""
DENSE = 0.9
"""Share of the tiles' cost from which the tiles are looked at instead."""
ROUNDS = 6
"""How often repairs are followed, twice as far each time, before the tiles are looked at instead."""


def seen_by_scout(window: Sequence[Encoded], motion: Sequence[Tensor | None]) -> Tensor:
    """The scout's planes (1, C, H/2, W/2) of a window on the device, H and W as padded; see ``scouted``."""
    height, width = (2 * side for side in window[0].levels[0].shape[-2:])
    rows = both_columns([F.avg_pool2d(e.rows, (1, 2)) for e in window])
    columns = F.interpolate(rows, size=(height // 2, width // 2), mode="bilinear", align_corners=False)
    return scouted([halved(e.planes, height, width) for e in window], motion, columns)


@dataclass(frozen=True)
class Grid:
    """A plan's padded frame in cells, squares of ``Plan.multiple`` pixels, and what windows in it cost."""

    plan: Plan

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        side = self.plan.multiple
        return (self.plan.height + self.plan.pad_bottom) // side, (self.plan.width + self.plan.pad_right) // side

    def window(self, patch: Rectangle) -> Box:
        """The pixels that are looked at for a patch: a halo around it, as far as there is a frame."""
        side, (rows, columns) = self.plan.multiple, self.shape
        halo = -(-self.plan.halo // side)
        return (
            max(patch.x0 - halo, 0) * side,
            max(patch.y0 - halo, 0) * side,
            min(patch.x1 + halo, columns) * side,
            min(patch.y1 + halo, rows) * side,
        )

    def cost(self, patch: Rectangle) -> float:
        """What a patch costs, in pixels of a tile's window: its own, what motion needs around it, its start."""
        x0, y0, x1, y1 = self.window(patch)
        return _cost(x1 - x0, y1 - y0)

    def fits(self, patch: Rectangle) -> bool:
        """Whether its window asks for no more memory than a tile's."""
        x0, y0, x1, y1 = self.window(patch)
        return (x1 - x0) * (y1 - y0) <= self.plan.window_width * self.plan.window_height

    def dense(self) -> float:
        """What the tiles cost."""
        return len(self.plan.tiles) * _cost(self.plan.window_width, self.plan.window_height)


def _cost(width: int, height: int) -> float:
    return width * height + 0.3 * (width + 64) * (height + 64) + 20_000


def marked(plan: Plan, logits: Values, strength: float, force: Values | None) -> Cells:
    """Cells to look at: where the scout's logits (H/16, W/16), their odds multiplied by ``strength``, pass a half, and
    where the artist names a hole, ``force`` (H, W) over 0."""
    rows, columns = Grid(plan).shape
    many = plan.multiple // CELL
    found = probability(logits, strength) > 0.5
    out = np.asarray(found.reshape(rows, many, columns, many).any(axis=(1, 3)), bool)
    if force is not None:
        out |= _any_in_cells(force > 0, plan)
    return out


def patches(cells: Cells, grid: Grid) -> list[Rectangle] | None:
    """The cells in rectangles that do not touch each other, in order; None where the tiles come cheaper."""
    made = rectangles(cells, grid.cost, most=DENSE * grid.dense(), fits=grid.fits)
    return made if made is None or all(grid.fits(patch) for patch in made) else None


@dataclass(frozen=True)
class Found:
    """fill (3, height, width) of a frame, model encoding, and the logits (2, height, width) of dirt and scratches."""

    fill: Values
    logits: Values

    @classmethod
    def nothing(cls, picture: Values) -> Found:
        """No damage in a picture (height, width, 3); it is its own fill."""
        logits = np.broadcast_to(np.float32(NOTHING), (LOCAL, *picture.shape[:2]))
        return cls(picture.transpose(2, 0, 1), logits)


def look_around(
    plan: Plan, cells: Cells, look: Callable[[Box], Values], *, strength: float, base: Values
) -> tuple[Found, float] | None:
    """What is found where cells are marked, and what repairs there run on into.

    ``look`` gives fill and logits (5, h, w) of a part of the padded frame; elsewhere the logits say that there is
    nothing, and ``base`` (height, width, 3) is its own fill, as grain is matched across the border. Beside them the
    share of the tiles' pixels that was looked at. None where the tiles come cheaper.
    """
    grid = Grid(plan)
    seen: dict[Rectangle, Values] = {}
    looked = 0
    for turn in range(ROUNDS + 1):
        chosen = patches(cells, grid)
        if chosen is None:
            return None
        for patch in chosen:
            if patch not in seen:
                box = grid.window(patch)
                seen[patch] = _core(look(box), patch, box, plan.multiple)
                looked += (box[2] - box[0]) * (box[3] - box[1])
        seen = {patch: seen[patch] for patch in chosen}
        further = cells.copy()
        for patch, values in seen.items():
            _follow(further, patch, values[3:], strength, 1 << turn, plan.multiple)
        if (further == cells).all():
            return _laid(plan, seen, base), looked / plan.computed_pixels
        cells = further
    return None


def _core(values: Values, patch: Rectangle, box: Box, side: int) -> Values:
    left, top = patch.x0 * side - box[0], patch.y0 * side - box[1]
    return values[:, top : top + (patch.y1 - patch.y0) * side, left : left + (patch.x1 - patch.x0) * side].copy()


def _follow(cells: Cells, patch: Rectangle, logits: Values, strength: float, far: int, side: int) -> None:
    """Marks a patch, and ``far`` more cells where a repair in it, told by its logits (C, h, w), meets its border."""
    rows, columns = cells.shape
    cells[patch.y0 : patch.y1, patch.x0 : patch.x1] = True
    repaired = np.zeros(logits.shape[1:], bool)
    for name, plane in zip(CLASSES[:LOCAL], logits, strict=True):
        bars = BARS[name]  # a piece of a scratch is no line yet
        repaired |= hysteresis(probability(plane, strength), Bars(bars.high, bars.low, bars.full)) > 0

    def along(line: Cells) -> Cells:
        return np.asarray(line.reshape(-1, side).any(axis=1), bool)

    cells[max(patch.y0 - far, 0) : patch.y0, patch.x0 : patch.x1] |= along(repaired[0])
    cells[patch.y1 : min(patch.y1 + far, rows), patch.x0 : patch.x1] |= along(repaired[-1])
    cells[patch.y0 : patch.y1, max(patch.x0 - far, 0) : patch.x0] |= along(repaired[:, 0])[:, None]
    cells[patch.y0 : patch.y1, patch.x1 : min(patch.x1 + far, columns)] |= along(repaired[:, -1])[:, None]


def _laid(plan: Plan, seen: dict[Rectangle, Values], base: Values) -> Found:
    fill = np.array(base.transpose(2, 0, 1), np.float32, order="C")
    logits = np.full((LOCAL, plan.height, plan.width), NOTHING, np.float32)
    side = plan.multiple
    for patch, values in seen.items():
        rows = slice(patch.y0 * side, min(patch.y1 * side, plan.height))
        columns = slice(patch.x0 * side, min(patch.x1 * side, plan.width))
        part = values[:, : rows.stop - rows.start, : columns.stop - columns.start]
        fill[:, rows, columns], logits[:, rows, columns] = part[:3], part[3:]
    return Found(fill, logits)


def _any_in_cells(mask: Cells, plan: Plan) -> Cells:
    """Whether anything of a mask (height, width) lies in each cell."""
    side = plan.multiple
    padded = np.pad(mask, ((0, plan.pad_bottom), (0, plan.pad_right)))
    rows, columns = Grid(plan).shape
    return np.asarray(padded.reshape(rows, side, columns, side).any(axis=(1, 3)), bool)
