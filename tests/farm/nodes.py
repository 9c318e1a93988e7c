"""A node of a farm: the command frdm as it is installed there, and what openjd does with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import psutil

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "install" / "farm" / "frdm_restore.yaml"
PATIENCE_S = 120.0
FOLDERS = ("", "bridge", "host_nuke", "host_resolve", "install")


class Node:
    """A folder for everything of a test; `frdm` in it runs this source tree, on one thread, apart from the user's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name in ("run", "tmp", "session"):
            (folder / name).mkdir(mode=0o700)
        self.session = folder / "session"
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in FOLDERS),
            "OMP_NUM_THREADS": "1",
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_STATE_HOME": str(folder / "state"),
            "TMPDIR": str(folder / "tmp"),
        }
        self.environment.pop("FRDM_CONNECTION", None)
        self.command = folder / "frdm"
        self.command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m frdm_engine "$@"\n', encoding="utf-8")
        self.command.chmod(0o755)

    def frdm(self, *arguments: object, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of frdm to its end."""
        ran = subprocess.run(
            [self.command, *map(str, arguments)],
            env=self.environment | more,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert ran.returncode == 0 or not check, f"{ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran

    def begin(self, *arguments: object, **more: str) -> subprocess.Popen[str]:
        """Starts a command of frdm; what it says can be read."""
        return subprocess.Popen(
            [self.command, *map(str, arguments)],
            env=self.environment | more,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self, plates: Path, results: Path, model: Path, *more: object) -> str:
        """`frdm farm start` for a session; returns the connection file that tasks are shown."""
        options = ("--plate", plates, "--output", results, "--model", model, "--device", "cpu", *more)
        said = self.frdm("farm", "start", "--session", self.session, *options).stdout
        told = next(line for line in said.splitlines() if line.startswith("openjd_env: "))
        return told.removeprefix("openjd_env: FRDM_CONNECTION=")

    def openjd(self, template: Path, values: Mapping[str, Any], *options: str) -> subprocess.Popen[str]:
        """Starts `openjd run` of a template with these parameters."""
        given = self.folder / "values.json"
        given.write_text(json.dumps(values), encoding="utf-8")
        return subprocess.Popen(
            [openjd(), "run", str(template), "-p", f"file://{given}", *options],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def processes(self) -> Iterator[psutil.Process]:
        """Engines and workers of this node that still live."""
        for one in psutil.process_iter():
            try:
                ours = {"serve", "frdm_engine.server.worker"}.intersection(one.cmdline())
                if ours and str(self.folder) in " ".join(one.environ().values()):
                    yield one  # of one that has ended and was not waited for neither can be read
            except psutil.Error:
                continue  # it ended while it was looked at


def openjd() -> str:
    """The command openjd of this environment."""
    beside = Path(sys.executable).with_name("openjd")
    found = str(beside) if beside.exists() else shutil.which("openjd")
    assert found, "openjd-cli is part of the dev extra"
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Every image of a folder, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.exr"))}


def pixels(folder: Path) -> dict[str, bytes]:
    """Every image of a folder by its pixels: headers of mattes hold the time they were made."""
    return {
        path.name: np.asarray(oiio.ImageBuf(str(path)).get_pixels()).tobytes() for path in sorted(folder.glob("*.exr"))
    }


def leftovers(folder: Path) -> list[Path]:
    """Temporary files."""
    return [path for path in folder.rglob("*") if path.name.startswith(".") or ".tmp" in path.name]


def lines(sidecar: Path) -> list[int]:
    """The frames that a sidecar tells of, one for each time that one was restored."""
    return [json.loads(line)["frame"] for line in sidecar.read_text(encoding="utf-8").splitlines() if line]
