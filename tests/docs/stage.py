"""The folder in which a page is typed from top to bottom: small plates, masks, footage, a home; the shipped model."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.model.checkpoint import load
from frdm_engine.plates.images import write_image
from frdm_install.wheels import ABIS
from tests.docs.pages import ROOT, Block
from tests.docs.unrunnable import IN_SMALL, NEVER, UNRUNNABLE, UNRUNNABLE_PYTHON
from tests.install.conftest import make_wheel

Picture = npt.NDArray[np.float32]
FIRST, FRAMES = 1001, 8
OPENJD = str(Path(sys.executable).with_name("openjd"))
"""The farm's runner, beside the interpreter that the tests run with."""
PATIENCE_S = 300
GIVEN = """\
import numpy as np
before, picture, after = (np.full((48, 64, 3), level, np.float32) for level in (0.4, 0.5, 0.6))
plate = np.full((480, 854, 3), 0.5, np.float32)
"""
"""The arrays that examples in Python take for given."""


def picture(*, height: int = 48, width: int = 64, shift: int = 0, speck: bool = True) -> Picture:
    """A soft random picture (height, width, 3), moved sideways, with a bright speck."""
    noise = np.random.default_rng(5).random((height, width + 64, 3), dtype=np.float32)
    soft = np.clip(4 * (cv2.GaussianBlur(noise, (0, 0), 2.0) - 0.5) + 0.4, 0.02, 0.9)
    made = np.asarray(soft[:, shift : shift + width], np.float32).copy()
    if speck:
        made[height // 2 : height // 2 + 4, 20 + 3 * shift % (width - 24) :][:, :4] = 1.0
    return made


class Stage:
    """A folder as somebody has it who reads a page, and the shell in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs()
        scans = [f"scans/sh0{shot}0/plate" for shot in (1, 2, 3)]
        for plates in ("plate", "shows/a/plate", "show/reel3/plate", "media/plate", *scans):
            self._plates(f"{plates}.{{}}.exr")
        for plates in ("clean", "clean/plate"):
            self._plates(f"{plates}.{{}}.exr", speck=False)
        for mask in ("stars", "hair"):
            for number in range(FIRST, FIRST + FRAMES):
                write_image(folder / f"{mask}.{number}.exr", np.zeros((48, 64, 1), np.float32), channel_names=("Y",))
        self._plates("reel2/final.{}.exr", speck=False, height=352, width=384)
        self._plates("reel2/scan.{}.dpx", first=FIRST + 86400, height=352, width=384)
        for root in ("FOOTAGE", "OUR_FOOTAGE"):
            self._footage(folder / root)
        (folder / "studio").mkdir()
        load("frdm-s").model.save_pretrained(folder / "path/to/model")

    def run(self, block: Block, *, before: str = "") -> None:
        """Types a block; what cannot run here is left out.

        Raises:
            AssertionError: it failed, with what it said.
        """
        if block.language == "python":
            if any(re.search(rf"\b{module}\b", block.text) for module in UNRUNNABLE_PYTHON):
                return
            self._run(block, [sys.executable, "-W", "error", "-c", self.in_small(GIVEN + before + block.text)])
        left_out = re.compile("|".join((NEVER, *UNRUNNABLE)))
        lines = [line for line in block.commands if not left_out.match(line)]
        if block.language in ("sh", "console") and lines:
            self._run(block, ["bash", "-euo", "pipefail", "-c", self.in_small("\n".join(lines))])

    def in_small(self, text: str) -> str:
        """The text with the replacements of `IN_SMALL`."""
        for what, small in IN_SMALL.items():
            text = re.sub(what, small.replace("{folder}", str(self.folder)), text)
        return text

    def close(self) -> None:
        """Ends the engine that a page may have started."""
        if (self.folder / "run/frdm/engine.json").exists():
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(["frdm", "stop"], env=self.environment, cwd=self.folder, timeout=60, check=False)

    def _run(self, block: Block, command: list[str]) -> None:
        ran = subprocess.run(
            command,
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ran.returncode == 0, f"{block.place}, exit code {ran.returncode}:\n{block.text}\n{ran.stdout}"

    def _programs(self) -> None:
        """`frdm` and its kin on a path of their own, a home, and wheels that pip takes without a network."""
        programs = {
            "frdm": ["-m", "frdm_engine"],
            "frdm-resolve": ["-m", "frdm_resolve.cli"],
            "python": [],
            "openjd": [OPENJD],
        }
        for name, words in programs.items():
            path = self.folder / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n', "utf-8")
            path.chmod(0o755)
        for abi in ABIS:
            make_wheel(self.folder / "wheels", python=abi.partition("_")[0], abi=abi.rpartition("_")[2])
        (self.folder / "run").mkdir(mode=0o700)
        keep = {
            name: value for name, value in os.environ.items() if not name.startswith(("FRDM", "XDG", "PIP", "NUKE"))
        }
        packages = (".", "bridge", "host_nuke", "host_resolve", "install")
        self.environment = keep | {
            "HOME": str(self.folder / "home"),
            "OMP_NUM_THREADS": "1",
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_FIND_LINKS": str(self.folder / "wheels"),
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": os.pathsep.join(str(ROOT / one) for one in packages),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        (self.folder / "home/FRDM").mkdir(parents=True)

    def _plates(self, name: str, *, first: int = FIRST, speck: bool = True, **size: int) -> None:
        for step in range(FRAMES):
            path = self.folder / name.format(first + step)
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = picture(shift=step, speck=speck, **size)
            if path.suffix == ".exr":
                write_image(path, pixels, channel_names=("R", "G", "B"))
                continue
            coded = np.round(65535 * np.clip(1.055 * pixels ** (1 / 2.4) - 0.055, 0, 1)).astype(np.uint16)
            out: Any = oiio.ImageOutput.create(str(path))
            assert out.open(str(path), oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "uint16")), out.geterror()
            assert out.write_image(coded), out.geterror()
            assert out.close(), out.geterror()

    @staticmethod
    def _footage(root: Path) -> None:
        """Stills of free footage and their manifest."""
        stills = root / "train/images/stills"
        stills.mkdir(parents=True)
        for number in range(3):
            still = np.clip(255 * picture(height=480, width=520, shift=7 * number, speck=False), 0, 255)
            assert cv2.imwrite(str(stills / f"{number}.png"), still.astype(np.uint8))
        (root / "MANIFEST.tsv").write_text("path\tclass\tlicence\ntrain/images/stills\tfree\tCC0\n", "utf-8")


def shared(blocks: Iterable[Block]) -> list[tuple[Block, str]]:
    """Blocks, each with the text of those in Python before it, whose names it may use."""
    earlier, made = "", []
    for block in blocks:
        made.append((block, earlier if block.language == "python" else ""))
        if block.language == "python":
            earlier += block.text
    return made
