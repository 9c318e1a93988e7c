"""pyzmq for the Python that runs Resolve's scripts: one that works already, else the one put beside this package."""

from __future__ import annotations

import importlib
import platform
import sys
from pathlib import Path
from typing import Tuple

from frdm_resolve.errors import SessionError

FOLDER = Path(__file__).resolve().parent.parent / "vendor"


def tag(version: Tuple[int, int], system: str, machine: str) -> str:
    """The folder of the build that fits: `cp311-linux_x86_64`, `cp312_abi3-macos`; as the installer names them."""
    abi = f"cp{version[0]}{version[1]}" if version < (3, 12) else "cp312_abi3"
    kind = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower())
    return f"{abi}-" + {"Darwin": "macos", "Windows": "win_amd64"}.get(system, f"{system.lower()}_{kind}")


def choose(folder: Path = FOLDER) -> None:
    """Makes `zmq` importable.

    Raises:
        SessionError: there is none that works here.
    """
    try:
        importlib.import_module("zmq")
        return
    except ImportError:
        for broken in [one for one in sys.modules if one == "zmq" or one.startswith("zmq.")]:
            del sys.modules[broken]
    fitting = folder / tag(sys.version_info[:2], platform.system(), platform.machine())
    if (fitting / "zmq").is_dir():
        sys.path.insert(0, str(fitting))
        importlib.invalidate_caches()
        try:
            importlib.import_module("zmq")
            return
        except ImportError:
            sys.path.remove(str(fitting))
    version = "{}.{}".format(*sys.version_info[:2])
    raise SessionError(
        f"FRDM has no pyzmq for Python {version}, which runs Resolve's scripts; run `frdm install resolve` again, or "
        "`frdm-resolve` from the terminal."
    )
