"""Mould stays nearly in place from frame to frame, is in as many shots as asked, and its matte tells all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import CLASS_OF, Canvas, Shot
from frdm_engine.damage.mould import Mould, MouldSettings

Array = npt.NDArray[np.float32]
SHOT = Shot(seed=3, height=144, width=208, scale=0.4, area=1.0, across=1.0, monochrome=False, templates=None)
MUCH = MouldSettings(presence=1, alive=(5, 5), life=(100, 200), edge=0, dye=(0.6, 0.8))


def drawn(settings: MouldSettings, seed: int, frame: int, plate: Array) -> Canvas:
    canvas = Canvas(plate.copy())
    Mould(settings, replace(SHOT, seed=seed)).draw(frame, canvas)
    return canvas


@pytest.mark.parametrize("threads", [0.0, 1.0])
def test_a_colony_moves_but_little(threads: float) -> None:
    gray = np.full((144, 208, 3), 0.4, np.float32)
    settings = replace(MUCH, threads=threads)
    for seed in range(4):
        mattes = [drawn(settings, seed, frame, gray).mattes[..., CLASS_OF["mould"]] > 0.05 for frame in (40, 41)]
        assert mattes[0].any()
        assert (mattes[0] & mattes[1]).sum() > 0.4 * mattes[0].sum()
        assert (mattes[0] ^ mattes[1]).any()


def test_where_its_matte_is_zero_nothing_changes(plate: Array) -> None:
    for seed in range(6):
        canvas = drawn(MUCH, seed, 7, plate)
        untouched = canvas.mattes.max(axis=2) == 0
        np.testing.assert_array_equal(canvas.plate[untouched], plate[untouched])
        assert not canvas.mattes[..., 0].any()


def test_the_share_of_shots_is_as_asked() -> None:
    gray = np.full((144, 208, 3), 0.4, np.float32)
    shots = [drawn(replace(MUCH, presence=0.3), seed, 3, gray).mattes.any() for seed in range(80)]
    assert 0.18 < np.mean(shots) < 0.42
