"""Storage that hiccups, and disks that fill: real errors of the real system."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from frdm_engine.errors import NoRoomError, OutputError, PlateError
from frdm_engine.plates import read_plate
from frdm_engine.restore import patience as module
from frdm_engine.restore.patience import Interrupted, Patience, Wait
from tests.batch.conftest import Child, Shoot, pictures, torn

Frdm = Callable[..., Result]
EIO = "/proc/self/mem"
"""What is read at its beginning is answered with EIO, as by a disk or a mount that is in trouble."""


def _traced() -> bool:
    """Whether calls can be made to fail from outside, which needs strace and the right to trace."""
    strace = shutil.which("strace")
    return strace is not None and subprocess.run([strace, "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a tmpfs of so many kilobytes; needs the right to mount."""
    made = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        options = f"size={kilobytes}k"
        asked = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "frdm", folder], capture_output=True, check=False
        )
        if asked.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here ({asked.stderr.decode().strip()})")
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", folder], check=True)


def test_a_plate_that_comes_back_is_waited_for(shoot: Shoot, tmp_path: Path) -> None:
    plate = shoot("sh010", [1001]) / "plate.1001.exr"
    link = tmp_path / "plate.exr"
    link.symlink_to(EIO)
    waits: list[Wait] = []

    def on_wait(wait: Wait) -> None:
        waits.append(wait)
        if len(waits) == 2:
            link.unlink()
            link.symlink_to(plate)

    began = time.monotonic()
    made = Patience(10, on_wait=on_wait).read(link, lambda: read_plate(link))
    assert made.width == 64
    assert [wait.seconds for wait in waits] == [0.5, 1.0]  # it grows
    assert time.monotonic() - began >= 1.5
    assert {wait.why for wait in waits} == {os.strerror(errno.EIO)}


def test_patience_ends_with_a_sentence(tmp_path: Path) -> None:
    link = tmp_path / "plate.exr"
    link.symlink_to(EIO)
    with pytest.raises(PlateError, match=r"plate\.exr cannot be read \(Input/output error, waited for 0\.5 s\)"):
        Patience(0.4).read(link, lambda: read_plate(link))
    with pytest.raises(Interrupted):
        Patience(1000, hurry=lambda: True).read(link, lambda: read_plate(link))


def test_damage_and_absence_are_not_waited_for(shoot: Shoot, tmp_path: Path) -> None:
    plate = shoot("sh010", [1001]) / "plate.1001.exr"
    waits: list[Wait] = []
    patient = Patience(1000, on_wait=waits.append)
    torn(plate)
    with pytest.raises(PlateError, match="damaged"):
        patient.read(plate, lambda: read_plate(plate))
    with pytest.raises(PlateError, match="not there"):
        patient.read(tmp_path / "none.exr", lambda: read_plate(tmp_path / "none.exr"))
    assert waits == []


