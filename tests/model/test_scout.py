"""The scout: what it is shown of a window, and that it speaks of squares."""

from __future__ import annotations

import torch
from torch import Tensor

from frdm_engine.model.scout import CELL, Scout, scouted


def textured(seed: int, height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_it_is_shown_the_frame_its_neighbours_against_it_and_the_columns() -> None:
    halves = [textured(seed) for seed in range(5)]
    columns = textured(9)[:, :2]
    still: list[Tensor | None] = [None] * 4
    seen = scouted(halves, still, columns)
    assert seen.shape == (1, 23, 48, 64)
    torch.testing.assert_close(seen[:, :3], halves[2] - 0.5)
    for place, number in ((3, 0), (6, 1), (9, 3), (12, 4), (15, 1), (18, 3)):
        torch.testing.assert_close(seen[:, place : place + 3], halves[number] - halves[2])
    torch.testing.assert_close(seen[:, 21:], columns)


def test_neighbours_are_moved_by_the_coarse_motion() -> None:
    """Motion at a quarter of the size: three of its pixels are six of half size."""
    centre = textured(0)
    moved = centre.roll(6, dims=-1)
    coarse = torch.zeros(1, 2, 24, 32)
    coarse[:, 0] = 3
    seen = scouted([moved, moved, centre, moved, moved], [coarse] * 4, torch.zeros(1, 2, 48, 64))
    inside = (..., slice(8, -8))
    assert seen[:, 3:15][inside].abs().max() < 1e-4
    assert seen[:, 15:21][inside].abs().mean() > 0.1


def test_it_begins_undecided_and_speaks_of_squares() -> None:
    scout = Scout(neighbours=4)
    said = scout(torch.rand(2, 23, 48, 64))
    assert said.shape == (2, 1, 2 * 48 // CELL, 2 * 64 // CELL)
    assert said.dtype == torch.float32
    assert not said.any()
