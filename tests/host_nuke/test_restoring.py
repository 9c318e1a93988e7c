"""Frames that leave the node are those of `frdm restore`, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.host_nuke import standin
from tests.host_nuke.comps import EXTRA, Comp, expected, same, shoot
from tests.restore.on_disk import Planes, load, save
from tests.server.served import Served

FRAMES = range(1001, 1013)
FEW = range(1001, 1004)
KINDS = {"half": np.float16, "float": np.float32}


def check(found: dict[int, Any], right: dict[int, Planes], *, kind: type = np.float16) -> None:
    """Colours and mattes are right in every bit; and there is something to be right about."""
    for frame, (_, planes) in found.items():
        for name in ("R", "G", "B", "frdm.dirt", "frdm.scratch", "frdm.stain", "frdm.flicker", "frdm.opacity"):
            assert same(planes[name].astype(kind), right[frame][name].astype(kind)), (frame, name)
        assert 0 < (planes["frdm.opacity"] > 0).mean() < 1, frame


@pytest.mark.parametrize("pixels", ["half", "float"])
def test_twelve_frames_are_those_of_frdm_restore(
    pixels: str, session: standin.Session, served: Served, place: Path, model: Path
) -> None:
    source = shoot(place / "in", FRAMES, kind=KINDS[pixels])
    comp = Comp(place, source, first=1001, last=1012, connection=served.connection)
    comp.node["datatype"].setValue(pixels)
    assert comp.restore() == "12 of 12 frames restored"
    check(comp.rendered(FRAMES, pixels=pixels), expected(model, source, place / "right", FRAMES), kind=KINDS[pixels])
    assert session.messages == []


def test_float_keeps_what_half_could_not(session: standin.Session, served: Served, place: Path) -> None:
    source = shoot(place / "in", FEW, kind=np.float32)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.restore()
    for frame, (_, planes) in comp.rendered(FEW, pixels="float").items():
        plate, still = load(Path(source % frame))[0][1], planes["frdm.opacity"] == 0
        assert all(np.array_equal(planes[name][still], plate[name][still]) for name in "RGB")


@pytest.mark.parametrize("window", [(-8, -6), (5, 4)], ids=["overscan", "smaller than the format"])
def test_windows_alpha_and_other_channels_are_the_plate_s(
    window: tuple[int, int], session: standin.Session, served: Served, place: Path, model: Path
) -> None:
    display = (0, 0, 32, 20) if window[0] < 0 else (0, 0, 64, 48)
    source = shoot(place / "in", FEW, extra=True, window=window, display=display)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    assert comp.restore() == "3 of 3 frames restored"
    found = comp.rendered(FEW)
    check(found, expected(model, source, place / "right", FEW))
    for frame, (spec, planes) in found.items():
        before, plate = load(Path(source % frame))[0]
        assert (spec.x, spec.y, spec.width, spec.height) == (before.x, before.y, before.width, before.height)
        assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == display
        assert all(same(planes[name], plate[name]) for name in EXTRA)


def test_anamorphic_pixels_stay_so(session: standin.Session, served: Served, place: Path, model: Path) -> None:
    source = shoot(place / "in", FEW, PixelAspectRatio=2.0)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    comp.restore()
    found = comp.rendered(FEW)
    check(found, expected(model, source, place / "right", FEW))
    assert all(spec.get_float_attribute("PixelAspectRatio") == 2.0 for spec, _ in found.values())
    comp.nuke.frame(1001)
    assert comp.node.pixelAspect() == 2.0


def test_two_views_are_two_restorations(session: standin.Session, served: Served, place: Path, model: Path) -> None:
    import nuke

    nuke.root().addView("right")
    for view in ("main", "right"):
        source = shoot(place / "in", FEW, view=view)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    assert comp.restore() == "3 of 3 frames restored"
    found = {view: comp.rendered(FEW, view=view, name=f"out {view}") for view in ("main", "right")}
    for view in ("main", "right"):
        check(found[view], expected(model, source.replace("%V", view), place / "ok" / view, FEW))
    assert not same(found["main"][1001][1]["R"], found["right"][1001][1]["R"])


def test_one_view_of_two_can_be_chosen(session: standin.Session, served: Served, place: Path) -> None:
    import nuke

    nuke.root().addView("right")
    for view in ("main", "right"):
        source = shoot(place / "in", FEW, view=view)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.node["views"].setValue("right")
    comp.restore()
    assert {view for _, _, view in session.rendered} == {"right"}
    comp.rendered(FEW, view="right")
    with pytest.raises(RuntimeError):
        comp.rendered(FEW, view="main", name="other")


def test_negative_frames(session: standin.Session, served: Served, place: Path, model: Path) -> None:
    frames = range(-2, 3)
    source = shoot(place / "in", frames)
    comp = Comp(place, source, first=-2, last=2, connection=served.connection)
    comp.node["datatype"].setValue("half")
    assert comp.restore() == "5 of 5 frames restored"
    check(comp.rendered(frames), expected(model, source, place / "right", frames))


def test_a_preview_has_the_pixels_of_the_final_run(
    session: standin.Session, served: Served, place: Path, model: Path
) -> None:
    import nuke

    frames = range(1001, 1031)
    source = shoot(place / "in", frames)
    comp = Comp(place, source, first=1001, last=1030, connection=served.connection)
    comp.node["datatype"].setValue("half")
    nuke.frame(1015)
    assert comp.restore("restore_frame") == "1 of 1 frames restored"
    check(comp.rendered([1015]), expected(model, source, place / "right", [1015]))
    # Its window alone was rendered, as far as the engine may look; and no other frame passes for restored.
    assert sorted(frame for name, frame, _ in session.rendered if name.endswith("plate_write")) == [*range(1007, 1024)]
    with pytest.raises(RuntimeError):
        comp.rendered([1014], name="other")


def test_what_is_done_is_not_done_again(session: standin.Session, served: Served, place: Path) -> None:
    source = shoot(place / "in", FRAMES)
    comp = Comp(place, source, first=1001, last=1012, connection=served.connection)
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue("1001-1004")
    comp.restore()
    rendered, results = len(session.rendered), sorted(place.rglob("result.*.exr"))
    times = [path.stat().st_mtime_ns for path in results]
    comp.node["range"].setValue("input")
    assert comp.restore() == "12 of 12 frames restored"
    assert [path.stat().st_mtime_ns for path in results] == times
    assert len(session.rendered) == rendered, "the windows had all frames"
    assert comp.restore() == "12 of 12 frames restored"


def test_masks_protect_and_force(session: standin.Session, served: Served, place: Path, model: Path) -> None:
    source = shoot(place / "in", FEW)
    comp = Comp(place, source, first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    roto = {}
    for number, (name, box) in enumerate({"protect": (0, 0, 12, 32), "force": (30, 4, 10, 8)}.items(), start=1):
        x, y, width, height = box
        # Of another size than the plate, as a roto is: the plate's size is made of it.
        mask = np.ones((height, width), np.float16)
        files = [
            save(place / name / f"{name}.{n}.exr", ({"A": mask}, {"window": (x, y), "display": (0, 0, 48, 32)}))
            for n in FEW
        ]
        read = comp.nuke.nodes.Read()
        read["file"].fromUserText(f"{files[0].parent / (name + '.%04d.exr')} 1001-1003")
        read["raw"].setValue(True)
        comp.node.setInput(number, read)
        roto[name] = str(files[0].parent)
    assert comp.restore() == "3 of 3 frames restored"
    found = comp.rendered(FEW)
    check(found, expected(model, source, place / "right", FEW, **roto))
    for _, planes in found.values():
        assert not planes["frdm.opacity"][:, :12].any()
        assert planes["frdm.opacity"][4:12, 30:40].all()
