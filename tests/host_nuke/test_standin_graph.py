"""The stand-in's graph: connections, pictures, time, errors, and the EXR files under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import numpy as np
import OpenImageIO as oiio
import pytest

from tests.host_nuke import standin


@pytest.fixture
def nuke() -> Iterator[Any]:
    standin.install()
    import nuke

    nuke.addFormat("16 12 0 0 16 12 1 tiny")
    nuke.root()["format"].setValue("tiny")
    yield nuke
    standin.uninstall()


def save(path: Path, channels: Dict[str, Any], *, window: Tuple[int, int] = (0, 0), **attributes: Any) -> None:
    """Writes an EXR of 16 x 12 whose data window begins at `window`, y down."""
    values = np.stack(list(channels.values()), axis=-1).astype(np.float32)
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], values.shape[2], "float")
    spec.channelnames = tuple(channels)
    spec.x, spec.y = window
    spec.full_width, spec.full_height = 16, 12
    for name, value in attributes.items():
        spec.attribute(name, value)
    made = oiio.ImageOutput.create(str(path))
    assert made is not None
    assert made.open(str(path), spec), made.geterror()
    assert made.write_image(values)
    made.close()


def shot(nuke: Any, folder: Path, frames: range) -> Any:
    """A Read of a sequence whose red is its frame number."""
    for frame in frames:
        save(folder / f"p.{frame:04d}.exr", {"R": np.full((12, 16), frame)})
    read = nuke.nodes.Read(raw=True)
    read["file"].fromUserText(f"{folder}/p.####.exr {frames[0]}-{frames[-1]}")
    return read


def red(node: Any, frame: float, **more: Any) -> float:
    """The red of the pixel at the bottom left of the box."""
    return float(standin.image(node, frame, **more).channels["rgba.red"][0, 0])


def test_windows_are_turned_upside_down(nuke: Any, tmp_path: Path) -> None:
    top_down = np.arange(20, dtype=np.float32).reshape(4, 5)
    save(
        tmp_path / "a.exr", {"R": top_down, "frdm.dirt": top_down, "Z": top_down}, window=(-2, 1), PixelAspectRatio=2.0
    )
    read = nuke.nodes.Read(file=str(tmp_path / "a.exr"))
    image = standin.image(read, 1)
    # Rows 1..4 from the top of 12 are rows 7..10 from the bottom.
    assert image.box == (-2, 7, 3, 11)
    assert np.array_equal(image.channels["rgba.red"], top_down[::-1])
    assert sorted(image.channels) == ["depth.Z", "frdm.dirt", "rgba.red"]
    assert (read.width(), read.height(), read.pixelAspect()) == (16, 12, 2.0)
    assert (read.bbox().x(), read.bbox().y(), read.bbox().w(), read.bbox().h()) == (-2, 7, 5, 4)


def test_a_write_and_a_read_are_a_circle(nuke: Any, tmp_path: Path) -> None:
    top_down = np.random.default_rng(1).normal(0, 5, (4, 5)).astype(np.float32)
    top_down[0, 0], top_down[1, 1] = np.inf, -1e-30
    save(tmp_path / "a.exr", {"R": top_down, "A": top_down}, window=(-2, 1), PixelAspectRatio=2.0)
    read = nuke.nodes.Read(file=str(tmp_path / "a.exr"), raw=True)
    write = nuke.nodes.Write(inputs=[read], file=str(tmp_path / "b.exr"), channels="rgba", datatype="32 bit float")
    nuke.execute(write, 1, 1)
    copy = oiio.ImageBuf(str(tmp_path / "b.exr"))
    spec, values = copy.spec(), np.asarray(copy.get_pixels("float"))
    assert (spec.x, spec.y, spec.width, spec.height, spec.full_width, spec.full_height) == (-2, 1, 5, 4, 16, 12)
    assert spec.get_float_attribute("PixelAspectRatio") == 2.0
    assert tuple(spec.channelnames) == ("R", "G", "B", "A")  # what the input lacks is black
    assert np.array_equal(values[..., 0], top_down)
    assert not values[..., 1].any()


def test_half_rounds_and_float_does_not(nuke: Any, tmp_path: Path) -> None:
    constant = nuke.nodes.Constant()
    constant["color"].setValue(1 / 3)
    for datatype, kept in (("16 bit half", np.float32(np.float16(1 / 3))), ("32 bit float", np.float32(1 / 3))):
        write = nuke.nodes.Write(inputs=[constant], file=str(tmp_path / "c.exr"), datatype=datatype)
        nuke.execute(write, 1, 1)
        read = nuke.nodes.Read(file=str(tmp_path / "c.exr"))
        assert red(read, 1) == kept
        (tmp_path / "c.exr").unlink()


@pytest.mark.parametrize(
    ("knobs", "frame", "shows"),
    [
        ({}, 3, 3),
        ({}, 1, 2),  # before the range: hold
        ({}, 9, 5),
        ({"after": "loop"}, 6, 2),
        ({"after": "bounce"}, 6, 4),
        ({"frame_mode": "offset", "frame": "1"}, 3, 4),
        ({"frame_mode": "start at", "frame": "101"}, 102, 3),
        ({"frame_mode": "expression", "frame": "frame*2-1"}, 2, 3),
    ],
)
def test_which_file_a_frame_shows(nuke: Any, tmp_path: Path, knobs: Dict[str, str], frame: int, shows: int) -> None:
    read = shot(nuke, tmp_path, range(2, 6))
    for name, value in knobs.items():
        read[name].setValue(value)
    assert red(read, frame) == shows
    assert (read.firstFrame(), read.lastFrame()) == (2, 5)


def test_outside_and_black(nuke: Any, tmp_path: Path) -> None:
    read = shot(nuke, tmp_path, range(2, 6))
    read["before"].setValue("black")
    assert standin.image(read, 1).channels == {}


def test_a_missing_frame_is_an_error_of_the_tree_below(nuke: Any, tmp_path: Path) -> None:
    read = shot(nuke, tmp_path, range(2, 6))
    (tmp_path / "p.0004.exr").unlink()
    dot = nuke.nodes.Dot(inputs=[read])
    nuke.frame(3)
    assert not dot.error()
    nuke.frame(4)
    assert (read.hasError(), dot.hasError(), dot.treeHasError(), dot.error()) == (True, False, True, True)
    for choice, comes in (("nearest frame", 3), ("black", None)):
        read["on_error"].setValue(choice)
        assert not read.hasError()
        found = standin.image(read, 4).channels.get("rgba.red")
        assert (None if found is None else found[0, 0]) == comes


def test_a_switch_looks_at_what_it_picks_alone(nuke: Any, tmp_path: Path) -> None:
    good, lacking = nuke.nodes.Constant(), nuke.nodes.Read(file=str(tmp_path / "none.exr"))
    switch = nuke.nodes.Switch(inputs=[good, lacking])
    assert not switch.treeHasError()
    switch["which"].setValue(1)
    assert switch.treeHasError()
    switch["which"].setValue(7)  # clamped to the last
    assert switch.treeHasError()


def test_a_group_is_in_error_where_a_node_inside_is(nuke: Any) -> None:
    group = nuke.nodes.Group()
    with group:
        nuke.nodes.Output(inputs=[nuke.nodes.Read(file="/nowhere/a.exr")])
    below = nuke.nodes.Dot(inputs=[group])
    assert group.hasError()
    assert not below.hasError()
    assert below.error()


def test_time(nuke: Any, tmp_path: Path) -> None:
    read = shot(nuke, tmp_path, range(1, 10))
    offset = nuke.nodes.TimeOffset(inputs=[read])
    offset["time_offset"].setValue(10)
    hold = nuke.nodes.FrameHold(inputs=[offset])
    hold["first_frame"].setValue(14)
    assert red(offset, 12) == 2
    assert red(hold, 99) == 4
    assert (offset.firstFrame(), offset.lastFrame()) == (11, 19)


def test_copying_channels_keeps_the_rest_of_b(nuke: Any, tmp_path: Path) -> None:
    save(tmp_path / "b.exr", {"R": np.full((12, 16), 1), "Z": np.full((12, 16), 5)}, shotNote="me")
    save(tmp_path / "a.exr", {"R": np.full((4, 4), 9), "Z": np.full((4, 4), 9)}, window=(2, 8))
    b, a = (nuke.nodes.Read(file=str(tmp_path / name)) for name in ("b.exr", "a.exr"))
    copy = nuke.nodes.Copy(inputs=[b, a], from0="rgba.red", to0="rgba.red")
    image = standin.image(copy, 1)
    assert image.box == (0, 0, 16, 12)
    assert image.channels["depth.Z"].min() == 5
    assert image.channels["rgba.red"].sum() == 9 * 16  # black outside of A
    assert image.channels["rgba.red"][0, 2] == 9  # the bottom rows of the file
    assert copy.metadata("exr/shotNote") == "me"
    bounded = nuke.nodes.CopyBBox(inputs=[copy, a])
    assert standin.image(bounded, 1).box == (2, 0, 6, 4)


def test_merging(nuke: Any) -> None:
    b, a = nuke.nodes.Constant(), nuke.nodes.Constant()
    b["color"].setValue([1, 1, 1, 1])
    a["color"].setValue([0.25, 0.5, 0.5, 0.5])
    for operation, comes in (("over", 0.75), ("minus", -0.75), ("plus", 1.25)):
        merge = nuke.nodes.Merge2(inputs=[b, a], operation=operation)
        assert red(merge, 1) == pytest.approx(comes)


def test_expressions_over_pixels(nuke: Any) -> None:
    constant = nuke.nodes.Constant()
    constant["color"].setValue([0.5, 0.25, 0, 1])
    nuke.Layer("frdm", ["frdm.dirt"])
    node = nuke.nodes.Expression(inputs=[constant], expr0="r > 0.4 ? g + frdm.dirt : -1", expr1="x + 100*y")
    image = standin.image(node, 1)
    assert image.channels["rgba.red"].min() == 0.25
    assert image.channels["rgba.green"][2, 3] == 203
    node["expr0"].setValue("nosuch + 1")
    assert node.hasError()


def test_crops_and_sizes(nuke: Any) -> None:
    board = nuke.nodes.CheckerBoard2()
    crop = nuke.nodes.Crop(inputs=[board])
    crop["box"].setValue([2, 3, 8, 30])
    assert standin.image(crop, 1).box == (2, 3, 8, 12)
    crop["reformat"].setValue(True)
    assert (crop.width(), crop.height()) == (6, 27)
    nuke.addFormat("32 24 0 0 32 24 1 twice")
    bigger = nuke.nodes.Reformat(inputs=[board])
    bigger["format"].setValue("twice")
    assert (bigger.width(), standin.image(bigger, 1).box) == (32, (0, 0, 32, 24))


def test_proxies_are_small(nuke: Any, tmp_path: Path) -> None:
    read = shot(nuke, tmp_path, range(1, 3))
    nuke.root()["proxy"].setValue(True)
    assert (read.width(), read.bbox().w()) == (8, 8)
    nuke.root()["proxy"].setValue(False)
    assert read.width() == 16


def test_inputs_have_rules(nuke: Any) -> None:
    one, two = nuke.nodes.Dot(), nuke.nodes.Dot()
    assert two.setInput(0, one)
    assert not one.setInput(0, two)  # a loop
    assert not one.setInput(1, nuke.nodes.Constant())  # no such input
    group = nuke.nodes.Group()
    with group:
        inner = nuke.nodes.Dot()
    assert not inner.setInput(0, one)  # of another group
    assert group.maxInputs() == 0
    with group:
        nuke.nodes.Input()
    assert group.maxInputs() == 1


def test_what_hangs_on_what(nuke: Any) -> None:
    a, b = nuke.nodes.Constant(name="a"), nuke.nodes.Multiply(name="b")
    c = nuke.nodes.Multiply(name="c", inputs=[a])
    c["value"].setExpression("b.value")
    assert c.dependencies(nuke.INPUTS) == [a]
    assert c.dependencies(nuke.EXPRESSIONS) == [b]
    c["hide_input"].setValue(True)
    assert c.dependencies(nuke.INPUTS) == []
    assert c.dependencies(nuke.HIDDEN_INPUTS) == [a]
    assert a.dependent(nuke.HIDDEN_INPUTS) == [c]


def test_a_hash_tells_of_all_above(nuke: Any) -> None:
    constant = nuke.nodes.Constant()
    dot = nuke.nodes.Dot(inputs=[constant])
    before = dot.opHashes()
    constant["xpos"].setValue(100)
    assert dot.opHashes() == before
    constant["color"].setValue(0.5)
    assert dot.opHashes() != before


def test_the_deleted_are_gone(nuke: Any) -> None:
    top, mid = nuke.nodes.Constant(), nuke.nodes.Multiply()
    mid.setInput(0, top)
    low = nuke.nodes.Dot(inputs=[mid])
    nuke.delete(mid)
    assert low.input(0) is top
    with pytest.raises(ValueError, match="not attached to a node"):
        mid.name()


def test_without_raw_colours_are_turned(nuke: Any, tmp_path: Path) -> None:
    save(tmp_path / "a.exr", {name: np.full((12, 16), 0.5 if name == "R" else 0.0) for name in "RGB"})
    nuke.root()["colorManagement"].setValue("OCIO")
    nuke.root()["OCIO_config"].setValue("aces_1.2")
    read = nuke.nodes.Read(file=str(tmp_path / "a.exr"))
    assert red(read, 1) == pytest.approx(0.72571966)
    write = nuke.nodes.Write(inputs=[read], file=str(tmp_path / "b.exr"), datatype="32 bit float")
    nuke.execute(write, 1, 1)
    back = nuke.nodes.Read(file=str(tmp_path / "b.exr"), raw=True)
    assert red(back, 1) == pytest.approx(0.5)
    read["raw"].setValue(True)
    assert red(read, 1) == 0.5
