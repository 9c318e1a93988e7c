"""Splices show at the frame line, as often as asked, in one frame or in the two they join."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import CLASS_OF, Canvas, Shot
from frdm_engine.damage.splices import Splices, SpliceSettings

Array = npt.NDArray[np.float32]
SHOT = Shot(seed=3, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)


def test_the_share_of_frames_is_as_asked() -> None:
    splices = Splices(SpliceSettings(chance=0.1), SHOT)
    shown = np.mean([bool(splices.sides(frame)) for frame in range(4000)])
    assert shown == pytest.approx(0.1, rel=0.2)


def test_a_splice_may_show_on_both_sides_of_the_frame_line() -> None:
    splices = Splices(SpliceSettings(chance=0.1, both=1), SHOT)
    for frame in range(300):
        for join, foot in splices.sides(frame):
            assert (join, not foot) in splices.sides(frame + 1 if foot else frame - 1)


@pytest.mark.parametrize("tape", [0.0, 1.0])
def test_it_lies_at_the_edge_and_nowhere_else(tape: float, plate: Array) -> None:
    drawn = 0
    for seed in range(8):
        splices = Splices(SpliceSettings(chance=0.5, glue=1, tape=tape, height=(0.03, 0.06)), replace(SHOT, seed=seed))
        for frame in range(6):
            canvas = Canvas(plate.copy())
            splices.draw(frame, canvas)
            matte = canvas.mattes[..., CLASS_OF["splice"]]
            if len({foot for _, foot in splices.sides(frame)}) == 1:
                foot = splices.sides(frame)[0][1]
                assert not (matte[:40] if foot else matte[-40:]).any()
            np.testing.assert_array_equal(canvas.plate[matte == 0], plate[matte == 0])
            for _, foot in splices.sides(frame):
                drawn += 1
                assert (matte[-3:] if foot else matte[:3]).mean() > 0.4
    assert drawn > 10
