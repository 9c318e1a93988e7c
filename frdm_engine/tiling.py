"""Cuts a frame into equal windows and blends their results: geometry alone, blind to what the pixels mean.

Coordinates are pixels from the data window's corner, x to the right, y down, ends exclusive; arrays are
(rows, columns). The frame is padded on its right and bottom to a multiple of the network's stride, so each
window's origin and size is such a multiple, and all windows of a plan have one size: the device sees one
shape, whatever the order of work.

Along each axis neighbouring windows overlap by at least two halos. In the middle of an overlap lies a seam,
where the weight of one window ramps down while the other's ramps up; outside the seams a pixel belongs to
one window alone. At least half a halo beside a window's inner edge, where the edge cuts what the network
can see, weighs nothing at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from frdm_engine.errors import DeviceError, SettingError

SMALLEST_TILE = 128
LARGEST_AUTOMATIC_TILE = 768

# Ramps are whole 4096ths, so 1 - w, the product of two weights and the sum of a pixel's four weights are
# exact in float32: weights sum to one in any order, and nothing needs normalising.
_RAMP_STEPS = 4096

Slices = tuple[slice, slice]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tile:
    """A window (wx0, wy0, wx1, wy1) of the padded frame, and the core (x0, y0, x1, y1) of the frame it owns.

    The cores of a plan divide the frame: every pixel lies in exactly one.
    """

    index: int
    x0: int
    y0: int
    x1: int
    y1: int
    wx0: int
    wy0: int
    wx1: int
    wy1: int

    @property
    def core(self) -> Slices:
        """(rows, columns) of the core in the frame."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def window(self) -> Slices:
        """(rows, columns) of the window in the padded frame."""
        return slice(self.wy0, self.wy1), slice(self.wx0, self.wx1)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an axis that the same windows contribute to: one, or two neighbours at their seam."""

    start: int
    stop: int
    windows: tuple[int, ...]

    def within(self, origin: int) -> slice:
        """The stretch as seen from `origin`."""
        return slice(self.start - origin, self.stop - origin)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: window i starts at `origins[i]`, its seam with the next at `seams[i]`, `ramp` long."""

    size: int
    window: int
    origins: tuple[int, ...]
    seams: tuple[int, ...]
    ramp: int

    def reach(self, i: int) -> tuple[int, int]:
        """Start and end of where window i has weight, within the frame."""
        last = len(self.seams)
        return (self.seams[i - 1] if i else 0), (self.seams[i] + self.ramp if i < last else self.size)

    def core(self, i: int) -> tuple[int, int]:
        """Start and end of what window i owns: from the middle of one seam to the middle of the next."""
        start, stop = self.reach(i)
        half = self.ramp // 2
        return (start + half if i else start), (stop - self.ramp + half if i < len(self.seams) else stop)

    def segments(self, i: int) -> list[Segment]:
        """The reach of window i in order: the seam before, what is its alone, the seam after."""
        start, stop = self.reach(i)
        alone_start = start + self.ramp if i else start
        alone_stop = stop - self.ramp if i < len(self.seams) else stop
        parts = (
            Segment(start, alone_start, (i - 1, i)),
            Segment(alone_start, alone_stop, (i,)),
            Segment(alone_stop, stop, (i, i + 1)),
        )
        return [part for part in parts if part.start < part.stop]

    def weights(self, i: int) -> Float32:
        """Weight of each position of window i, (window,), float32, 0..1; padding weighs like the edge."""
        weights = np.ones(self.window, dtype=np.float32)
        rise = _rise(self.ramp)
        if i:
            start = self.seams[i - 1] - self.origins[i]
            weights[:start] = 0
            weights[start : start + self.ramp] = rise
        if i < len(self.seams):
            start = self.seams[i] - self.origins[i]
            weights[start : start + self.ramp] = 1 - rise
            weights[start + self.ramp :] = 0
        return weights


