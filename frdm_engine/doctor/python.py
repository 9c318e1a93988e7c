"""Python and the packages: there, new enough, FRDM's own and not somebody else's, and loadable."""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import re
import site
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import frdm_engine
from frdm_engine.doctor.child import ask
from frdm_engine.doctor.finding import Asked, Finding, failure, ok
from frdm_engine.version import __version__

OLDEST = (3, 11)
MODULES = {
    "torch": "torch",
    "diffusers": "diffusers",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "openimageio": "OpenImageIO",
    "safetensors": "safetensors",
    "typer": "typer",
    "rich": "rich",
    "fileseq": "fileseq",
    "pyzmq": "zmq",
}
"""The module of each package that FRDM needs."""
OURS = {
    "frdm_bridge": "bridge",
    "frdm_install": "install",
    "frdm_nuke": "host_nuke",
    "frdm_resolve": "host_resolve",
}
"""FRDM's other packages and the folder of each in a source tree; in an installation all lie side by side."""
AGAIN = "install FRDM again: python -m pip install --force-reinstall -c constraints.txt frdm"
_TAGGED = re.compile(r"\.(cpython-\d+\w*|cp\d+)-[\w-]+\.(?:so|pyd)$")


def python(asked: Asked) -> Finding:
    """The interpreter."""
    here = "{}.{}.{}".format(*sys.version_info[:3])
    found = f"Python {here}, {sys.executable}; FRDM {__version__}, {_root()}"
    if sys.version_info[:2] < OLDEST:
        return failure("Python", found, "use Python 3.11 or newer: python3.11 -m venv .venv")
    return ok("Python", found)


def installation(asked: Asked) -> Finding:
    """FRDM's own files, against the record that pip made when it put them there."""
    name = "FRDM's files"
    record = _distribution("frdm")
    root = _root()
    if record is None or Path(str(record.locate_file(""))).resolve() != root:
        return ok(name, f"run from {root}, where there is no record to hold them against")
    bad = []
    files = [one for one in record.files or () if one.hash is not None and one.hash.mode == "sha256"]
    for one in files:
        try:
            content = Path(str(record.locate_file(one))).read_bytes()
        except OSError:
            bad.append(f"{one} is missing")
            continue
        if one.hash is not None and _digest(content) != one.hash.value:
            bad.append(f"{one} was changed")
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        return failure(name, f"not as they were installed: {bad[0]}{more}", AGAIN)
    return ok(name, f"{len(files)} files as they were installed")


def packages(asked: Asked) -> Finding:
    """Each package that FRDM names is there and new enough; torch is told of by itself."""
    name = "packages"
    try:
        needs = [one for one in metadata.requires("frdm") or () if "extra ==" not in one]
    except metadata.PackageNotFoundError:
        needs = list(MODULES)
    bad = []
    for need in needs:
        package, _, least = (part.strip() for part in need.partition(">="))
        if package == "torch":
            continue
        there = _distribution(package)
        if there is None:
            bad.append(f"{package} is not installed")
        elif least and _numbers(there.version) < _numbers(least):
            bad.append(f"{package} is {there.version}, FRDM needs {least}")
    if bad:
        return failure(name, "; ".join(bad), AGAIN)
    return ok(name, f"{len(needs)} that FRDM needs")


def modules(asked: Asked) -> Finding:
    """Nothing takes the place of a package or of FRDM's own modules."""
    name = "modules"
    told = ask("modules", limit_s=asked.limit_s, find=[*MODULES.values(), *OURS], load=[])
    if told.end:
        return failure(name, f"they cannot be looked up: {told.end}", AGAIN)
    shadows = []
    for module, origin in told.facts["origin"].items():
        wanted = _own_place(module)
        if origin is None or wanted is None:
            continue
        if not Path(origin).resolve().is_relative_to(wanted.resolve()):
            shadows.append(f"{module} is taken from {_top(Path(origin))}, in place of {wanted}")
    if shadows:
        return failure(
            name,
            "; ".join(shadows),
            "take that folder out of PYTHONPATH for FRDM, or do not start it from there",
        )
    return ok(name, "each is the installed one")


def imports(asked: Asked) -> Finding:
    """Everything but torch can be loaded: each is built for this Python and this system."""
    name = "imports"
    there = [module for package, module in MODULES.items() if package != "torch" and _distribution(package)]
    # Loaded by many of the others, and slow: the check of torch tells whether it is well.
    wanted = [module for module in there if module != "diffusers"]
    told = ask("modules", limit_s=asked.limit_s, find=there, load=wanted)
    broken: dict[str, str] = told.facts.get("broken", {})
    if told.end and "trying" in told.facts:
        broken = broken | {told.facts["trying"]: told.end}
    elif told.end:
        return failure(name, told.end, AGAIN)
    if not broken:
        return ok(name, ", ".join(wanted))
    said = []
    for module, why in broken.items():
        origin = told.facts.get("origin", {}).get(module)
        foreign = foreign_build(Path(origin).parent) if origin else ""
        said.append(f"{module} does not load ({why})" + (f": {foreign}" if foreign else ""))
    again = " ".join(package for package, module in MODULES.items() if module in broken)
    return failure(
        name, "; ".join(said), f"install it again for this Python: python -m pip install --force-reinstall {again}"
    )


def foreign_build(folder: Path) -> str:
    """In words, that the native files of a package are for another Python; empty if they are not."""
    # A name without a tag, or with abi3's, says nothing of the version.
    fits = tuple(one for one in importlib.machinery.EXTENSION_SUFFIXES if _TAGGED.search(one))
    for path in sorted(folder.rglob("*")):
        match = _TAGGED.search(path.name)
        if match and not path.name.endswith(fits):
            here = "cpython-{}{}".format(*sys.version_info[:2])
            return f"{path.name} is built for {match[1]}, and this is {here}"
    return ""


def _own_place(module: str) -> Path | None:
    """Where a module has to lie; None where it is not installed."""
    root = _root()
    if module in OURS:
        beside = root / module
        return beside if beside.is_dir() else root / OURS[module] / module
    for place in _places():
        for path in (place / module, place / f"{module}.py"):
            if path.exists():
                return path
    return None


def _places() -> list[Path]:
    """The folders that this interpreter installs packages into."""
    own = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        own.append(site.getusersitepackages())
    return [Path(one) for one in dict.fromkeys(own)]


def _top(origin: Path) -> Path:
    return origin.parent if origin.name == "__init__.py" else origin


def _root() -> Path:
    return Path(frdm_engine.__file__).resolve().parent.parent


def _distribution(package: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version.partition("+")[0])[:3])


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
