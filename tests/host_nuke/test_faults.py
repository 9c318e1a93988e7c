"""What the artist reads when something is wrong: on the node, and once in a message."""

from __future__ import annotations

import errno
import json
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.host_nuke import standin
from tests.host_nuke.comps import Comp, planes, shoot
from tests.restore.on_disk import save
from tests.server.served import Served

FEW = range(1001, 1007)


@pytest.fixture
def comp(session: standin.Session, served: Served, place: Path) -> Comp:
    comp = Comp(place, shoot(place / "in", FEW), first=1001, last=1006, connection=served.connection)
    comp.node["datatype"].setValue("half")
    return comp


def fails(comp: Comp, session: standin.Session, *, times: int = 1) -> str:
    """Restores, and returns the sentence that was told: on the node and in a message, once, and alike."""
    said = comp.restore()
    assert said.startswith("error: "), said
    sentence = said.removeprefix("error: ")
    assert session.messages[-1] == sentence
    assert len(session.messages) == times
    assert sentence.endswith((".", ")"))
    assert "Traceback" not in sentence
    return sentence


def test_no_engine(comp: Comp, session: standin.Session, place: Path) -> None:
    comp.node["connection"].setValue(str(place / "engine.json"))
    assert fails(comp, session) == (
        f"There is no connection file {place}/engine.json: no engine runs here. Start one with `frdm serve`, or set "
        "FRDM_CONNECTION to the file of the one you mean. Or tick `start one if none runs` on the node's tab Engine."
    )


