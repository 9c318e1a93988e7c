"""The template for farms and the script that submits with it: found in a source tree as in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from frdm_install.errors import InstallError

TEMPLATE = "frdm_restore.yaml"
SUBMITTER = "submit_frdm.py"


def template(package: Path | None = None) -> str:
    """The job template of Open Job Description; `package` is this package's folder.

    Raises:
        InstallError: it is not there.
    """
    return _read(TEMPLATE, package).decode("utf-8")


def _read(name: str, package: Path | None) -> bytes:
    here = package or Path(__file__).parent
    in_wheel = here / "farm_files"
    path = (in_wheel if in_wheel.is_dir() else here.parent / "farm") / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror}); install FRDM again.") from error
