"""Lives are as many and as long as asked, whatever frame is asked for first."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.damage.drawing import Rng
from frdm_engine.damage.lives import Lives


def some(seed: int = 1, alive: float = 3.0) -> Lives[float]:
    def make(rng: Rng) -> float:
        return float(rng.random())

    return Lives(seed, 9, alive=alive, span=(2.0, 40.0), make=make)


def test_the_mean_number_is_as_asked() -> None:
    counts = [len(some(seed).at(frame)) for seed in range(60) for frame in (0, 500)]
    assert np.mean(counts) == pytest.approx(3.0, rel=0.2)


def test_order_does_not_matter_and_ends_are_kept() -> None:
    first, again = some(), some()
    found = {frame: first.at(frame) for frame in range(-60, 60)}
    for frame in reversed(range(-60, 60)):
        assert again.at(frame) == found[frame]
        for life in found[frame]:
            assert life.born <= frame < life.born + life.length
            assert life.born - 1 not in found or life not in found[life.born - 1]
    assert any(found.values())


def test_none_where_none_is_asked() -> None:
    assert some(alive=0).at(5) == []