@dataclass(frozen=True)
class Plan:
    """How one frame is cut; made by `plan`.

    The caller pads the frame by `pad_right` and `pad_bottom` pixels before it takes windows from it. They
    can outnumber the frame's own pixels, so repeat the edge rather than mirror it. `device_bytes` is the
    estimated need of one window.
    """

    width: int
    height: int
    tiles: tuple[Tile, ...]
    across: Axis
    down: Axis
    halo: int
    multiple: int
    device_bytes: int
    budget_bytes: int | None

    @property
    def columns(self) -> int:
        """How many windows lie side by side."""
        return len(self.across.origins)

    @property
    def rows(self) -> int:
        """How many windows lie one below the other."""
        return len(self.down.origins)

    @property
    def window_width(self) -> int:
        """The width of every window, halo included."""
        return self.across.window

    @property
    def window_height(self) -> int:
        """The height of every window, halo included."""
        return self.down.window

    @property
    def pad_right(self) -> int:
        """Columns to add on the right of the frame."""
        return _round_up(self.width, self.multiple) - self.width

    @property
    def pad_bottom(self) -> int:
        """Rows to add below the frame."""
        return _round_up(self.height, self.multiple) - self.height

    @property
    def computed_pixels(self) -> int:
        """Pixels of all windows together."""
        return len(self.tiles) * self.window_width * self.window_height

    @property
    def overhead(self) -> float:
        """Pixels computed for one pixel of the frame when every tile is run."""
        return self.computed_pixels / (self.width * self.height)

    def place(self, tile: Tile) -> tuple[int, int]:
        """The tile's (row, column) in the grid of tiles."""
        return divmod(tile.index, self.columns)

    def reach(self, tile: Tile) -> Slices:
        """(rows, columns) of the frame where the tile has any weight: it must run to change a pixel there."""
        row, column = self.place(tile)
        return slice(*self.down.reach(row)), slice(*self.across.reach(column))

    def weights(self, tile: Tile) -> Float32:
        """The tile's share of every pixel of its window, (rows, columns), float32, 0..1, a new array.

        Over all tiles the shares of any pixel, padding included, sum to exactly 1.
        """
        return np.multiply.outer(*self.profiles(tile))

    def profiles(self, tile: Tile) -> tuple[Float32, Float32]:
        """The weights down, (rows,), and across, (columns,), whose outer product is `weights(tile)`."""
        row, column = self.place(tile)
        rows, columns = self._profiles
        return rows[row], columns[column]

    def describe(self) -> str:
        """The plan for a person, in four lines."""
        padding = f", padded by {self.pad_right} right and {self.pad_bottom} below"
        budget = "no budget given" if self.budget_bytes is None else f"budget {_in_words(self.budget_bytes)}"
        return "\n".join(
            (
                f"frame   {self.width} x {self.height}{padding if self.pad_right or self.pad_bottom else ''}",
                f"tiles   {self.columns} x {self.rows} = {len(self.tiles)}, "
                f"windows {self.window_width} x {self.window_height}, halo {self.halo}",
                f"cost    {self.overhead:.2f} computed pixels per frame pixel",
                f"memory  {_in_words(self.device_bytes)} estimated on the device, {budget}",
            )
        )

    @cached_property
    def _profiles(self) -> tuple[list[Float32], list[Float32]]:
        down = [self.down.weights(i) for i in range(self.rows)]
        return down, [self.across.weights(i) for i in range(self.columns)]


