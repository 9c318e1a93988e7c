"""The bundle for support: useful, whole, and without a word that is somebody's own."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from frdm_engine.doctor.scrub import Scrubber
from frdm_engine.plates.images import write_image
from tests.doctor.conftest import Machine

SHOW, SHOT, USER, PROJECT = "ZirkusRoncalli", "ZRK_010_0020", "wilhelmina", "Mondlandung"


def test_no_private_word_is_in_the_bundle(
    machine: Callable[..., Machine], serve: Callable[..., subprocess.Popen[str]]
) -> None:
    ours = machine(f"home_of_{USER}")
    plates = ours.folder / SHOW / SHOT
    plates.mkdir(parents=True)
    for frame in (1001, 1002):
        write_image(plates / f"{SHOT}.{frame}.exr", np.zeros((32, 48, 3), np.float32), channel_names=("R", "G", "B"))
    ours.environment |= {"USER": USER, "OCIO": str(ours.folder / SHOW / "config.ocio"), "SHOW": SHOW}
    serve(ours, "--read", ours.folder, "--write", ours.folder)
    # The engine's log then tells of jobs, and of one that fails with the name of a file in its sentence.
    code = (
        "import sys\nfrom frdm_bridge import Client, JobSpec\nfrom frdm_bridge.errors import BridgeError\n"
        "with Client.connect() as engine:\n    for out in sys.argv[2:]:\n        try:\n"
        f"            engine.wait(engine.submit(JobSpec(source=sys.argv[1], output=out, label={PROJECT!r})))\n"
        "        except BridgeError as error:\n            print(error)\n"
    )
    (ours.folder / SHOW / "file").write_text("")
    command = [str(ours.folder / "env" / "bin" / "python"), "-c", code, str(plates)]
    command += [str(ours.folder / SHOW / "out"), str(ours.folder / SHOW / "file" / SHOT)]
    subprocess.run(command, env=ours.environment, check=True, cwd=ours.folder, capture_output=True)
    log = (ours.home / "logs" / "engine.jsonl").read_text()
    assert USER in log  # there is something to be left out
    bundle = ours.folder / "support.zip"
    ours.examine("--bundle", bundle, "--read", plates, "--write", ours.folder / SHOW, code=1)
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(members) == {"README.txt", "doctor.json", "system.json", "engine.json", "engine.log.jsonl"}
    secret = json.loads((ours.home / "keys" / "engine.key").read_text())["secret"]
    for name, content in members.items():
        small = content.casefold()
        for word in (SHOW, SHOT, "zrk", USER, PROJECT, "roncalli", str(ours.folder), ours.folder.name, secret):
            assert word.casefold() not in small, (word, name)
    told = json.loads(members["doctor.json"])
    named = {one["name"]: one for one in told["findings"]}
    assert named["OCIO config"]["status"] == "failure"
    assert named["OCIO config"]["found"] == "$OCIO names <path>, which is not there"
    assert "write <path>" in named
    assert json.loads(members["engine.json"])["health"]["frames"] == 2
    assert json.loads(members["system.json"])["packages"]["pyzmq"]
    assert "OCIO" in json.loads(members["system.json"])["set"]
    lines = [json.loads(line) for line in members["engine.log.jsonl"].splitlines()]
    assert len(lines) == len(log.splitlines())
    again = ours.frdm("doctor", "--only", "Python", "--bundle", bundle, check=False)
    assert (again.returncode, "is there already; choose another name" in again.stderr) == (2, True)
    assert not [one for one in ours.folder.iterdir() if one.name.startswith(".")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/shows/skyfall/sh010/plate.1001.exr cannot be read", "<path> cannot be read"),
        (r"C:\Users\anna\skyfall\a.exr exists", "<path> exists"),
        (r"\\server\skyfall\a.exr exists", "<path> exists"),
        ("~/skyfall is not there", "<path> is not there"),
        ("skyfall/sh010 is no folder", "<path> is no folder"),
        ("the engine at tcp://render07.studio.example:5750 did not answer", "the engine at <address> did not answer"),
        (
            "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3, 52 spaces",
            "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3, 52 spaces",
        ),
        ("client 10.20.30.40 is gone", "client <...> is gone"),
        ("job 3f2a9c4477aa0b12 of Skyfall_Reel_2 failed", "job 3f2a9c4477aa0b12 of <...> failed"),
        ("Jürgen Öhlmann's plate", "<...>'s plate"),
        ("/shows/The Last Frame/a.exr is a frame", "<path> is a frame"),
        ("the frame /a/b is not in /c/d, which is a folder", "the frame <path> is not in <path>, which is a folder"),
        ("frame 1001, 12 frames", "frame 1001, 12 frames"),
        (
            'File "/home/anna/env/lib/python3.11/site-packages/frdm_engine/restore/stream.py", line 3, in run',
            'File "frdm_engine/restore/stream.py", line 3, in run',
        ),
    ],
)
def test_what_passes(text: str, left: str) -> None:
    assert Scrubber().text(text) == left


def test_a_user_whose_name_is_a_word_of_frdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "Engine")
    assert Scrubber().text("the engine answers") == "the <...> answers"
    monkeypatch.delenv("USER")
    assert Scrubber(known=["NVIDIA H100"]).text("an NVIDIA H100 of Otto's") == "an NVIDIA H100 of <...>'s"
    assert Scrubber(private=["Last Frame"]).text("frames of The Last Frame") == "frames of The <...>"


def test_data_keeps_its_form() -> None:
    given = {"read /a/b": ["frame", 3, None, True, {"found": "Kolossal"}]}
    assert Scrubber().plain(given) == {"read <path>": ["frame", 3, None, True, {"found": "<...>"}]}
