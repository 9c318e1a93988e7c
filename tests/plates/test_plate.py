"""Plates: colours found by layer and view, replaced where they changed, all else untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.errors import OutputError, PlateError, RestoreError
from frdm_engine.plates.plate import read_plate, write_plate
from tests.plates.conftest import WriteFile, any_bits, bits, read_file

H, W = 12, 20


def noise(rng: np.random.Generator, names: str, dtype: npt.DTypeLike = np.float16) -> dict[str, npt.NDArray[Any]]:
    return {name: any_bits(rng, dtype, shape=(H, W)) for name in names.split()}


def even(names: str, value: float = 0.25, dtype: npt.DTypeLike = np.float16) -> dict[str, npt.NDArray[Any]]:
    return {name: np.full((H, W), value, dtype) for name in names.split()}


def test_only_changed_samples_change(write_file: WriteFile, rng: np.random.Generator) -> None:
    source = write_file(
        "a.exr", (noise(rng, "R G B A") | noise(rng, "Z", np.float32), {"window": (-4, 3), "custom": "kept"})
    )
    plate = read_plate(source, frame=7)
    assert (plate.width, plate.height, plate.window, plate.frame) == (W, H, (-4, 3), 7)
    rgb = plate.rgb()
    assert rgb.shape == (H, W, 3)
    rgb[2, 3, 1] = 0.5
    target = source.with_name("b.exr")
    write_plate(plate, target, rgb={"": rgb}, metadata={"frdm:model": "abc"})
    (spec, before), (again, after) = read_file(source)[0], read_file(target)[0]
    changed = {name: np.argwhere(bits(before[name]) != bits(after[name])).tolist() for name in before}
    assert changed == {"R": [], "G": [[2, 3]], "B": [], "A": [], "Z": []}
    assert after["G"][2, 3] == 0.5
    assert (again.getattribute("frdm:model"), again.getattribute("custom")) == ("abc", "kept")
    assert (again.x, again.y) == (spec.x, spec.y)


def test_values_round_to_the_nearest_half_and_stop_at_its_range(write_file: WriteFile) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B"), {})))
    rgb = plate.rgb()
    rgb[0, 0] = (1e9, -1e9, 0.1)
    write_plate(plate, plate.path.with_name("b.exr"), rgb={"": rgb})
    planes = read_file(plate.path.with_name("b.exr"))[0][1]
    assert [float(planes[name][0, 0]) for name in "RGB"] == [65504.0, -65504.0, float(np.float16(0.1))]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_new_nan_and_inf_are_refused(write_file: WriteFile, bad: float) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B"), {})), frame=1003)
    rgb = plate.rgb()
    rgb[1, 1, 2] = bad
    with pytest.raises(RestoreError, match="Frame 1003"):
        write_plate(plate, plate.path.with_name("b.exr"), rgb={"": rgb})
    assert not plate.path.with_name("b.exr").exists()


def test_nan_may_be_mended(write_file: WriteFile) -> None:
    planes = even("R G B")
    planes["R"][0, 0] = np.nan
    plate = read_plate(write_file("a.exr", (planes, {})))
    rgb = plate.rgb()
    assert np.isnan(rgb[0, 0, 0])
    rgb[0, 0, 0] = 0.5
    write_plate(plate, plate.path.with_name("b.exr"), rgb={"": rgb})
    assert read_plate(plate.path.with_name("b.exr")).rgb()[0, 0, 0] == 0.5


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_integers_are_scaled_rounded_and_clipped(
    write_file: WriteFile, rng: np.random.Generator, suffix: str, dtype: npt.DTypeLike, top: int
) -> None:
    plate = read_plate(write_file(f"a.{suffix}", (noise(rng, "R G B", dtype), {})))
    rgb = plate.rgb()
    assert np.allclose(rgb[..., 0] * top, plate.parts[0].planes[0], atol=1e-2)
    rgb[0, 0] = (-1.0, 2.0, (100 + 0.4) / top)
    write_plate(plate, plate.path.with_name(f"b.{suffix}"), rgb={"": rgb})
    after = read_plate(plate.path.with_name(f"b.{suffix}")).parts[0].planes
    assert [int(plane[0, 0]) for plane in after] == [0, top, 100]
    assert all(
        np.array_equal(one.ravel()[1:], two.ravel()[1:]) for one, two in zip(plate.parts[0].planes, after, strict=True)
    )


def test_dpx_codes_are_exact(write_file: WriteFile) -> None:
    code = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    stored = (code << 6) | (code >> 4)
    plate = read_plate(write_file("a.dpx", (dict.fromkeys("RGB", stored), {"oiio__BitsPerSample": 10})))
    assert plate.metadata["oiio:BitsPerSample"] == 10
    rgb = plate.rgb()
    assert np.array_equal(rgb[..., 0], (code / 1023).astype(np.float32))
    flipped = rgb[::-1].copy()
    write_plate(plate, plate.path.with_name("b.dpx"), rgb={"": flipped})
    assert np.array_equal(read_plate(plate.path.with_name("b.dpx")).parts[0].planes[1] >> 6, code[::-1])


@pytest.mark.parametrize(("suffix", "dtype"), [("png", np.uint8), ("tif", np.uint16), ("exr", np.float16)])
def test_grey_plates_come_three_times_and_go_back_as_one(
    write_file: WriteFile, suffix: str, dtype: npt.DTypeLike
) -> None:
    grey = {"Y": (np.arange(H * W).reshape(H, W) % 200).astype(dtype)}
    plate = read_plate(write_file(f"a.{suffix}", (grey, {})))
    rgb = plate.rgb()
    assert np.array_equal(rgb[..., 0], rgb[..., 2])
    rgb[3, 4] = (0.2, 0.4, 0.6)
    write_plate(plate, plate.path.with_name(f"b.{suffix}"), rgb={"": rgb})
    after = read_plate(plate.path.with_name(f"b.{suffix}"))
    assert len(after.parts[0].planes) == 1
    assert after.rgb()[3, 4, 0] == pytest.approx(0.4, abs=1 / 500)
    same = bits(after.parts[0].planes[0]) == bits(plate.parts[0].planes[0])
    assert np.argwhere(~same).tolist() == [[3, 4]]


def test_alpha_stays_apart_from_the_colours(write_file: WriteFile, rng: np.random.Generator) -> None:
    planes = noise(rng, "R G B A", np.uint8)
    plate = read_plate(write_file("a.png", (planes, {"oiio__UnassociatedAlpha": 1})))
    assert np.allclose(plate.rgb()[..., 0] * 255, planes["R"], atol=1e-3)  # not multiplied by alpha
    write_plate(plate, plate.path.with_name("b.png"), rgb={"": np.zeros((H, W, 3))})
    after = read_file(plate.path.with_name("b.png"))[0][1]
    assert np.array_equal(after["A"], planes["A"])
    assert not after["R"].any()


def test_views_in_one_part(write_file: WriteFile, rng: np.random.Generator) -> None:
    names = "R G B A right.R right.G right.B diff.R diff.G diff.B diff.right.R diff.right.G diff.right.B"
    source = write_file("a.exr", (noise(rng, names), {"multiView": ("string[2]", ("left", "right"))}))
    plate = read_plate(source)
    assert plate.views == ("left", "right")
    write_plate(plate, source.with_name("b.exr"), rgb={"right": np.ones((H, W, 3))})
    before, after = read_file(source)[0][1], read_file(source.with_name("b.exr"))[0][1]
    differ = {name for name in before if not np.array_equal(bits(before[name]), bits(after[name]))}
    assert differ == {"right.R", "right.G", "right.B"}
    assert read_plate(source, layer="diff").channels["right"].planes != plate.channels["right"].planes


def test_views_by_prefix_alone(write_file: WriteFile, rng: np.random.Generator) -> None:
    plate = read_plate(write_file("a.exr", (noise(rng, "left.R left.G left.B right.R right.G right.B"), {})))
    assert plate.views == ("left", "right")


def test_views_as_parts_with_windows_of_their_own(write_file: WriteFile) -> None:
    right = {name: np.zeros((4, 6), np.float16) for name in "RGB"}
    source = write_file(
        "a.exr",
        (even("R G B A"), {"name": "rgba.left", "view": "left"}),
        (right, {"name": "rgba.right", "view": "right", "window": (2, -1), "display": (0, 0, W, H)}),
        (even("Z"), {"name": "depth.left", "view": "left"}),
    )
    plate = read_plate(source)
    assert plate.views == ("left", "right")
    assert plate.rgb("right").shape == (4, 6, 3)
    assert plate.part("right").window == (2, -1)
    write_plate(plate, source.with_name("b.exr"), rgb={"right": np.ones((4, 6, 3)), "left": plate.rgb("left")})
    after = read_file(source.with_name("b.exr"))
    assert [spec.getattribute("name") for spec, _ in after] == ["rgba.left", "rgba.right", "depth.left"]
    assert (after[1][1]["R"] == 1).all()
    assert (after[0][1]["R"] == 0.25).all()


def test_layers_by_prefix_and_by_part(write_file: WriteFile) -> None:
    source = write_file(
        "a.exr",
        (even("R G B", 0.1), {"name": "beauty"}),
        (even("R G B", 0.2) | even("spec.R spec.G spec.B", 0.3), {"name": "diffuse"}),
    )
    for layer, value in ((None, 0.1), ("beauty", 0.1), ("diffuse", 0.2), ("spec", 0.3)):
        assert read_plate(source, layer=layer).rgb()[0, 0, 0] == np.float16(value)
    with pytest.raises(PlateError, match=r"'gloss'.*beauty, diffuse, spec"):
        read_plate(source, layer="gloss")


def test_the_only_layer_is_the_main_one_and_two_need_a_choice(write_file: WriteFile) -> None:
    assert read_plate(write_file("a.exr", (even("a.red a.green a.blue Y"), {}))).channels[""].planes
    several = write_file("b.exr", (even("a.R a.G a.B b.R b.G b.B"), {}))
    with pytest.raises(PlateError, match="choose a layer of a, b"):
        read_plate(several)


def test_a_plate_without_colours_names_its_channels(write_file: WriteFile) -> None:
    with pytest.raises(PlateError, match=r"only N\.x, depth\.Z;"):
        read_plate(write_file("a.exr", (even("depth.Z N.x"), {})))


def test_pixels_that_do_not_fit_are_refused(write_file: WriteFile) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B"), {})))
    with pytest.raises(PlateError, match="shape"):
        write_plate(plate, plate.path.with_name("b.exr"), rgb={"": np.zeros((H, W + 1, 3))})
    with pytest.raises(PlateError, match="no view 'left'"):
        plate.rgb("left")


def test_the_input_is_never_overwritten(write_file: WriteFile) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B"), {})))
    link = plate.path.with_name("link.exr")
    link.symlink_to(plate.path)
    for target in (plate.path, link):
        with pytest.raises(OutputError, match="input itself"):
            write_plate(plate, target, rgb={})


def test_tiff_takes_metadata_into_its_description(write_file: WriteFile) -> None:
    plate = read_plate(write_file("a.tif", (even("R G B"), {"ImageDescription": "reel 3"})))
    write_plate(plate, plate.path.with_name("b.tif"), rgb={}, metadata={"frdm:model": "abc"})
    assert read_plate(plate.path.with_name("b.tif")).metadata["ImageDescription"] == "reel 3\nfrdm:model: abc"


def test_png_takes_metadata(write_file: WriteFile) -> None:
    plate = read_plate(write_file("a.png", (even("R G B", 9, np.uint8), {})))
    write_plate(plate, plate.path.with_name("b.png"), rgb={}, metadata={"frdm:model": "abc"})
    assert read_plate(plate.path.with_name("b.png")).metadata["frdm:model"] == "abc"


def test_png_to_exr_is_half_zip_and_keeps_its_notes(write_file: WriteFile) -> None:
    codes = {name: np.arange(256, dtype=np.uint8).reshape(16, 16) for name in "RGB"}
    plate = read_plate(write_file("a.png", (codes, {"Copyright": "me", "reel": "3"})))
    rgb = plate.rgb()
    rgb[0, 0] = 0.12345
    write_plate(plate, plate.path.with_name("b.exr"), rgb={"": rgb})
    made = read_plate(plate.path.with_name("b.exr"))
    assert str(made.dtype) == "float16"
    assert np.array_equal(np.rint(made.rgb()[..., 0] * 255).ravel()[1:], np.arange(1, 256))
    assert made.rgb()[0, 0, 0] == np.float16(0.12345)  # the new pixel keeps more than 8 bits
    assert (made.metadata["compression"], made.metadata["Copyright"]) == ("zip", "me")
    assert made.metadata["reel"] == "3"


@pytest.mark.parametrize(("source", "target"), [("dpx", "exr"), ("dpx", "tif"), ("dpx", "png"), ("tif", "exr")])
def test_sixteen_bits_survive_a_change_of_container(
    write_file: WriteFile, rng: np.random.Generator, source: str, target: str
) -> None:
    plate = read_plate(write_file(f"a.{source}", (noise(rng, "R G B", np.uint16), {})))
    write_plate(plate, plate.path.with_name(f"b.{target}"), rgb={})
    made = read_plate(plate.path.with_name(f"b.{target}"))
    assert np.abs(made.rgb() - plate.rgb()).max() < 1e-6


def test_mixed_exr_to_tiff_keeps_values(write_file: WriteFile, rng: np.random.Generator) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B") | noise(rng, "A", np.float32), {})))
    write_plate(plate, plate.path.with_name("b.tif"), rgb={})
    made = read_plate(plate.path.with_name("b.tif"))
    assert str(made.dtype) == "float32"
    assert made.rgb()[0, 0, 0] == 0.25
    assert np.array_equal(bits(made.parts[0].planes[3]), bits(plate.parts[0].planes[3]))


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("b.jpg", "every pixel"),
        ("b.png", "float pixels"),
        ("b.dpx", "float pixels"),
        ("b.cin", "cannot be written"),
    ],
)
def test_a_container_that_would_lose_something_is_refused(write_file: WriteFile, target: str, why: str) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B"), {})))
    with pytest.raises(OutputError, match=why):
        write_plate(plate, plate.path.with_name(target), rgb={})
    assert [path.name for path in plate.path.parent.iterdir()] == ["a.exr"]


@pytest.mark.parametrize(
    ("extra", "fields", "why"),
    [("Z", {}, "channels R, G, B, Z"), ("A", {"window": (1, 0), "display": (0, 0, W, H)}, "data window")],
)
def test_channels_and_windows_need_exr(write_file: WriteFile, extra: str, fields: dict[str, Any], why: str) -> None:
    plate = read_plate(write_file("a.exr", (even("R G B") | even(extra), fields)))
    with pytest.raises(OutputError, match=why):
        write_plate(plate, plate.path.with_name("b.tif"), rgb={})


def test_parts_need_exr(write_file: WriteFile) -> None:
    several = read_plate(write_file("a.exr", (even("R G B"), {"name": "a"}), (even("Z"), {"name": "b"})))
    with pytest.raises(OutputError, match="2 parts"):
        write_plate(several, several.path.with_name("b.png"), rgb={})


def test_jpeg_is_read_but_not_written(write_file: WriteFile, tmp_path: Path) -> None:
    plate = read_plate(write_file("a.jpg", (even("R G B", 128, np.uint8), {})))
    assert plate.rgb()[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    write_plate(plate, tmp_path / "b.png", rgb={})
    assert np.array_equal(read_plate(tmp_path / "b.png").rgb(), plate.rgb())
    with pytest.raises(OutputError, match="JPEG"):
        write_plate(plate, tmp_path / "b.jpg", rgb={})
