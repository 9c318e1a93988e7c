"""A healthy machine and broken ones, each built for real: the doctor names what is broken and how to mend it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.doctor.conftest import Findings, Machine

Build = Callable[..., Machine]
Serve = Callable[..., "subprocess.Popen[str]"]


def failures(findings: Findings) -> set[str]:
    return {name for name, one in findings.items() if one["status"] == "failure"}


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below one, with its mode, and a file's time of change."""
    facts = {path: path.lstat() for path in sorted(folder.rglob("*"))}
    return {
        str(path.relative_to(folder)): (one.st_mode, 0 if path.is_dir() else one.st_mtime_ns)
        for path, one in facts.items()
    }


def test_a_healthy_machine_with_a_trial_and_without_a_trace(machine: Build) -> None:
    healthy = machine()
    before = tree(healthy.folder)
    ran = healthy.frdm("doctor", "--limit", 300, "--device", "cpu")
    assert tree(healthy.folder) == before
    lines = ran.stdout.splitlines()
    assert lines[-1] == "all is well"
    statuses = {line[:8].strip() for line in lines[:-2] if not line.startswith(" ")}
    assert statuses == {"ok"}
    shown = ran.stdout
    assert re.search(r"ok +restoration +\d+ frames? of 192 x 108 on cpu, [\d.]+ s each", shown)
    assert re.search(r"ok +FRDM's files +\d+ files as they were installed", shown)
    order = [line[9:26].strip() for line in lines[:-2] if not line.startswith(" ")]
    assert order[:3] == ["Python", "FRDM's files", "packages"]
    assert order[-5:] == ["engine's unit", "host modules", "Nuke", "Resolve", "restoration"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle_it_leaves_no_trace_either(machine: Build, number: signal.Signals) -> None:
    healthy = machine()
    before = tree(healthy.folder)
    command = healthy.command("doctor", "--only", "restoration", "--device", "cpu")
    running = subprocess.Popen(command, env=healthy.environment, stderr=subprocess.PIPE, text=True)
    children: list[psutil.Process] = []
    while not (list((healthy.folder / "tmp").glob("frdm-doctor-*/in/*.exr")) and children):
        assert running.poll() is None
        children = psutil.Process(running.pid).children()
        time.sleep(0.02)
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    assert (running.returncode, said) == (130, "frdm: Interrupted.\n")
    assert tree(healthy.folder) == before
    assert [child.as_dict(["cmdline", "status", "ppid"]) for child in children if child.is_running()] == []


def test_1_no_torch(machine: Build) -> None:
    broken = machine(without=("torch", "torch-2.13.0.dist-info", "torch-2.13.0+cpu.dist-info"))
    found = broken.examine(code=1)
    assert failures(found) == {"torch"}
    assert found["torch"]["found"] == "it is not installed"
    assert found["torch"]["remedy"] == "python -m pip install -c constraints.txt torch"
    assert broken.unmade == ["device", "device memory"]


def test_1_a_torch_that_cannot_be_loaded(machine: Build) -> None:
    broken = machine(without=("torch",))
    # What is left where a disk was full in the middle of its installation.
    (broken.site / "torch").mkdir()
    (broken.site / "torch" / "__init__.py").write_text("from torch._C import *\n")
    found = broken.examine("--only", "torch", code=1)
    assert "it does not load: ModuleNotFoundError: No module named 'torch._C'" in found["torch"]["found"]


def test_2_a_gpu_is_asked_for_and_there_is_none(machine: Build) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    found = machine().examine("--device", "cuda", code=1)
    assert failures(found) == {"driver", "device"}
    assert "cuda cannot be used: " in found["device"]["found"]
    assert "torch sees 0 GPUs" in found["device"]["found"]
    assert "--device cpu" in found["device"]["remedy"]
    assert "no NVIDIA card" in found["driver"]["found"]


def test_3_a_stale_connection_file(machine: Build, serve: Serve) -> None:
    broken = machine()
    engine = serve(broken)
    found = broken.examine("--only", "connection file,engine")
    assert "version 0.1.0 at ipc://" in found["engine"]["found"]
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    found = broken.examine(code=1)
    assert failures(found) == {"connection file"}
    told = found["connection file"]
    assert f"{broken.connection} is left over: its engine (process {engine.pid}) has ended" in told["found"]
    assert told["remedy"].startswith("remove it, then start one with `frdm serve`")
    assert broken.unmade == ["engine"]
    assert broken.connection.exists()


@pytest.mark.parametrize(
    ("what", "check", "remedy"),
    [
        ("run/frdm/engine.json", "connection file", "chmod 600 "),
        ("run/frdm", "socket folder", "chmod 700 "),
        ("state/frdm", "engine's home", "chmod 700 "),
        ("state/frdm/keys/engine.key", "keys", "chmod 600 "),
    ],
)
def test_4_wrong_permissions(machine: Build, what: str, check: str, remedy: str) -> None:
    broken = machine()
    for folder in ("run/frdm", "state/frdm/keys"):
        (broken.folder / folder).mkdir(mode=0o700, parents=True)
        (broken.folder / folder).parent.chmod(0o700)
    for name in ("run/frdm/engine.json", "state/frdm/keys/engine.key"):
        path = broken.folder / name
        path.write_text("{}")
        path.chmod(0o600)
    path = broken.folder / what
    path.chmod(0o755 if path.is_dir() else 0o644)
    found = broken.examine("--only", check, code=1)
    assert str(path) in found[check]["found"]
    assert f"{remedy}{path}" in found[check]["remedy"]


def test_4_a_key_that_was_half_written(machine: Build) -> None:
    broken = machine()
    key = broken.home / "keys" / "engine.key"
    key.parent.mkdir(mode=0o700, parents=True)
    key.write_text('{"public": "abc')
    key.chmod(0o600)
    assert broken.examine("--only", "keys", code=1)["keys"]["found"] == f"{key} is damaged"


def test_4_a_folder_of_another_user(machine: Build) -> None:
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    broken = machine()
    broken.home.mkdir(parents=True, mode=0o700)
    os.chown(broken.home, 12345, 12345)
    found = broken.examine("--only", "engine's home", code=1)
    assert "belongs to user 12345, and this is user 0" in found["engine's home"]["found"]


def test_4_results_may_not_be_written(machine: Build, disk: Callable[..., Path]) -> None:
    broken = machine()
    shelf = disk(broken.folder / "shelf", kib=300_000)
    subprocess.run(["mount", "-o", "remount,ro", str(shelf)], check=True)
    found = broken.examine("--only", f"write {shelf / 'a' / 'b'}", "--write", shelf / "a" / "b", code=1)
    assert "may not be written" in found[f"write {shelf / 'a' / 'b'}"]["found"]


@pytest.mark.parametrize(("protocol", "status"), [("(0, 9)", "failure"), (None, "warning")])
def test_5_an_old_engine(machine: Build, serve: Serve, protocol: str | None, status: str) -> None:
    today, old = machine("today"), machine("old")
    for name, before, after in (
        ("frdm_engine/version.py", '"0.1.0"', '"0.0.9"'),
        ("frdm_bridge/version.py", '"0.1.0"', '"0.0.9"'),
        ("frdm_bridge/version.py", r"\(1, \d+\)", protocol or "(1, 0)"),
    ):
        path = old.site / name
        text = re.sub(before, after, path.read_text())
        path.unlink()  # it is a link to the file of all machines
        path.write_text(text)
    old.environment["XDG_RUNTIME_DIR"] = today.environment["XDG_RUNTIME_DIR"]
    serve(old)
    found = today.examine("--only", "connection file,engine", code=int(status == "failure"))
    assert found["connection file"]["status"] == "ok"
    told = found["engine"]
    assert told["status"] == status
    if status == "failure":
        assert "in version 0.9 of the protocol and this end speaks 1." in told["found"]
    else:
        assert "version 0.0.9 at ipc://" in told["found"]
    assert "`frdm stop`" in told["remedy"]


def test_6_a_full_disk(machine: Build, disk: Callable[..., Path]) -> None:
    broken = machine()
    state = disk(broken.folder / "state", kib=80_000)
    (state / "footage").write_bytes(bytes(79_000 * 1024))
    found = broken.examine("--write", state, code=1)
    assert failures(found) == {"engine's home", f"write {state}"}
    assert f"the disk is full: {broken.home} has no room for 4 MiB" in found["engine's home"]["found"]
    assert found["engine's home"]["remedy"] == "choose another with --home DIR"
    assert "free space there" in found[f"write {state}"]["remedy"]
    assert [one.name for one in state.iterdir()] == ["footage"]
    (state / "footage").write_bytes(bytes(30_000 * 1024))
    nearly = broken.examine("--only", "engine's home", code=1)
    assert "the disk is nearly full" in nearly["engine's home"]["found"]


def test_7_a_missing_ocio_config(machine: Build) -> None:
    broken = machine()
    broken.environment["OCIO"] = str(broken.folder / "aces" / "config.ocio")
    found = broken.examine(code=1)
    assert failures(found) == {"OCIO config"}
    assert found["OCIO config"]["found"] == f"$OCIO names {broken.folder / 'aces' / 'config.ocio'}, which is not there"
    assert "unset OCIO" in found["OCIO config"]["remedy"]


def test_7_a_damaged_ocio_config(machine: Build) -> None:
    broken = machine()
    config = broken.folder / "config.ocio"
    config.write_text("ocio_profile_version: 2\nroles: [")
    broken.environment["OCIO"] = str(config)
    found = broken.examine("--only", "OCIO config", code=1)
    assert f"{config} cannot be read: " in found["OCIO config"]["found"]


def test_8_shadowed_modules(machine: Build) -> None:
    broken = machine()
    studio = broken.folder / "studio"
    shutil.copytree(broken.site / "frdm_bridge", studio / "frdm_bridge")
    (studio / "fileseq.py").write_text("from os import *\n")
    broken.environment["PYTHONPATH"] = str(studio)
    found = broken.examine("--only", "modules,imports", code=1)
    assert failures(found) == {"modules"}
    told = found["modules"]["found"]
    assert f"frdm_bridge is taken from {studio / 'frdm_bridge'}, in place of {broken.site / 'frdm_bridge'}" in told
    assert f"fileseq is taken from {studio / 'fileseq.py'}, in place of {broken.site / 'fileseq'}" in told
    assert "PYTHONPATH" in found["modules"]["remedy"]


def test_9_pyzmq_of_another_python(machine: Build) -> None:
    broken = machine(without=("zmq",))
    import zmq

    shutil.copytree(Path(zmq.__file__).parent, broken.site / "zmq", ignore=shutil.ignore_patterns("__pycache__"))
    native = list((broken.site / "zmq").rglob("*.cpython-3*.so"))
    assert native
    for path in native:
        path.rename(path.with_name(re.sub(r"cpython-3\d+", "cpython-39", path.name)))
    found = broken.examine(code=1)
    assert failures(found) == {"imports"}
    assert "zmq does not load (ImportError" in found["imports"]["found"]
    assert "is built for cpython-39, and this is cpython-3" in found["imports"]["found"]
    assert found["imports"]["remedy"].endswith("--force-reinstall pyzmq")
    assert {"connection file", "engine"} <= set(broken.unmade)


def test_10_a_port_that_is_taken(machine: Build) -> None:
    broken = machine()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        found = broken.examine("--listen", address, code=1)
        assert failures(found) == {"port"}
        assert found["port"]["found"].startswith(f"{address} is taken by process {os.getpid()} (")
        assert "choose another port with --listen" in found["port"]["remedy"]
    found = broken.examine("--only", "port", "--listen", address)
    assert found["port"]["found"] == f"{address} is free"


def test_an_engine_that_does_not_see_the_plates(machine: Build, serve: Serve) -> None:
    broken = machine()
    for name in ("plates", "results"):
        (broken.folder / name).mkdir()
    (broken.folder / "plates" / "a.1001.exr").write_bytes(b"frame")
    read, write = ("--read", broken.folder / "plates"), ("--write", broken.folder / "results")
    serve(broken, *write)
    assert broken.examine("--only", "engine", *write)["engine"]["status"] == "ok"
    found = broken.examine("--only", "engine", *read, *write, code=1)
    assert f"it does not see {broken.folder / 'plates'} as this machine does" in found["engine"]["found"]
    assert "is outside of what the engine may read" in found["engine"]["found"]
    assert [one.name for one in (broken.folder / "plates").iterdir()] == ["a.1001.exr"]
    assert not list((broken.folder / "results").iterdir())


def test_files_of_frdm_that_were_changed(machine: Build) -> None:
    broken = machine()
    changed = broken.site / "frdm_engine" / "restore" / "matte.py"
    text = changed.read_text()
    changed.unlink()
    changed.write_text(text + "\n")
    (broken.site / "frdm_engine" / "tiling.py").unlink()
    found = broken.examine("--only", "FRDM's files", code=1)
    assert "frdm_engine/restore/matte.py was changed and 1 more" in found["FRDM's files"]["found"]


def test_packages_that_lack_or_are_too_old(machine: Build) -> None:
    broken = machine(without=("fileseq-3.4.0.dist-info", "fileseq", "rich-15.0.0.dist-info"))
    (broken.site / "rich-13.0.0.dist-info").mkdir()
    (broken.site / "rich-13.0.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: rich\nVersion: 13.0\n"
    )
    found = broken.examine("--only", "packages", code=1)
    assert found["packages"]["found"] == "fileseq is not installed; rich is 13.0, FRDM needs 15.0"


def test_a_model_that_is_not_whole(machine: Build) -> None:
    broken = machine()
    tensors = broken.site / "frdm_engine" / "weights" / "frdm-s" / "diffusion_pytorch_model.safetensors"
    whole = tensors.read_bytes()
    tensors.unlink()
    tensors.write_bytes(whole[: len(whole) // 2])
    found = broken.examine("--only", "model", code=1)
    assert "name another with --model, or install FRDM again" in found["model"]["remedy"]


def test_a_check_that_there_is_not(machine: Build) -> None:
    ran = machine().frdm("doctor", "--only", "weather", check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("frdm: --only 'weather' is no check; choose of Python, ")
