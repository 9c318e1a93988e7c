"""Paths, proxies, holds and retimes, folders that cannot be written: the plates and places of real shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.host_nuke.comps import Comp, expected, same, shoot
from tests.host_nuke.test_restoring import check
from tests.restore.on_disk import load
from tests.server.served import Served

FEW = range(1001, 1004)


@pytest.fixture
def comp(session: standin.Session, served: Served, place: Path) -> Comp:
    return made(served, place)


def made(served: Served, place: Path) -> Comp:
    comp = Comp(place, shoot(place / "in", FEW), first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    return comp


def below(comp: Comp, kind: str, **knobs: Any) -> None:
    """Puts a node between the plate and ours."""
    node = getattr(comp.nuke.nodes, kind)()
    node.setInput(0, comp.plate)
    for name, value in knobs.items():
        node[name].setValue(value)
    comp.node.setInput(0, node)


def test_the_cache_lies_beside_the_script_and_has_no_backslash(comp: Comp, place: Path) -> None:
    assert " " in str(place)
    comp.restore()
    assert len([*(place / "frdm").rglob("result.*.exr")]) == 3


def test_windows_separators_become_forward_ones(comp: Comp, place: Path) -> None:
    standin.pick(comp.node["cache_folder"], f"{place}/my cache".replace("/", "\\"))
    assert comp.node["cache_folder"].getText() == f"{place}/my cache"
    assert comp.restore() == "3 of 3 frames restored"
    assert len([*(place / "my cache").rglob("result.*.exr")]) == 3


def test_the_folder_takes_nuke_s_tokens(comp: Comp, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOW", str(place / "show"))
    standin.pick(comp.node["cache_folder"], "[getenv SHOW]/%V/cache")
    assert comp.restore() == "3 of 3 frames restored"
    assert len([*(place / "show" / "main" / "cache").rglob("result.*.exr")]) == 3
    assert comp.node.node("result")["file"].getText().startswith("[getenv SHOW]/%V/cache/FRDM1_")


def test_an_unsaved_script_is_told_to_be_saved(session: standin.Session, served: Served, place: Path) -> None:
    comp = Comp(place, shoot(place / "in", FEW), first=1001, last=1003, connection=served.connection, saved=False)
    assert "which is no whole path; save the script first, or choose a folder" in comp.restore()
    assert len(session.messages) == 1


def test_a_read_only_cache_still_shows_what_it_holds(
    comp: Comp, place: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    comp.restore()
    for folder in [*(place / "frdm").rglob("*"), place / "frdm"]:
        if folder.is_dir():
            folder.chmod(0o555)
    assert comp.restore() == "3 of 3 frames restored"
    assert comp.rendered(FEW).keys() == {*FEW}
    monkeypatch.setattr(Path, "write_bytes", _locked)  # root, who runs tests in containers, may write anywhere
    standin.pick(comp.node["seed"], 5)
    said = comp.restore()
    for folder in [place / "frdm", *(place / "frdm").rglob("*")]:
        if folder.is_dir():
            folder.chmod(0o755)
    assert said.startswith("error: The cache folder ")
    assert "cannot be written (Permission denied); choose another on the node's tab Cache" in said


def _locked(self: Path, data: bytes) -> int:
    raise PermissionError(13, "Permission denied", str(self))


def test_a_frame_hold_above_gives_its_frame_everywhere(comp: Comp, place: Path, model: Path) -> None:
    below(comp, "FrameHold", first_frame=1002)
    assert comp.restore() == "3 of 3 frames restored"
    held = shoot(place / "held", FEW)
    for frame in FEW:
        (place / "held" / f"plate.{frame}.exr").write_bytes((place / "in" / "plate.1002.exr").read_bytes())
    check(comp.rendered(FEW), expected(model, held, place / "right", FEW))


def test_an_offset_above_moves_the_frames(comp: Comp, place: Path, model: Path) -> None:
    below(comp, "TimeOffset", time_offset=10)
    assert comp.restore() == "3 of 3 frames restored"
    moved = shoot(place / "moved", range(1011, 1014))
    for frame in FEW:
        (place / "moved" / f"plate.{frame + 10}.exr").write_bytes((place / "in" / f"plate.{frame}.exr").read_bytes())
    check(comp.rendered(range(1011, 1014)), expected(model, moved, place / "right", range(1011, 1014)))


def test_a_retime_above_gives_every_second_frame(comp: Comp, place: Path, model: Path) -> None:
    below(comp, "Retime", **{"input.first": 1001, "input.last": 1003, "output.first": 1001, "speed": 2})
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue("1001-1002")
    assert comp.restore() == "2 of 2 frames restored"
    faster = place / "faster"
    faster.mkdir()
    for frame in FEW:
        shown = min(1001 + 2 * (frame - 1001), 1003)  # the Read holds its last
        (faster / f"plate.{frame}.exr").write_bytes((place / "in" / f"plate.{shown}.exr").read_bytes())
    right = expected(model, str(faster / "plate.%04d.exr"), place / "right", (1001, 1002))
    check(comp.rendered((1001, 1002)), right)


def test_the_range_of_the_project_can_be_restored(comp: Comp) -> None:
    root = comp.nuke.root()
    root["first_frame"].setValue(1002)
    root["last_frame"].setValue(1003)
    comp.node["range"].setValue("root")
    assert comp.restore() == "2 of 2 frames restored"


def test_the_report_is_the_engine_s_sidecar(comp: Comp, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    opened: list[list[str]] = []
    comp.press("open_report")
    assert comp.node["status"].value() == "error: There is no report of FRDM1 yet; restore a frame first."
    comp.restore()
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: opened.append(command))
    comp.press("open_report")
    assert [Path(command[1]).name for command in opened] == ["result.frdm.jsonl"]


def test_a_frame_beyond_the_plate_is_restored_by_itself(comp: Comp, session: standin.Session) -> None:
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue("1002-1004")
    assert comp.restore() == "3 of 3 frames restored"
    # What the plate shows after its end must not be seen by its last frame, when that is made again.
    comp.node["frames"].setValue("1001-1003")
    assert comp.restore() == "3 of 3 frames restored"


@pytest.mark.parametrize("proxy", [False, True])
def test_full_size_is_restored_whatever_the_proxy_mode(proxy: bool, comp: Comp, place: Path, model: Path) -> None:
    root = comp.nuke.root()
    root["proxy_scale"].setValue(0.5)
    root["proxy"].setValue(proxy)
    assert comp.restore() == "3 of 3 frames restored"
    assert root["proxy"].value() is proxy
    root["proxy"].setValue(False)
    check(comp.rendered(FEW), expected(model, str(place / "in" / "plate.%04d.exr"), place / "right", FEW))


def test_a_proxy_of_its_own_is_restored_where_the_node_follows(comp: Comp, place: Path) -> None:
    root = comp.nuke.root()
    root["proxy_scale"].setValue(0.5)
    root["proxy"].setValue(True)
    comp.node["proxy_mode"].setValue("follow")
    assert comp.restore() == "3 of 3 frames restored"
    small = sorted((place / "frdm").rglob("proxy_0.5/**/result.*.exr"))
    assert len(small) == 3
    assert load(small[0])[0][0].width == 24
    assert sorted((place / "frdm").rglob("result.*.exr")) == small


def test_a_project_in_aces_tells_the_engine_its_working_space(comp: Comp, place: Path, model: Path) -> None:
    root = comp.nuke.root()
    root["colorManagement"].setValue("OCIO")
    root["OCIO_config"].setValue("aces_1.2")  # reads and writes that are not raw convert here
    root["workingSpaceLUT"].setValue("ACEScg")
    assert comp.restore() == "3 of 3 frames restored"
    source = str(place / "in" / "plate.%04d.exr")
    check(comp.rendered(FEW), expected(model, source, place / "right", FEW, colourspace="ACEScg"))


def test_old_files_are_kept_where_asked(comp: Comp, place: Path) -> None:
    comp.node["old_files"].setValue("keep")
    comp.restore()
    before = {path: path.read_bytes() for path in place.rglob("result.*.exr")}
    standin.pick(comp.node["strength"], 4.0)
    comp.restore()
    after = {path: path.read_bytes() for path in place.rglob("result.*.exr")}
    assert len(after) == 6
    assert {path: after[path] for path in before} == before
    standin.pick(comp.node["strength"], 1.0)
    assert comp.restore() == "3 of 3 frames restored"
    assert len([*place.rglob("result.*.exr")]) == 6


def test_clearing_deletes_the_node_s_files_alone(comp: Comp, place: Path, session: standin.Session) -> None:
    comp.restore()
    (place / "frdm" / "mine.txt").write_text("mine")
    comp.press("clear_cache")
    assert [path.name for path in (place / "frdm").iterdir()] == ["mine.txt"]
    assert len(session.questions) == 1
    assert comp.node["status"].value().startswith("cache cleared")
    with pytest.raises(RuntimeError):
        comp.rendered([1001])


def test_difference_matte_and_overlay_can_be_looked_at(comp: Comp, place: Path) -> None:
    comp.restore()
    result = comp.rendered([1001])[1001][1]
    plate = load(place / "in" / "plate.1001.exr")[0][1]
    comp.node["show"].setValue("plate")
    assert same(comp.rendered([1001], name="plate")[1001][1]["R"], plate["R"])
    comp.node["show"].setValue("matte")
    assert same(comp.rendered([1001], name="matte")[1001][1]["G"], result["frdm.opacity"])
    comp.node["show"].setValue("difference")
    found = comp.rendered([1001], name="difference", pixels="float")[1001][1]["B"]
    assert (found == result["B"].astype("f4") - plate["B"].astype("f4")).all()
    comp.node["show"].setValue("overlay")
    overlay = comp.rendered([1001], name="overlay")[1001][1]
    still = result["frdm.opacity"] == 0
    assert (overlay["R"][still] == plate["R"][still]).all()
    assert not (overlay["R"] == plate["R"]).all()
