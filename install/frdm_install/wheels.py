"""pyzmq for the interpreters of hosts: one wheel an ABI and platform, from PyPI through pip or from a folder."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from frdm_install.errors import InstallError
from frdm_install.locations import Python
from frdm_install.manifest import digest, is_inside

PYZMQ = "27.3.0"
"""The release that is fetched: the one the tests run with."""

ABIS: dict[str, Python] = {"cp39": (3, 9), "cp310": (3, 10), "cp311": (3, 11), "cp312_abi3": (3, 12)}
"""Folders of wheels by the oldest Python each serves; the last, of the stable ABI, serves every later one too."""

# For pip, the oldest system first; Nuke 14 still runs on glibc 2.17.
PLATFORMS: dict[str, tuple[str, ...]] = {
    "linux_x86_64": tuple(f"manylinux{one}_x86_64" for one in ("_2_17", "2014", "_2_26", "_2_28")),
    "linux_aarch64": tuple(f"manylinux{one}_aarch64" for one in ("_2_17", "2014", "_2_26", "_2_28")),
    "macos": ("macosx_11_0_universal2",),
    "win_amd64": ("win_amd64",),
}
_FITS = {
    "linux_x86_64": re.compile(r"manylinux\w*_x86_64"),
    "linux_aarch64": re.compile(r"manylinux\w*_aarch64"),
    "macos": re.compile(r"macosx_\w+_universal2"),
    "win_amd64": re.compile(r"win_amd64"),
}
_WHEEL = re.compile(r"pyzmq-(?P<version>\d+(?:\.\d+)*)-(?P<python>\w+)-(?P<abi>\w+)-(?P<platforms>[\w.]+)\.whl")


@dataclass(frozen=True)
class Wheel:
    """A wheel file that was read: its name, SHA-256 and files."""

    name: str
    sha256: str
    files: dict[str, bytes]


def tag(abi: str, system: str) -> str:
    """The folder of a wheel: `cp311-linux_x86_64`."""
    return f"{abi}-{system}"


def tag_for(python: Python, system: str) -> str | None:
    """The folder that serves an interpreter; None for one that is too old."""
    fitting = [abi for abi, oldest in ABIS.items() if oldest == python or (abi.endswith("abi3") and oldest < python)]
    return tag(fitting[0], system) if fitting else None


def this_platform(system: str = sys.platform, machine: str | None = None) -> str:
    """The name in PLATFORMS of a machine, this one unless told.

    Raises:
        InstallError: pyzmq has no wheels for it.
    """
    kind = (machine or platform.machine()).lower()
    processor = {"amd64": "x86_64", "arm64": "aarch64"}.get(kind, kind)
    name = {"darwin": "macos", "win32": "win_amd64"}.get(system, f"linux_{processor}")
    if name not in PLATFORMS or not (system.startswith("linux") or system in ("darwin", "win32")):
        raise InstallError(f"Nuke does not run on {system} {kind}; name the platform it runs on with --platform.")
    return name


def fetch(abi: str, system: str) -> Wheel:
    """A wheel from PyPI, or from the index that pip is set up for.

    Raises:
        InstallError: it cannot be had.
    """
    with tempfile.TemporaryDirectory(prefix="frdm-wheels-") as temporary:
        options = ["--no-deps", "--only-binary", ":all:", "--dest", temporary, "--implementation", "cp"]
        options += ["--python-version", "{}.{}".format(*ABIS[abi]), "--abi", abi.rpartition("_")[2]]
        for name in PLATFORMS[system]:
            options += ["--platform", name]
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", *options]
        ran = subprocess.run(
            [*command, f"pyzmq=={PYZMQ}"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        found = choose(Path(temporary), abi, system) if ran.returncode == 0 else None
        if found is None:
            said = [line for line in ran.stderr.strip().splitlines() if line.strip()] or ["pip said nothing"]
            raise InstallError(
                f"pyzmq {PYZMQ} for {tag(abi, system)} cannot be fetched ({said[-1].strip()}); "
                f"fetch its wheel elsewhere and name its folder with --wheels DIR."
            )
        return unpack(found)


def choose(folder: Path, abi: str, system: str) -> Path | None:
    """The newest fitting wheel of a folder; of one release the one for the oldest system. None if none fits.

    Raises:
        InstallError: there is no such folder.
    """
    if not folder.is_dir():
        raise InstallError(f"--wheels {folder} is no folder; name the one that holds pyzmq's wheels.")
    fitting = []
    for path in folder.iterdir():
        match = _WHEEL.fullmatch(path.name)
        if match is None or f"{match['python']}-{match['abi']}" != _pair(abi):
            continue
        if any(_FITS[system].fullmatch(one) for one in match["platforms"].split(".")):
            release = tuple(int(number) for number in match["version"].split("."))
            fitting.append((release, [-ord(character) for character in match["platforms"]], path))
    return max(fitting)[2] if fitting else None


def unpack(path: Path) -> Wheel:
    """Reads a wheel into memory.

    Raises:
        InstallError: it is no wheel of pyzmq, or damaged.
    """
    try:
        raw = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            files = {one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise InstallError(f"{path} is no whole wheel ({error}); fetch it again.") from error
    for name in files:
        top = name.partition("/")[0]
        known = top in ("zmq", "pyzmq.libs") or (top.startswith("pyzmq-") and top.endswith(".dist-info"))
        if not known or not is_inside(name):
            raise InstallError(f"{path} holds {name}, which no wheel of pyzmq does; fetch it again.")
    if "zmq/__init__.py" not in files:
        raise InstallError(f"{path} holds no zmq; fetch it again.")
    return Wheel(path.name, digest(raw), files)


def _pair(abi: str) -> str:
    """Python and ABI as a wheel's name has them: `cp311-cp311`, `cp312-abi3`."""
    first, _, stable = abi.partition("_")
    return f"{first}-{stable or first}"
