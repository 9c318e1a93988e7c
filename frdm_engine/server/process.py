"""The devices that a name means, asked of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from frdm_engine.errors import WorkerError


def devices(name: str) -> tuple[str, ...]:
    """The devices a name means: ``auto`` every CUDA device or else ``cpu``; a list such as ``cuda:0,cuda:1`` as it is.

    Asks a process of its own, so that the engine's own never loads torch.

    Raises:
        WorkerError: torch cannot be loaded.
    """
    if name != "auto":
        return tuple(word.strip() for word in name.split(",") if word.strip())
    asked = subprocess.run(
        [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    if asked.returncode:
        lines = asked.stderr.strip().splitlines()
        raise WorkerError(f"torch cannot be loaded ({lines[-1] if lines else 'no reason given'}); reinstall FRDM.")
    found = int(asked.stdout.split()[-1])
    return tuple(f"cuda:{index}" for index in range(found)) or ("cpu",)
