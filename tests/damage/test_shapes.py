"""Generated shapes fade out within their patch, so that no defect ends in a straight edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage import shapes

Array = npt.NDArray[np.float32]
MAKERS: dict[str, Callable[[np.random.Generator, float, float], Array]] = {
    "speck": lambda rng, length, soft: shapes.speck(rng, length, max(0.8, length / 1.5), soft),
    "blob": lambda rng, length, soft: shapes.blob(rng, length, length / 1.5, soft),
    "holey": lambda rng, length, soft: shapes.blob(rng, length, length, soft, holes=1),
    "strand": lambda rng, length, soft: shapes.strand(rng, length, 1.2, 2.0, soft),
    "tangle": lambda rng, length, soft: shapes.tangle(rng, length, 1.2, soft),
    "cluster": lambda rng, length, soft: shapes.cluster(rng, length, 1.5, soft),
}


@pytest.mark.parametrize("name", MAKERS)
def test_shapes_stay_inside_their_patch(name: str) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        length, soft = float(np.exp(rng.uniform(0, 4.5))), rng.uniform(0, 2)
        alpha = MAKERS[name](rng, length, soft)
        assert alpha.dtype == np.float32
        assert alpha.ndim == 2
        assert alpha.min() >= 0
        assert alpha.max() <= 1 + 1e-6
        edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert edge.max() < 0.08, (seed, length, soft)


def test_a_line_carries_its_width_in_opacity() -> None:
    path = np.full(20, 30.4, np.float32)
    for width in (0.3, 0.8, 2.0, 5.0):
        alpha, left = shapes.line(path, width, 0.4)
        assert alpha[0].sum() == pytest.approx(width, rel=0.25)
        middle = (alpha[0] * np.arange(left, left + alpha.shape[1])).sum() / alpha[0].sum()
        assert middle == pytest.approx(30.4, abs=0.15)
    rim, left = shapes.line(path, 2.0, 0.4, rim=True)
    assert rim[0, 30 - left] < 0.5 * rim[0].max()
