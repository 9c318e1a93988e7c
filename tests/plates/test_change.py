"""Colours given for some pixels make the plate that the same colours make as a whole picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.errors import PlateError, RestoreError
from frdm_engine.plates import Plate, read_plate, write_image
from frdm_engine.plates.bands import BAND
from frdm_engine.plates.change import Change, difference
from frdm_engine.plates.plate import changed_parts

HEIGHT, WIDTH = 2 * BAND + 9, 40


def plate_of(path: Path, *, channels: str, pixel_type: str) -> Plate:
    pixels = np.random.default_rng(0).random((HEIGHT, WIDTH, len(channels)), dtype=np.float32)
    write_image(path, pixels, channel_names=channels, pixel_type=pixel_type)
    return read_plate(path, frame=7)


def speckled() -> npt.NDArray[np.bool_]:
    """A few pixels; none in the middle band."""
    where = np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.1
    where[BAND : 2 * BAND] = False
    return where


def stored(plate: Plate, rgb: dict[str, Any]) -> list[npt.NDArray[Any]]:
    (part,) = changed_parts(plate, plate.path.with_name("out.exr"), rgb=rgb)
    return list(part.planes)


@pytest.mark.parametrize("channels", ["RGB", "Y"])
@pytest.mark.parametrize(("name", "pixel_type"), [("a.exr", "half"), ("a.exr", "float"), ("a.tif", "uint16")])
def test_some_pixels_are_as_good_as_the_whole_picture(
    tmp_path: Path, channels: str, name: str, pixel_type: str
) -> None:
    plate = plate_of(tmp_path / name, channels=channels, pixel_type=pixel_type)
    where, whole = speckled(), plate.rgb()
    whole[where] = np.random.default_rng(2).random((int(where.sum()), 3), dtype=np.float32)
    whole[np.nonzero(where)[0][0], np.nonzero(where)[1][0]] = plate.rgb()[
        np.nonzero(where)[0][0], np.nonzero(where)[1][0]
    ]
    change = Change(where, lambda rows: whole[rows][where[rows]])
    for one, other in zip(stored(plate, {"": change}), stored(plate, {"": whole}), strict=True):
        assert one.tobytes() == other.tobytes()


def test_what_is_not_in_it_is_never_asked_for_and_keeps_its_planes(tmp_path: Path) -> None:
    plate = plate_of(tmp_path / "a.exr", channels="RGB", pixel_type="half")
    asked: list[slice] = []

    def colours(rows: slice) -> npt.NDArray[np.float32]:
        asked.append(rows)
        found = plate.picked(where)(rows)
        found[:, 1] = 0.5
        return found

    where = speckled()
    planes = stored(plate, {"": Change(where, colours)})
    assert [rows.start for rows in asked] == [0, 2 * BAND]
    assert planes[0] is plate.parts[0].planes[0]
    assert planes[2] is plate.parts[0].planes[2]
    assert (planes[1][where] == np.float16(0.5)).all()
    assert (planes[1][~where] == plate.parts[0].planes[1][~where]).all()


def test_a_difference_is_new_minus_old_and_nothing_elsewhere(tmp_path: Path) -> None:
    plate = plate_of(tmp_path / "a.exr", channels="RGB", pixel_type="half")
    where, new = speckled(), np.random.default_rng(2).random((HEIGHT, WIDTH, 3), dtype=np.float32)
    planes = difference(Change(where, lambda rows: new[rows][where[rows]]), was=plate.picked(where))
    expected = np.where(where[..., None], new - plate.rgb(), 0).astype(np.float16)
    np.testing.assert_array_equal(np.stack(planes, axis=-1), expected)


def test_a_change_that_does_not_fit_or_is_no_number_is_refused(tmp_path: Path) -> None:
    plate = plate_of(tmp_path / "a.exr", channels="RGB", pixel_type="half")
    where = speckled()
    with pytest.raises(PlateError, match="crop them alike"):
        stored(plate, {"": Change(where[1:], lambda rows: plate.rgb()[1:][rows][where[1:][rows]])})
    with pytest.raises(RestoreError, match=r"Frame 7 .*NaN or Inf"):
        stored(plate, {"": Change(where, lambda rows: np.full((int(where[rows].sum()), 3), np.nan))})
