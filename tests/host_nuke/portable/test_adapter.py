"""The adapter in the stand-in, on whatever Python runs this: a restoration by a live engine, and a script kept.

$FRDM_CONNECTION, $FRDM_PLATE (1001 to 1006) and $FRDM_OUT name the engine, a plate it may read, and a folder it may
write.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Iterator

import OpenImageIO as oiio
import pytest

from tests.host_nuke import standin

ROOT = Path(__file__).parents[3]
PLATE, OUT = os.environ.get("FRDM_PLATE", ""), Path(os.environ.get("FRDM_OUT", ""))
CONNECTION = os.environ.get("FRDM_CONNECTION", "")
pytestmark = pytest.mark.skipif(not PLATE, reason="test_interpreters.py starts an engine for these and runs them")


@pytest.fixture(params=["interface", "terminal"])
def nuke(request: pytest.FixtureRequest) -> Iterator[Any]:
    for name in [one for one in sys.modules if one.partition(".")[0] == "frdm_nuke"]:
        del sys.modules[name]
    session = standin.install(gui=request.param == "interface")
    standin.start(str(ROOT / "host_nuke"))
    assert not [line for line in session.printed if "could not" in line], session.printed
    import nuke

    yield nuke
    if session.gui:
        # Nuke would run on; what looks at files in the background asks it for the main thread.
        standin.settle()
    assert session.violations == []
    standin.uninstall()


def made(nuke: Any, place: Path) -> Any:
    """A saved script with the plate and a node below it."""
    import frdm_nuke.node

    place.mkdir(parents=True, exist_ok=True)
    nuke.scriptSave(str(place / "comp.nk"))
    read = nuke.nodes.Read(raw=True)
    read["file"].fromUserText(f"{PLATE} 1001-1006")
    node: Any = frdm_nuke.node.create(inpanel=False)
    node.setInput(0, read)
    node["start_engine"].setValue(False)
    node["connection"].setValue(CONNECTION)
    return node


def restored(nuke: Any, node: Any) -> str:
    """Restores the range and waits; the status."""
    if not nuke.GUI:
        import frdm_nuke.batch

        frdm_nuke.batch.restore_all([node])
        return str(node["status"].value())
    import frdm_nuke.requests

    standin.press(node["restore_range"])
    standin.loop.run_until(frdm_nuke.requests.queue.idle, seconds=120)
    standin.loop.drain()
    return str(node["status"].value())


def test_a_range_is_restored_and_kept_with_the_script(nuke: Any) -> None:
    place = OUT / ("interface" if nuke.GUI else "terminal")
    node = made(nuke, place)
    assert restored(nuke, node).startswith("6 of 6"), node["status"].value()
    nuke.scriptSave(str(place / "comp.nk"))
    nuke.scriptOpen(str(place / "comp.nk"))
    again = nuke.toNode(node_name(nuke))
    write = nuke.nodes.Write(inputs=[again], channels="all", file_type="exr", raw=True, datatype="32 bit float")
    write["file"].setValue(str(place / "final.%04d.exr"))
    nuke.execute(write, 1001, 1006)
    for frame in range(1001, 1007):
        spec = oiio.ImageBuf(str(place / f"final.{frame:04d}.exr")).spec()
        assert "frdm.opacity" in spec.channelnames


def node_name(nuke: Any) -> str:
    (one,) = [one for one in nuke.allNodes("Group") if one.knob("frdm_node") is not None]
    return str(one.name())


def test_no_engine_is_one_clear_sentence(nuke: Any, tmp_path: Path) -> None:
    node = made(nuke, tmp_path / "comp")
    node["connection"].setValue(str(tmp_path / "none.json"))
    if not nuke.GUI:
        with pytest.raises((RuntimeError, SystemExit)):
            restored(nuke, node)
    else:
        restored(nuke, node)
    assert "none.json" in node["status"].value() or "engine" in node["status"].value()
