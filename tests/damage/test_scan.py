"""Truth and damaged plate are scanned alike, and the mattes grow to tell of all that spills."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import VISIBLE, Shot
from frdm_engine.damage.scan import Scan, ScanSettings, grown

Array = npt.NDArray[np.float32]
SHOT = Shot(seed=3, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)


def spotted(plate: Array) -> tuple[Array, Array]:
    damaged, mattes = plate.copy(), np.zeros((*plate.shape[:2], 4), np.float32)
    damaged[60:66, 100:109], mattes[60:66, 100:109, 0] = 1.0, 1.0
    damaged[:, 30:32], mattes[:, 30:32, 1] = 0.0, 1.0
    return damaged, mattes


@pytest.mark.parametrize("quality", [40, 75, 95])
def test_outside_the_grown_matte_both_are_alike(quality: int, plate: Array) -> None:
    damaged, mattes = spotted(plate)
    kept = [array.copy() for array in (plate, damaged, mattes)]
    scan = Scan(ScanSettings(presence=1, compressed=1, quality=(quality, quality), sigma=(0.5, 0.5)), SHOT)
    truth, scanned, grew = scan.through(plate, damaged, mattes)
    outside = grew.max(axis=2) == 0
    np.testing.assert_array_equal(scanned[outside], truth[outside])
    assert outside.mean() > 0.3
    assert (grew > 0).sum() > (mattes > 0).sum()
    assert grew[..., 2:].max() == 0
    assert (scanned != truth).any()
    for before, after in zip(kept, (plate, damaged, mattes), strict=True):
        np.testing.assert_array_equal(before, after)


def test_marks_of_compression_that_nobody_sees_are_the_truths_too(plate: Array) -> None:
    """Beside damage both plates have the marks it made in its blocks, unless these are plain to see."""
    damaged, mattes = spotted(plate)
    scan = Scan(ScanSettings(presence=1, compressed=1, quality=(40, 40), sigma=(0.5, 0.5)), SHOT)
    truth, scanned, grew = scan.through(plate, damaged, mattes)
    bare, marked = scan.seen(plate), scan.seen(damaged)
    untold = grew.max(axis=2) == 0
    np.testing.assert_array_equal(truth[untold], marked[untold])
    np.testing.assert_array_equal(truth[~untold], bare[~untold])
    np.testing.assert_array_equal(scanned, marked)
    change = cv2.blur(np.abs(marked - bare).max(axis=2), (3, 3))
    assert (change[untold] > 0).any()
    assert float(change[untold].max()) <= VISIBLE + 1e-6
    spilled = ~untold & (mattes.max(axis=2) == 0) & (change > VISIBLE)
    assert spilled.any()
    assert float(grew.max(axis=2)[spilled].min()) > 0


def test_spill_under_a_matte_that_says_next_to_nothing_counts_as_well(plate: Array) -> None:
    """A faint matte beside damage must not hide that compression made its blocks plain."""
    damaged, mattes = spotted(plate)
    veiled = mattes.copy()
    veiled[mattes.max(axis=2) == 0, :2] = 0.01
    scan = Scan(ScanSettings(presence=1, compressed=1, quality=(30, 30), sigma=(0, 0)), SHOT)
    _, scanned, grew = scan.through(plate, damaged, veiled)
    change = cv2.blur(np.abs(scanned - scan.seen(plate)).max(axis=2), (3, 3))
    plain = (change > VISIBLE) & (mattes.max(axis=2) == 0)
    assert plain.any()
    assert float(grew.max(axis=2)[plain].min()) > 0.1


def test_one_plate_is_seen_as_the_scan_of_both(plate: Array) -> None:
    scan = Scan(ScanSettings(presence=1, compressed=1, quality=(60, 60)), SHOT)
    nothing = np.zeros((144, 208, 4), np.float32)
    np.testing.assert_array_equal(scan.seen(plate), scan.through(plate, plate, nothing)[0])
    assert not np.array_equal(scan.seen(plate), plate)
    assert Scan(ScanSettings(presence=0), SHOT).seen(plate) is plate


def test_the_spill_belongs_to_the_nearest_damage(plate: Array) -> None:
    damaged, mattes = spotted(plate)
    _, _, grew = Scan(ScanSettings(presence=1, compressed=1, quality=(30, 30)), SHOT).through(plate, damaged, mattes)
    assert not grew[:, 60:, 1].any()
    assert not grew[:, :70, 0].any()


def test_worse_quality_is_further_from_the_plate(plate: Array) -> None:
    def error(quality: float) -> float:
        scan = Scan(ScanSettings(presence=1, compressed=1, quality=(quality, quality), sigma=(0, 0)), SHOT)
        inside = np.clip(plate, 0, 1)
        return float(np.abs(scan.through(inside, inside, np.zeros((144, 208, 4), np.float32))[0] - inside).mean())

    assert error(30) > error(80) > error(98) > 0


def test_another_shot_is_left_as_it_is(plate: Array) -> None:
    damaged, mattes = spotted(plate)
    out = Scan(ScanSettings(presence=0), SHOT).through(plate, damaged, mattes)
    assert out[0] is plate
    assert out[1] is damaged
    assert out[2] is mattes


def test_growing_takes_the_highest_value_near() -> None:
    plane = np.zeros((9, 9), np.uint8)
    plane[4, 4] = 1
    assert grown(plane, 2).sum() == 25