def test_an_engine_that_cannot_be_started(
    comp: Comp, session: standin.Session, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRDM_CONNECTION", str(place / "engine.json"))
    comp.node["connection"].setValue("")
    comp.node["start_engine"].setValue(True)
    comp.node["engine_command"].setValue("/nowhere/frdm")
    assert fails(comp, session) == (
        "/nowhere/frdm cannot be run (No such file or directory); install FRDM or give its full path."
    )


def test_an_engine_that_ends_as_it_starts(
    comp: Comp, session: standin.Session, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRDM_CONNECTION", str(place / "engine.json"))
    program = place / "my programs" / "frdm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'frdm: no device fits' >&2\nexit 4\n")
    program.chmod(0o755)
    comp.node["connection"].setValue("")
    comp.node["start_engine"].setValue(True)
    comp.node["engine_command"].setValue(f"'{program}'")
    assert re.fullmatch(r".*/frdm serve --daemon .* ended with exit code 4: frdm: no device fits", comp.restore()[7:])


@pytest.fixture
def strange(place: Path) -> Iterator[Path]:
    """The connection file of an engine of another major version."""
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    address = f"ipc:///tmp/frdm-{secrets.token_hex(6)}"
    socket.bind(address)
    stop = threading.Event()

    def answer() -> None:
        while not stop.is_set():
            if socket.poll(50):
                sender, _, header = socket.recv_multipart()[:3]
                asked = json.loads(header)
                reply = {"id": "e" * 32, "reply_to": asked["id"], "version": "2.0", "type": "welcome", "body": {}}
                socket.send_multipart([sender, b"FRDM1", json.dumps(reply).encode()])

    thread = threading.Thread(target=answer)
    thread.start()
    file = place / "strange.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"address": address}))
    yield file
    stop.set()
    thread.join()
    context.destroy(linger=0)


def test_an_engine_of_another_version(comp: Comp, session: standin.Session, strange: Path) -> None:
    comp.node["connection"].setValue(str(strange))
    assert fails(comp, session) == (
        f"The engine of {strange} and this plug-in do not understand each other, as they are of different releases; "
        "upgrade the older one, and run `frdm install nuke` with it."
    )


def test_an_engine_that_takes_other_keys(
    comp: Comp, session: standin.Session, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import frdm_nuke.engine

    monkeypatch.setattr(frdm_nuke.engine, "ANSWERING", 1.0)
    with Served(tmp_path, model, "--listen", "tcp://127.0.0.1:0") as engine:
        known = json.loads(engine.connection.read_text())
        public, secret = zmq.curve_keypair()
        old = tmp_path / "old.json"
        old.touch(mode=0o600)
        old.write_text(json.dumps(known | {"public_key": public.decode(), "secret_key": secret.decode()}))
        comp.node["connection"].setValue(str(old))
        assert fails(comp, session) == (
            f"The engine that {old} names does not answer; see `frdm status`, or start it with `frdm serve`. If it "
            "does run, the file holds old keys: take the one the engine wrote at its last start."
        )


def test_a_full_cache_folder_when_nuke_writes(
    comp: Comp, session: standin.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.host_nuke.standin import exr

    def full(path: str, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    monkeypatch.setattr(exr, "write", full)
    sentence = fails(comp, session)
    assert sentence.startswith("Frame 1001 of the plate of FRDM1 could not be rendered (")
    assert "No space left on device" in sentence
    assert sentence.endswith("mend what is above its input plate, or the cache folder, and restore again.")


def test_a_cache_folder_that_is_a_file(comp: Comp, session: standin.Session, place: Path) -> None:
    (place / "frdm").write_text("in the way")
    sentence = fails(comp, session)
    assert sentence.startswith(f"The cache folder {place}/frdm/FRDM1_")
    assert sentence.endswith(
        "cannot be written (Not a directory); choose another on the node's tab Cache, or mend its permissions."
    )


def test_a_source_in_error(comp: Comp, session: standin.Session, place: Path) -> None:
    (place / "in" / "plate.1003.exr").unlink()
    sentence = fails(comp, session)
    assert sentence.startswith("Frame 1003 of the plate of FRDM1 could not be rendered (")
    assert "plate.1003.exr" in sentence
    assert sentence.endswith("mend what is above its input plate, or the cache folder, and restore again.")


def test_a_mask_that_lacks_frames(comp: Comp, session: standin.Session, place: Path) -> None:
    mask = comp.nuke.nodes.Read()
    mask["file"].fromUserText(f"{shoot(place / 'mask', range(1001, 1004), extra=True)} 1001-1006")
    mask["raw"].setValue(True)
    comp.node.setInput(1, mask)
    sentence = fails(comp, session)
    assert sentence.startswith("Frame 1004 of the mask protect of FRDM1 could not be rendered (")
    assert sentence.endswith("mend what is above its input protect, or the cache folder, and restore again.")


def test_a_plate_that_changes_its_size(comp: Comp, session: standin.Session, place: Path) -> None:
    save(place / "in" / "plate.1004.exr", (planes(1004, height=40, width=56), {}))
    sentence = fails(comp, session)
    assert re.search(r"plate\.0*1004\.exr", sentence)
    assert re.search(r"56 x 40|40 x 56", sentence)


def test_no_plate(comp: Comp, session: standin.Session) -> None:
    comp.node.setInput(0, None)
    session.messages.clear()
    comp.press("restore_range")
    assert session.messages == ["FRDM1 has no plate; connect what is to be restored to its input plate."]


@pytest.mark.parametrize(
    ("knob", "value", "sentence"),
    [
        ("views", "left", "The project has no view 'left'; FRDM1 can restore main."),
        ("path_map", "P:/show", "The path map has the line 'P:/show'; write HERE = THERE, as P:/show = /mnt/show."),
        ("steps", 99, "FRDM1: Settings.steps is 99; it must be a whole number from 1 to 64."),
    ],
)
def test_settings_that_cannot_be(knob: str, value: Any, sentence: str, comp: Comp, session: standin.Session) -> None:
    comp.node[knob].setValue(value)
    session.messages.clear()
    comp.press("restore_range")
    assert session.messages == [sentence]
    assert comp.node["status"].value() == f"error: {sentence}"


def test_nothing_to_repair(comp: Comp, session: standin.Session) -> None:
    for kind in ("dirt", "scratch", "stain", "flicker"):
        comp.node[f"fix_{kind}"].setValue(False)
    session.messages.clear()
    comp.press("restore_range")
    assert session.messages == ["FRDM1 is to repair nothing; tick dirt, scratches, stains or flicker."]


def test_a_render_the_artist_stops_is_no_error(comp: Comp, session: standin.Session) -> None:
    session.cancel_at = 1002
    assert comp.restore() == "cancelled: Rendering the plate of FRDM1 was stopped at frame 1002."
    assert session.messages == []


def test_a_folder_the_engine_does_not_see_is_streamed(comp: Comp, session: standin.Session, tmp_path: Path) -> None:
    standin.pick(comp.node["cache_folder"], str(tmp_path / "private"))
    assert comp.restore() == "6 of 6 frames restored"
    assert len([*(tmp_path / "private").rglob("matte.*.exr")]) == 6
    assert comp.rendered(FEW).keys() == {*FEW}


def test_the_engine_can_be_asked(comp: Comp, session: standin.Session) -> None:
    comp.press("check_engine")
    standin.loop.run_until(comp.node["engine_status"].value, seconds=20)
    assert re.fullmatch(r"FRDM 0\.1\.0: cpu \w+.*; 0 running, 0 waiting", comp.node["engine_status"].value())


def test_errors_are_gone_when_it_works_again(comp: Comp, session: standin.Session, served: Served, place: Path) -> None:
    comp.node["connection"].setValue(str(place / "engine.json"))
    fails(comp, session)
    comp.node["connection"].setValue(str(served.connection))
    assert comp.restore() == "6 of 6 frames restored"
    assert len(session.messages) == 1
