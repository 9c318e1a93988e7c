from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from frdm_nuke import vendor

HOST = Path(__file__).parents[3] / "host_nuke"


@pytest.mark.parametrize(
    ("version", "system", "machine", "name"),
    [
        ((3, 9), "Linux", "x86_64", "cp39-linux_x86_64"),
        ((3, 10), "Windows", "AMD64", "cp310-win_amd64"),
        ((3, 11), "Darwin", "arm64", "cp311-macos"),
        ((3, 12), "Linux", "aarch64", "cp312_abi3-linux_aarch64"),
        ((3, 13), "Linux", "x86_64", "cp312_abi3-linux_x86_64"),
    ],
)
def test_builds_have_the_name_of_what_they_fit(version: tuple[int, int], system: str, machine: str, name: str) -> None:
    assert vendor.tag(version, system, machine) == name


def run(path: Path, code: str) -> str:
    """Runs code in a bare interpreter: no site-packages, only this package and what lies in `path`."""
    code = f"import sys; sys.path[:0] = [{str(HOST)!r}, {str(path)!r}]\nfrom pathlib import Path\n{code}"
    ran = subprocess.run(
        [sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.strip()


CHOOSE = """
from frdm_nuke import vendor
from frdm_nuke.errors import VendorError
try:
    print(vendor.choose(Path({folder!r})))
except VendorError as error:
    print(error)
"""


def working(folder: Path) -> None:
    (folder / "zmq").mkdir(parents=True)
    (folder / "zmq" / "__init__.py").write_text("class Context:\n    def term(self): pass\n")


def test_the_one_that_fits_is_taken_where_none_is_there(tmp_path: Path) -> None:
    import platform

    fitting = tmp_path / vendor.tag(sys.version_info[:2], platform.system(), platform.machine())
    working(fitting)
    assert run(tmp_path / "none", CHOOSE.format(folder=str(tmp_path))).startswith(str(fitting))


def test_one_that_works_already_is_left_alone(tmp_path: Path) -> None:
    working(tmp_path / "site")
    assert run(tmp_path / "site", CHOOSE.format(folder=str(tmp_path))).startswith(str(tmp_path / "site"))


def test_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    import platform

    (tmp_path / "site" / "zmq").mkdir(parents=True)
    (tmp_path / "site" / "zmq" / "__init__.py").write_text("raise ImportError('wrong Python')\n")
    fitting = tmp_path / vendor.tag(sys.version_info[:2], platform.system(), platform.machine())
    working(fitting)
    assert run(tmp_path / "site", CHOOSE.format(folder=str(tmp_path))).startswith(str(fitting))


def test_where_none_fits_the_artist_reads_what_to_do(tmp_path: Path) -> None:
    said = run(tmp_path / "none", CHOOSE.format(folder=str(tmp_path)))
    assert said.startswith("FRDM has no pyzmq for the Python of this Nuke: ")
    assert said.endswith("run `frdm install nuke` again.")
