"""A user's folder, FRDM's own files as a source tree and as an installed wheel have them, and real wheels."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Tree = dict[str, bytes | None]

HOST = {
    "init.py": b"import frdm_nuke\n",
    "menu.py": b"import frdm_nuke\n",
    "icons/frdm.png": b"\x89PNG\r\n\x1a\n24",
    "icons/frdm.svg": b"<svg/>",
}
NUKE = {"__init__.py": b"", "node.py": b"import nuke\n", "py.typed": b"", "__pycache__/node.cpython-311.pyc": b"no"}
BRIDGE = {"__init__.py": b"", "client.py": b"import zmq\n"}


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files by their paths below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def tree_of(folder: Path) -> Tree:
    """Everything below a folder, byte by byte: None for a folder, a link by where it leads."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = b"-> " + str(path.readlink()).encode()
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def make_wheel(
    folder: Path,
    *,
    python: str = "cp311",
    abi: str = "cp311",
    platform: str = "manylinux2014_x86_64.manylinux_2_17_x86_64",
    version: str = "27.3.0",
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """A wheel as installers take it: a zip with a RECORD of hashes, whose zmq says for whom it is."""
    content = {
        "zmq/__init__.py": f"FOR = {(python, abi, platform)!r}\n".encode(),
        "zmq/backend/_zmq.so": b"\x7fELF" + version.encode(),
        f"pyzmq-{version}.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {python}-{abi}-{platform}\n".encode(),
        f"pyzmq-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: pyzmq\nVersion: {version}\n".encode(),
        **(files or {}),
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in content.items()
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pyzmq-{version}-{python}-{abi}-{platform}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**content, f"pyzmq-{version}.dist-info/RECORD": record.encode()}.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """frdm_install in a source tree; returns the package's folder."""
    root = tmp_path / "source"
    fill(root / "host_nuke", HOST)
    fill(root / "host_nuke" / "frdm_nuke", NUKE)
    fill(root / "bridge" / "frdm_bridge", BRIDGE)
    fill(root / "install" / "frdm_install", {"__init__.py": b""})
    return root / "install" / "frdm_install"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """frdm_install as a wheel puts it into site-packages; returns the package's folder."""
    site = tmp_path / "lib" / "site-packages"
    fill(site / "frdm_install" / "host_nuke", HOST)
    fill(site / "frdm_install", {"__init__.py": b""})
    fill(site / "frdm_nuke", NUKE)
    fill(site / "frdm_bridge", BRIDGE)
    return site / "frdm_install"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Wheels of all interpreters, for Linux and Windows."""
    folder = tmp_path / "shelf"
    for python, abi in (("cp39", "cp39"), ("cp310", "cp310"), ("cp311", "cp311"), ("cp312", "abi3")):
        make_wheel(folder, python=python, abi=abi)
        make_wheel(folder, python=python, abi=abi, platform="win_amd64")
    (folder / "README.txt").write_text("not a wheel")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a used ~/.nuke."""
    fill(
        tmp_path / "home" / ".nuke",
        {"menu.py": b"print('mine')\r\n", "python/mine.py": b"x = 1\n", "uistate.ini": b"\xff\x00"},
    )
    return tmp_path / "home"


@pytest.fixture
def wheel() -> Callable[..., Path]:
    """See `make_wheel`."""
    return make_wheel
