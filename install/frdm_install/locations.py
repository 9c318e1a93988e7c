"""Where things are: a user's folder for Nuke, the Nukes of this machine, and the files of FRDM that go there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from frdm_install.errors import InstallError

Python = tuple[int, int]

PYTHONS: dict[int, Python] = {13: (3, 7), 14: (3, 9), 15: (3, 10), 16: (3, 11), 17: (3, 11)}
"""The Python of each major version of Nuke; what lies in an installation says more and is believed first."""
OLDEST: Python = (3, 9)

_FOLDER = re.compile(r"Nuke(\d+)\.(\d+)v(\d+)")
_PYTHON = re.compile(r"(?:libpython|python)(3)\.?(\d+)(?:\.|$)")
# The library of the interpreter, relative to the folder of a Nuke: Linux, Windows, macOS.
_LIBRARIES = (
    "libpython3*",
    "lib/python3*",
    "python3*.dll",
    "*.app/Contents/MacOS/libpython3*",
    "*.app/Contents/Frameworks/libpython3*",
    "*.app/Contents/Frameworks/Python.framework/Versions/3.*",
)


@dataclass(frozen=True)
class Nuke:
    """A Nuke of this machine. `python` is None where neither its files nor its version tell."""

    folder: Path
    version: tuple[int, int, int]
    python: Python | None

    @property
    def name(self) -> str:
        """As Foundry writes it: `Nuke 16.0v3`."""
        return "Nuke {}.{}v{}".format(*self.version)


def user_folder(*, environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """A user's own folder for Nuke, `.nuke` in the home folder; on Windows $HOME counts before %USERPROFILE%.

    Raises:
        InstallError: the environment names no home folder.
    """
    home = environment.get("HOME") or (environment.get("USERPROFILE") if system == "win32" else None)
    if not home:
        raise InstallError("There is no home folder in the environment; say where to install with --folder DIR.")
    return Path(home) / ".nuke"


def places(*, environment: Mapping[str, str], system: str = sys.platform) -> tuple[Path, ...]:
    """Folders that Nuke installs itself into unless told otherwise."""
    if system == "win32":
        return (Path(environment.get("ProgramFiles") or "C:\\Program Files"),)
    if system == "darwin":
        return (Path("/Applications"),)
    return (Path("/usr/local"), Path("/opt"), Path("/opt/foundry"), Path("/opt/Foundry"))


def find_nukes(where: Iterable[Path]) -> list[Nuke]:
    """The Nukes that lie in folders, oldest first."""
    return sorted((one for place in where for one in _nukes(place)), key=lambda one: (one.version, one.folder))


def _nukes(place: Path) -> Iterator[Nuke]:
    try:
        entries = sorted(place.iterdir())
    except OSError:
        return  # not there, or not for this user: then no Nuke that this user could start
    for entry in entries:
        match = _FOLDER.fullmatch(entry.name)
        if match and entry.is_dir():
            version = int(match[1]), int(match[2]), int(match[3])
            yield Nuke(entry, version, _python_in(entry) or PYTHONS.get(version[0]))


def _python_in(folder: Path) -> Python | None:
    """The version in the name of the interpreter's library; None unless exactly one is told."""
    found = set()
    for pattern in _LIBRARIES:
        for path in folder.glob(pattern):
            name = f"python{path.name}" if path.parent.name == "Versions" else path.name
            match = _PYTHON.match(name)
            if match:
                found.add((int(match[1]), int(match[2])))
    return found.pop() if len(found) == 1 else None


def packages_of(nuke: Nuke) -> list[Path]:
    """The folders site-packages of a Nuke's Python, as Linux, Windows and macOS have them."""
    patterns = (
        "lib/python3*/site-packages",
        "lib/site-packages",
        "Lib/site-packages",
        "pythonextensions/site-packages",
        "*.app/Contents/Frameworks/Python.framework/Versions/3.*/lib/python3*/site-packages",
        "*.app/Contents/MacOS/pythonextensions/site-packages",
    )
    return sorted({path for pattern in patterns for path in nuke.folder.glob(pattern)})


def host_files(package: Path | None = None) -> dict[str, bytes]:
    """What goes into the plug-in's folder, by path: Nuke's start-up files, icons, `frdm_nuke` and `frdm_bridge`.

    They are taken from beside this package, in a source tree as in an installed wheel; `package` is its folder.

    Raises:
        InstallError: they are not all there.
    """
    here = package or Path(__file__).parent
    tree = here.parents[1]
    in_wheel = (here / "host_nuke" / "init.py").is_file()
    host = here / "host_nuke" if in_wheel else tree / "host_nuke"
    nuke = here.parent / "frdm_nuke" if in_wheel else host / "frdm_nuke"
    bridge = here.parent / "frdm_bridge" if in_wheel else tree / "bridge" / "frdm_bridge"
    found: dict[str, bytes] = {}
    for name in ("init.py", "menu.py"):
        found[name] = _read(host / name)
    for folder, name, suffixes in (
        (host / "icons", "icons", (".png",)),
        (nuke, "frdm_nuke", ()),
        (bridge, "frdm_bridge", ()),
    ):
        some = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if _ships(path, suffixes)}
        if not some:
            raise InstallError(f"{folder} is not there or empty; install FRDM again.")
        found.update({f"{name}/{relative.as_posix()}": _read(path) for relative, path in some.items()})
    return found


def resolve_scripts(package: Path | None = None) -> dict[str, bytes]:
    """The scripts that Resolve lists, by name; taken as `host_files` takes its own.

    Raises:
        InstallError: they are not there.
    """
    here = package or Path(__file__).parent
    in_wheel = here / "host_resolve"
    host = in_wheel if in_wheel.is_dir() else here.parents[1] / "host_resolve"
    found = {path.name: _read(path) for path in sorted(host.glob("FRDM *")) if path.suffix in (".py", ".lua")}
    if not found:
        raise InstallError(f"{host} is not there or empty; install FRDM again.")
    return found


def resolve_packages(package: Path | None = None) -> dict[str, bytes]:
    """`frdm_resolve` and `frdm_bridge`, by path. Raises as `resolve_scripts`."""
    here = package or Path(__file__).parent
    in_wheel = (here / "host_resolve").is_dir()
    host = here.parent / "frdm_resolve" if in_wheel else here.parents[1] / "host_resolve" / "frdm_resolve"
    bridge = here.parent / "frdm_bridge" if in_wheel else here.parents[1] / "bridge" / "frdm_bridge"
    found: dict[str, bytes] = {}
    for folder, name in ((host, "frdm_resolve"), (bridge, "frdm_bridge")):
        some = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if _ships(path, ())}
        if not some:
            raise InstallError(f"{folder} is not there or empty; install FRDM again.")
        found.update({f"{name}/{relative.as_posix()}": _read(path) for relative, path in some.items()})
    return found


def _ships(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix in (suffixes or (".py", ".typed"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror}); install FRDM again.") from error