def plan(
    width: int,
    height: int,
    *,
    tile: int | None = None,
    halo: int,
    multiple: int,
    budget_bytes: int | None = None,
    bytes_per_pixel: float = 0.0,
    fixed_bytes: int = 0,
) -> Plan:
    """Choose the windows for a frame of this size.

    `tile` bounds a window's edge, halo included; up to there the size is taken that computes the fewest
    pixels in all. Without it, the bound is the largest from 768 down to 128 whose window fits the budget. A
    window needs `fixed_bytes + bytes_per_pixel * its pixels` on the device.

    Raises:
        SettingError: a size makes no sense, or tile, halo and multiple do not go together.
        DeviceError: the window asked for, or the smallest there is, does not fit the budget.
    """
    _check(width, height, tile, halo, multiple)
    smallest = _round_up(max(SMALLEST_TILE, 2 * halo + multiple), multiple)
    largest = max(smallest, LARGEST_AUTOMATIC_TILE // multiple * multiple)
    # A larger bound never gives smaller windows nor more pixels in all, so the first that fits is the best.
    bounds = range(largest, smallest - 1, -multiple) if tile is None else (tile,)
    for bound in bounds:
        across, down = _cut(width, bound, halo, multiple), _cut(height, bound, halo, multiple)
        need = math.ceil(fixed_bytes + bytes_per_pixel * across.window * down.window)
        if budget_bytes is None or need <= budget_bytes:
            return Plan(
                width=width,
                height=height,
                tiles=_tiles(across, down),
                across=across,
                down=down,
                halo=halo,
                multiple=multiple,
                device_bytes=need,
                budget_bytes=budget_bytes,
            )
    remedy = "free device memory or use another device" if tile is None else "allow a smaller tile or leave it out"
    raise DeviceError(
        f"A window of {across.window} x {down.window} pixels for the {width} x {height} frame needs "
        f"{_in_words(need)} on the device and the budget is {_in_words(budget_bytes or 0)}: "
        f"raise the budget, {remedy}."
    )


class Blender:
    """Joins the tiles' results into one frame, (C, height, width) float32, in whatever order they come.

    A pixel has one, two or four contributors. Where it has one, the result is copied bit for bit; a seam
    waits until all its contributors are there, and they are then summed in the order of the tiles' indices,
    in float64, so the order of arrival leaves no trace and a constant comes out exactly. In raster order
    about one row of seams waits at a time, in any order at most all seams, whose share of the frame
    `Plan.overhead` bounds.
    """

    def __init__(self, plan: Plan, *, channels: int) -> None:
        """A frame of zeros to be filled; every tile of the plan must be added or skipped once."""
        self._plan = plan
        self._frame = np.zeros((channels, plan.height, plan.width), dtype=np.float32)
        self._missing = set(range(len(plan.tiles)))
        self._waiting: dict[tuple[int, int], dict[int, Float32 | None]] = {}

    def add(self, tile: Tile, values: Float32) -> None:
        """Take the tile's result: its whole window, (C, window_height, window_width), float32.

        Raises:
            ValueError: the values have another shape or type, or the tile is unknown or was here before.
        """
        expected = (self._frame.shape[0], self._plan.window_height, self._plan.window_width)
        if values.shape != expected or values.dtype != np.float32:
            raise ValueError(
                f"Tile {tile.index} must bring {expected} float32 values, not {values.shape} {values.dtype}."
            )
        self._take(tile, values)

    def skip(self, tile: Tile) -> None:
        """Let the tile contribute zeros.

        Raises:
            ValueError: the tile is unknown or was here before.
        """
        self._take(tile, None)

    def result(self) -> Float32:
        """The frame, (C, height, width) float32: the blender's own array, not a copy.

        Raises:
            ValueError: tiles are missing.
        """
        if self._missing:
            raise ValueError(
                f"{len(self._missing)} of {len(self._plan.tiles)} tiles were never added, "
                f"the first of them tile {min(self._missing)}: add or skip each."
            )
        return self._frame

    def _take(self, tile: Tile, values: Float32 | None) -> None:
        if tile.index not in self._missing or tile != self._plan.tiles[tile.index]:
            raise ValueError(f"Tile {tile.index} is not of this plan or was added before: add each tile once.")
        self._missing.remove(tile.index)
        row, column = self._plan.place(tile)
        for y, x in product(self._plan.down.segments(row), self._plan.across.segments(column)):
            part = None if values is None else values[:, y.within(tile.wy0), x.within(tile.wx0)]
            target = self._frame[:, y.within(0), x.within(0)]
            contributors = len(y.windows) * len(x.windows)
            if contributors == 1:
                if part is not None:
                    target[:] = part
                continue
            parts = self._waiting.setdefault((y.start, x.start), {})
            parts[tile.index] = None if part is None else part.copy()
            if len(parts) == contributors:
                target[:] = self._join(y, x, self._waiting.pop((y.start, x.start)))

    def _join(self, y: Segment, x: Segment, parts: dict[int, Float32 | None]) -> NDArray[np.float64]:
        """The weighted sum of a seam's parts in the order of their tiles, (C, rows, columns) float64."""
        total = np.zeros((self._frame.shape[0], y.stop - y.start, x.stop - x.start))
        for index, part in sorted(parts.items()):
            if part is not None:
                tile = self._plan.tiles[index]
                rows, columns = self._plan.profiles(tile)
                share = np.multiply.outer(rows[y.within(tile.wy0)], columns[x.within(tile.wx0)])
                total += part * share.astype(np.float64)
        return total


def _check(width: int, height: int, tile: int | None, halo: int, multiple: int) -> None:
    if width < 1 or height < 1:
        raise SettingError(f"A frame of {width} x {height} pixels has nothing to restore.")
    if multiple < 1 or halo < 0:
        raise SettingError(f"The multiple must be at least 1 and the halo at least 0, not {multiple} and {halo}.")
    if tile is None:
        return
    least = _round_up(2 * halo + multiple, multiple)
    if tile < 1 or tile % multiple:
        nearest = max(_round_up(max(tile, 1), multiple), least)
        raise SettingError(f"Tile {tile} is not a multiple of {multiple}: give --tile {nearest}.")
    if tile < least:
        raise SettingError(f"Tile {tile} leaves nothing between halos of {halo}: give --tile {least} or more.")


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _cut(size: int, bound: int, halo: int, multiple: int) -> Axis:
    """Cover an axis with even windows of at most `bound`, of the size that sums to the fewest pixels."""
    padded = _round_up(size, multiple) // multiple  # this and `window` count multiples, not pixels

    def count(window: int) -> int:
        stride = (window * multiple - 2 * halo) // multiple
        return 1 + math.ceil((padded - window) / stride)

    window, number = padded, 1
    if bound < padded * multiple:
        least = _round_up(2 * halo + multiple, multiple) // multiple
        window = min(range(bound // multiple, least - 1, -1), key=lambda window: count(window) * window)
        number = count(window)

    span = window * multiple
    origins = tuple(i * (padded - window) // max(number - 1, 1) * multiple for i in range(number))
    strides = [after - before for before, after in pairwise(origins)]
    # No longer than a stride, or a pixel could belong to three windows of one axis.
    ramp = min([2 * halo, *strides, *(span - stride - 2 * (halo // 2) for stride in strides)])
    seams = tuple((before + span + after - ramp) // 2 for before, after in pairwise(origins))
    return Axis(size=size, window=span, origins=origins, seams=seams, ramp=ramp)


def _tiles(across: Axis, down: Axis) -> tuple[Tile, ...]:
    """The tiles in raster order."""
    tiles: list[Tile] = []
    for row, column in product(range(len(down.origins)), range(len(across.origins))):
        (x0, x1), (y0, y1) = across.core(column), down.core(row)
        wx0, wy0 = across.origins[column], down.origins[row]
        wx1, wy1 = wx0 + across.window, wy0 + down.window
        tiles.append(Tile(len(tiles), x0, y0, x1, y1, wx0, wy0, wx1, wy1))
    return tuple(tiles)


def _rise(length: int) -> Float32:
    """A smooth step, 3t² - 2t³ in whole 4096ths, (length,), float32, nowhere 0 or 1: both sides count."""
    t = (np.arange(length) + 0.5) / max(length, 1)
    steps = np.clip(np.round(t * t * (3 - 2 * t) * _RAMP_STEPS), 1, _RAMP_STEPS - 1)
    return (steps / _RAMP_STEPS).astype(np.float32)


def _in_words(count: int) -> str:
    """A number of bytes in the binary unit that suits it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
