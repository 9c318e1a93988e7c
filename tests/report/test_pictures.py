"""What is shown of a frame: its colours, its matte, and whether anything changed beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest

from frdm_engine.errors import PlateError
from frdm_engine.plates import Sequence, read_plate, resolve, write_image, write_plate
from frdm_engine.plates.change import Change
from frdm_engine.report.pictures import Where, coloured, look, space_of, webp
from frdm_engine.report.places import Place
from frdm_engine.report.sheet import around, draw
from tests.report.painted import HEIGHT, WIDTH, Painted

Make = Callable[..., Painted]
COLOURS = ("R", "G", "B")


def where(made: Painted, *, layer: str | None = None) -> Where:
    names = {frame: f"out.{frame}.exr" for frame in made.plate.frames}
    return Where(made.plate, made.folder / "out", names, made.matte, space_of(made.plate, "linear"), layer)


def pixels(made: Painted, frame: int, folder: str = "out") -> npt.NDArray[np.float32]:
    return read_plate(made.folder / folder / f"{folder}.{frame}.exr").rgb()


def test_before_after_and_matte_are_those_on_disk(painted: Make) -> None:
    made = painted()
    seen = look(where(made), 1001)
    before, after, matte = seen.pictures(most=500)
    space = resolve("linear", metadata={}, path_suffix=".exr", dtype=np.float16)
    for shown, folder in ((before, "plate"), (after, "out")):
        wanted = np.rint(np.clip(space.encode(pixels(made, 1001, folder)), 0, 1) * 255)
        np.testing.assert_array_equal(shown, wanted)
    assert matte[10, 12].tolist() == [0xE6, 0x9F, 0x00, 255]
    assert matte[30, 40].tolist() == [0x56, 0xB4, 0xE9, 255]
    assert (matte[..., 3] > 0).sum() == 24 + 48
    assert seen.matte.names == ("dirt", "flicker", "scratch", "stain")
    assert seen.strays == 0


def test_a_change_beside_the_matte_is_counted(painted: Make) -> None:
    made = painted()
    spoilt = pixels(made, 1002)
    spoilt[0, :3] += 0.25
    write_image(made.folder / "out" / "out.1002.exr", spoilt, channel_names=COLOURS)
    assert look(where(made), 1002).strays == 3
    assert look(where(made), 1001).strays == 0


@pytest.mark.parametrize(("kind", "bits"), [("dpx", 10), ("png", 8), ("png", 16)])
def test_an_untouched_pixel_of_another_container_is_no_change(kind: str, bits: int, tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 2**bits, (HEIGHT, WIDTH, 3))
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "uint8" if bits == 8 else "uint16")
    spec.attribute("oiio:BitsPerSample", bits)
    path = tmp_path / f"plate.0001.{kind}"
    out: Any = oiio.ImageOutput.create(str(path))
    stored = codes << 6 if bits == 10 else codes
    assert out.open(str(path), spec)
    assert out.write_image(stored.astype(np.uint8 if bits == 8 else np.uint16)), out.geterror()
    assert out.close()
    plate, result = read_plate(path, frame=1), tmp_path / "out" / "out.0001.exr"
    result.parent.mkdir()
    changed = plate.rgb().astype(np.float32) / 2
    spot = np.zeros((HEIGHT, WIDTH), bool)
    spot[3:5, 7] = True
    write_plate(plate, result, rgb={"": Change(spot, lambda rows: changed[rows][spot[rows]])})
    (tmp_path / "matte").mkdir()
    planes = np.repeat(spot[..., None].astype(np.float32), 2, axis=-1)
    write_image(tmp_path / "matte" / "m.0001.exr", planes, channel_names=("A", "frdm.dirt"))
    source, matte = Sequence.find(path), Sequence.find(tmp_path / "matte")
    seen = look(Where(source, result.parent, {1: result.name}, matte, space_of(source, "auto"), None), 1)
    assert np.array_equal(seen.differs, spot)
    assert seen.strays == 0


def test_nan_that_stays_is_no_change(painted: Make) -> None:
    made = painted()
    for folder in ("plate", "out"):
        holed = pixels(made, 1005, folder)
        holed[3, 3] = np.nan
        write_image(made.folder / folder / f"{folder}.1005.exr", holed, channel_names=COLOURS)
    seen = look(where(made), 1005)
    assert seen.strays == 0
    assert not seen.differs.any()
    assert np.isfinite(seen.pictures(most=100)[0]).all()


def test_without_a_matte_the_difference_stands_in(painted: Make) -> None:
    seen = look(where(painted(matte=False)), 1001)
    assert seen.strays is None
    assert seen.matte.names == ("",)
    _, _, matte = seen.pictures(most=100)
    assert (matte[..., 3] > 0).sum() == 24 + 48


def test_a_grey_matte_is_taken_and_proves_nothing(painted: Make, tmp_path: Path) -> None:
    made = painted(matte=False)
    grey = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    grey[8:12, 10:16] = 0.5
    write_image(tmp_path / "grey.1001.png", grey, channel_names=("Y",), pixel_type="uint16")
    matted = Painted(made.folder, made.sidecar, made.plate, Sequence.find(tmp_path / "grey.1001.png"), made.run)
    seen = look(where(matted), 1001)
    assert (seen.matte.names, seen.strays) == (("",), None)
    assert seen.pictures(most=100)[2][10, 12, 3] == 136  # the next of sixteen steps


def test_a_speck_is_seen_however_small_the_picture(painted: Make) -> None:
    made = painted(spots={1001: (("dirt", 301, 203, 1, 1),)}, size=(640, 480))
    before, _, matte = look(where(made), 1001).pictures(most=64)
    assert before.shape == (48, 64, 3)
    assert matte[20, 30, 3] == 255


def test_squeezed_plates_are_shown_in_their_shape(tmp_path: Path, painted: Make) -> None:
    made = painted(spots={1001: ()})
    for folder in ("plate", "out"):
        path = made.folder / folder / f"{folder}.1001.exr"
        image = oiio.ImageBuf(str(path))
        image.specmod().attribute("PixelAspectRatio", 2.0)
        assert image.write(str(path))
    before, _, matte = look(where(made), 1001).pictures(most=1000)
    assert before.shape[:2] == matte.shape[:2] == (HEIGHT, 2 * WIDTH)


def test_a_result_of_another_size_is_named(painted: Make) -> None:
    made = painted()
    small = np.zeros((4, 4, 3), np.float32)
    write_image(made.folder / "out" / "out.1001.exr", small, channel_names=COLOURS)
    with pytest.raises(PlateError, match=r"out\.1001\.exr has another size"):
        look(where(made), 1001)


def test_classes_mix_by_their_opacity() -> None:
    planes = np.zeros((2, 1, 3), np.float32)
    planes[0, 0] = (1, 0, 0.5)
    planes[1, 0] = (0, 1, 0.5)
    shown = coloured(planes, ("dirt", "scratch"))
    assert shown[0, 0].tolist() == [0xE6, 0x9F, 0, 255]
    assert shown[0, 1].tolist() == [0x56, 0xB4, 0xE9, 255]
    assert shown[0, 2].tolist() == [158, 170, 116, 204]


def test_mattes_are_coded_without_loss_and_small() -> None:
    matte = np.zeros((90, 120, 4), np.uint8)
    matte[40:50, 20:30] = (230, 159, 0, 136)
    coded = webp(matte)
    back = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert back is not None
    np.testing.assert_array_equal(cv2.cvtColor(back, cv2.COLOR_BGRA2RGBA), matte)
    assert len(coded) < 200


def test_the_sheet_keeps_to_its_budget(painted: Make) -> None:
    made = painted()
    everything = draw(where(made), made.plate.frames, {})
    assert tuple(everything.frames) == made.plate.frames
    cost = [images.cost for images in everything.frames.values()]
    some = draw(where(made), (1004, 1001, 1002, 1003), {}, budget=cost[3] + cost[0])
    assert tuple(some.frames) == (1001, 1004)
    assert some.checked == 4
    assert some.chosen == (1004, 1001, 1002, 1003)


def test_large_frames_are_shown_smaller_rather_than_fewer(painted: Make) -> None:
    made = painted(spots=dict.fromkeys(range(1001, 1005), ()), size=(1600, 90))
    whole = draw(where(made), made.plate.frames, {})
    assert {images.width for images in whole.frames.values()} == {1280}
    tight = draw(where(made), made.plate.frames, {}, budget=4 * next(iter(whole.frames.values())).cost)
    assert {images.width for images in tight.frames.values()} == {960}


def test_crops_are_square_about_the_repair_and_inside_the_frame(painted: Make) -> None:
    made = painted(spots={1001: (("dirt", 190, 50, 40, 20),)}, size=(240, 160))
    seen = look(where(made), 1001)
    assert around(Place("dirt", 1001, "", (100, 60, 60, 20, 9), 1, 1), seen) == (85, 25, 90, 90)
    assert around(Place("dirt", 1001, "", (236, 2, 4, 4, 9), 1, 1), seen) == (176, 0, 64, 64)
    assert around(Place("dirt", 1001, "", (20, 0, 160, 150, 9), 1, 1), seen) == (0, 0, 240, 160)


def test_of_a_long_scratch_the_middle_is_shown_pixel_by_pixel(painted: Make) -> None:
    made = painted(spots={1001: (("scratch", 300, 0, 2, 900),)}, size=(600, 900))
    seen = look(where(made), 1001)
    box = around(Place("scratch", 1001, "", (300, 0, 2, 900, 1800), 1, 1), seen)
    assert box == (157, 306, 288, 288)
    assert seen.pictures(most=288, box=box)[2][100, 143:145, 3].tolist() == [255, 255]


def test_one_layer_of_many_is_looked_at(tmp_path: Path) -> None:
    names = tuple(f"{layer}.{colour}" for layer in ("diff", "spec") for colour in COLOURS)
    planes = np.random.default_rng(2).random((HEIGHT, WIDTH, 6), np.float32)
    for folder in ("plate", "out"):
        (tmp_path / folder).mkdir()
        write_image(tmp_path / folder / "f.0001.exr", planes, channel_names=names)
        planes[5, 6, 1] += 0.25
    source = Sequence.find(tmp_path / "plate")
    space = space_of(source, "auto", layer="diff")
    seen = look(Where(source, tmp_path / "out", {1: "f.0001.exr"}, None, space, "diff"), 1)
    assert np.argwhere(seen.differs).tolist() == [[5, 6]]