def test_a_full_disk_is_named_and_a_closed_folder_is_no_hiccup(
    tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(64)
    waits: list[Wait] = []
    patient = Patience(1000, on_wait=waits.append)

    def fill() -> None:
        with (disk / "x").open("wb", buffering=0) as out:
            while True:
                out.write(bytes(4096))

    with pytest.raises(NoRoomError, match=r"\(no room is left in .*disk\); free space there"):
        patient.write(disk / "x", fill, size=4096)

    def fail() -> None:
        raise OutputError("the library's own words")

    with pytest.raises(OutputError, match="the library's own words"):
        patient.write(tmp_path / "x", fail, size=4096)
    assert waits == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk"]


def test_frames_lost_to_storage_are_said_and_others_done(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    shot, log = shoot("sh010"), tmp_path / "log"
    (shot / "plate.1004.exr").unlink()
    (shot / "plate.1004.exr").symlink_to(EIO)
    result = frdm("restore", shot, tmp_path / "out", "--model", model, "--log", log, "--wait", 0.4)
    assert result.exit_code == 3
    assert "waiting 0.5 s for " in result.stderr
    assert "(Input/output error)" in result.stderr
    assert "1 failed: 1004" in result.stdout
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["seconds"] for event in events if event["event"] == "waiting"] == [0.5]
    assert len(pictures(tmp_path / "out")) == 5


@pytest.mark.skipif(not _traced(), reason="needs strace and the right to trace processes")
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_writes_that_fail_for_a_while(call: str, child: Child, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    shot = shoot("sh010")
    # The second to fifth call of the kind fails with ESTALE, as on a server that was restarted.
    inject = f"inject={call}:error=ESTALE:when=2..5"
    under = ("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", f"trace={call}", "-e", inject)
    command = ("restore", shot, tmp_path / "out", "--model", model, "--device", "cpu", "--log", tmp_path / "log")
    process = child(*command, under=under)
    said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "Stale file handle" in said[1]
    assert "INJECTED" in (tmp_path / "trace").read_text()
    quiet = child("restore", shot, tmp_path / "quiet", "--model", model, "--device", "cpu")
    quiet.communicate(timeout=120)
    assert pictures(tmp_path / "out") == pictures(tmp_path / "quiet")
    assert list((tmp_path / "out").rglob(".*")) == []


def test_room_for_all_shots_is_asked_for_first(
    frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    one, two = shoot("sh010"), shoot("sh020")
    plates = sum(path.stat().st_size for path in one.iterdir())
    disk = small_disk(plates * 3 // 2 // 1024)
    assert frdm("restore", one, two, disk, "--model", model, "--plan").exit_code == 2
    result = frdm("restore", one, two, disk, "--model", model)
    assert result.exit_code == 2
    assert "MB free and 12 frames need about" in result.stderr
    assert list(disk.iterdir()) == []
    # One alone has room, but not with its difference and matte.
    with_all = ("--matte", disk / "m.####.exr", "--difference", disk / "d.####.exr", "--log", tmp_path / "log")
    assert frdm("restore", one, disk / "one", "--model", model, *with_all, "--plan").exit_code == 2
    assert frdm("restore", one, disk / "one", "--model", model, "--plan").exit_code == 0


def test_a_disk_that_fills_up_midway_ends_the_shot_and_resume_goes_on(
    frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    one, two, three = shoot("sh010"), shoot("sh020"), shoot("sh030")
    plates = sum(path.stat().st_size for path in one.iterdir())
    disk = small_disk(plates * 2 // 1024)
    listed = tmp_path / "reel.toml"
    outputs = {one: disk / "one", two: tmp_path / "two", three: tmp_path / "three"}
    listed.write_text("".join(f'[[shot]]\nplate = "{shot}"\noutput = "{out}/"\n' for shot, out in outputs.items()))
    command = ("restore", "--shots", listed, "--model", model, "--resume")
    assert frdm(*command, "--plan").exit_code == 0

    # Somebody else fills the disk after the check, all but three frames of it.
    def fill() -> None:
        free = shutil.disk_usage(disk).free
        (disk / "theirs").write_bytes(bytes(free - 3 * plates // 6 - 8192))

    log = tmp_path / "log"
    fill()
    assert frdm(*command).exit_code == 2  # known beforehand
    (disk / "theirs").unlink()
    result = _filled_midway(frdm, command, fill, log)
    assert result.exit_code == 3, result.output
    assert f"no room is left in {disk / 'one'}" in result.stderr, result.stderr
    made = pictures(disk / "one")
    assert 0 < len(made) < 6
    assert list(disk.rglob(".*")) == []
    assert (len(pictures(tmp_path / "two")), len(pictures(tmp_path / "three"))) == (6, 6)
    assert f"3 shots: {12 + len(made)} of 18 frames done, {6 - len(made)} failed" in result.stdout
    (disk / "theirs").unlink()
    result = frdm(*command)
    assert result.exit_code == 0, result.output
    assert "sh010: 6 frames; " in result.stdout
    assert f"{len(made)} there already" in result.stdout
    frdm("restore", one, tmp_path / "quiet", "--model", model)
    assert pictures(disk / "one") == pictures(tmp_path / "quiet")


def _filled_midway(frdm: Frdm, command: tuple[object, ...], fill: Callable[[], None], log: Path) -> Result:
    """Runs the command, and fills the disk when its log says that the first shot has begun."""

    def watch() -> None:
        while not (log.exists() and "shot started" in log.read_text()):
            time.sleep(0.002)
        fill()

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = frdm(*command, "--log", log)
    watcher.join()
    return result


def test_hiccups_are_what_network_storage_says() -> None:
    assert {errno.EIO, errno.ESTALE, errno.ETIMEDOUT} <= module.HICCUPS
    assert not module.HICCUPS & {errno.ENOENT, errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
