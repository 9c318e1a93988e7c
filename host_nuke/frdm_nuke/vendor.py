"""pyzmq for the Python that runs here: one that works already, else the one of the vendor folder that fits.

The folder beside this package holds `vendor/<tag>/zmq/...`, a build for each Python and system Nuke comes with.
"""

from __future__ import annotations

import importlib
import platform
import sys
from pathlib import Path
from typing import Tuple

from frdm_nuke.errors import VendorError

FOLDER = Path(__file__).resolve().parent.parent / "vendor"
ABI3_SINCE = (3, 12)
"""From here on one build with the limited C interface serves all."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def tag(version: Tuple[int, int], system: str, machine: str) -> str:
    """The name of the folder whose build fits, as `cp311-linux_x86_64` or `cp312_abi3-macos`.

    `system` and `machine` are as `platform.system()` and `platform.machine()` tell them.
    """
    major, minor = version
    abi = f"cp{major}{minor}" if version < ABI3_SINCE else "cp{}{}_abi3".format(*ABI3_SINCE)
    kind = _MACHINES.get(machine.lower(), machine.lower())
    where = {"Darwin": "macos", "Windows": "win_amd64"}.get(system, f"{system.lower()}_{kind}")
    return f"{abi}-{where}"


def choose(folder: Path = FOLDER) -> str:
    """Makes `zmq` importable and returns where it comes from.

    Raises:
        VendorError: there is none that works here.
    """
    why = _why_not()
    if not why:
        return str(importlib.import_module("zmq").__file__)
    name = tag(sys.version_info[:2], platform.system(), platform.machine())
    fitting = folder / name
    if not (fitting / "zmq").is_dir():
        raise VendorError(
            f"FRDM has no pyzmq for the Python of this Nuke: {fitting} is missing ({why}); run "
            "`frdm install nuke` again."
        )
    # What failed to import leaves parts of itself behind, which would be taken for the one that fits.
    for broken in [one for one in sys.modules if one == "zmq" or one.startswith("zmq.")]:
        del sys.modules[broken]
    sys.path.insert(0, str(fitting))
    importlib.invalidate_caches()
    why = _why_not()
    if why:
        sys.path.remove(str(fitting))
        raise VendorError(f"The pyzmq in {fitting} does not load ({why}); run `frdm install nuke` again.")
    return str(importlib.import_module("zmq").__file__)


def _why_not() -> str:
    """Why `zmq` does not work as it is found now; empty where it does."""
    try:
        zmq = importlib.import_module("zmq")
        context = zmq.Context()
        context.term()
    except Exception as error:  # noqa: BLE001 - a foreign build may fail in any way: other C library, half installed
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""
