"""What hangs in the gate touches the frame's edge and hardly moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from frdm_engine.damage.drawing import CLASS_OF, Canvas, Shot
from frdm_engine.damage.gate import Gate, GateSettings

SHOT = Shot(seed=3, height=144, width=208, scale=0.5, area=1.0, across=1.0, monochrome=False, templates=None)
HAIRY = GateSettings(presence=1, alive=(2, 2), life=(100, 200))


def matte(settings: GateSettings, seed: int, frame: int) -> np.ndarray:
    canvas = Canvas(np.full((144, 208, 3), 0.5, np.float32))
    Gate(settings, replace(SHOT, seed=seed)).draw(frame, canvas)
    assert ((canvas.plate == 0.5).all(axis=2) | (canvas.mattes[..., CLASS_OF["hair"]] > 0)).all()
    return canvas.mattes[..., CLASS_OF["hair"]]


@pytest.mark.parametrize("fluff", [0.0, 1.0])
def test_it_reaches_in_from_an_edge_and_stays(fluff: float) -> None:
    seen = 0
    for seed in range(8):
        settings = replace(HAIRY, fluff=fluff)
        first, second = (matte(settings, seed, frame) > 0.3 for frame in (30, 31))
        if first.any():
            seen += 1
            edge = np.concatenate([first[:3].ravel(), first[-3:].ravel(), first[:, :3].ravel(), first[:, -3:].ravel()])
            assert edge.any()
            assert (first & second).sum() > 0.6 * first.sum()
    assert seen >= 4


def test_most_of_it_is_dark_and_some_shots_have_none() -> None:
    here = [matte(replace(HAIRY, presence=0.3), seed, 50).any() for seed in range(100)]
    assert 0.12 < np.mean(here) < 0.42
