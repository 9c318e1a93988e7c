"""Tears run in from an edge, as often as asked, and the film beside them is displaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import CLASS_OF, Canvas, Shot
from frdm_engine.damage.tears import Tears, TearSettings

Array = npt.NDArray[np.float32]
SHOT = Shot(seed=3, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)


def test_the_share_of_frames_is_as_asked() -> None:
    tears = Tears(TearSettings(chance=0.1), SHOT)
    assert np.mean([bool(tears.begun(frame)) for frame in range(4000)]) == pytest.approx(0.1, rel=0.2)


def test_a_second_frame_has_the_same_tear() -> None:
    tears = Tears(TearSettings(chance=0.2, two=1), SHOT)
    for frame in range(200):
        assert frame not in tears.begun(frame) or frame in tears.begun(frame + 1)


@pytest.mark.parametrize("side", [0.0, 1.0])
def test_it_begins_at_its_edge_and_the_matte_tells_all(side: float, plate: Array) -> None:
    drawn = 0
    for seed in range(10):
        tears = Tears(TearSettings(chance=0.5, side=side, width=(3, 6)), replace(SHOT, seed=seed))
        for frame in range(4):
            canvas = Canvas(plate.copy())
            tears.draw(frame, canvas)
            matte = canvas.mattes[..., CLASS_OF["tear"]]
            np.testing.assert_array_equal(canvas.plate[matte == 0], plate[matte == 0])
            if tears.begun(frame):
                drawn += 1
                edges = (matte[:, :2], matte[:, -2:]) if side else (matte[:2], matte[-2:])
                assert max(edge.max() for edge in edges) > 0.5
                assert 0.001 < (matte > 0.1).mean() < 0.6
    assert drawn > 5


def test_shift_moves_picture_beside_the_crack() -> None:
    rng = np.random.default_rng(0)
    busy = rng.random((144, 208, 3)).astype(np.float32)

    def damaged(shift: float) -> float:
        settings = TearSettings(chance=0.5, two=0, curl=0, width=(1, 1), shift=(shift, shift))
        canvases = [Canvas(busy.copy()) for _ in range(10)]
        for frame, canvas in enumerate(canvases):
            Tears(settings, SHOT).draw(frame, canvas)
        return float(np.mean([(canvas.plate != busy).mean() for canvas in canvases]))

    assert damaged(6) > 3 * damaged(0) > 0
