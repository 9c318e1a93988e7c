"""Machines to examine: a real Python environment with FRDM installed in it as its wheel does, a home, and commands."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.networks import tiny_network

ROOT = Path(__file__).parents[2]
LIMIT = "300"
"""Seconds a check may take: a test must not fail because the machine is busy."""
PACKAGES = {
    "frdm_engine": "frdm_engine",
    "bridge/frdm_bridge": "frdm_bridge",
    "host_nuke/frdm_nuke": "frdm_nuke",
    "host_resolve/frdm_resolve": "frdm_resolve",
    "install/frdm_install": "frdm_install",
    "host_nuke/icons": "frdm_install/host_nuke/icons",
}
FILES = {"host_nuke/init.py": "frdm_install/host_nuke", "host_nuke/menu.py": "frdm_install/host_nuke"}
Findings = dict[str, dict[str, str]]


@dataclass
class Machine:
    """A machine. `site` is where its packages lie, `environment` what its commands are started with."""

    folder: Path
    site: Path
    environment: dict[str, str]
    ran: list[subprocess.CompletedProcess[str]] = field(default_factory=list)

    def command(self, *arguments: object) -> list[str]:
        return [str(self.folder / "env" / "bin" / "frdm"), *(str(one) for one in arguments)]

    def frdm(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, cwd=self.folder, capture_output=True, text=True,
            check=check, timeout=300,
        )  # fmt: skip

    def examine(self, *arguments: object, code: int = 0) -> Findings:
        """`frdm doctor` on it, all checks but the restoration unless told otherwise; findings by name."""
        quick = [] if "--only" in arguments else ["--quick"]
        ran = self.frdm("doctor", "--json", "--limit", LIMIT, *quick, *arguments, check=False)
        assert ran.returncode == code, ran.stdout + ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout)
        self.ran.append(ran)
        self.unmade: list[str] = told["unmade"]
        return {one["name"]: one for one in told["findings"]}

    @property
    def home(self) -> Path:
        return self.folder / "state" / "frdm"

    @property
    def connection(self) -> Path:
        return self.folder / "run" / "frdm" / "engine.json"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FRDM's packages as its wheel lays them out, with pip's record; the embedded model is a tiny one."""
    site = tmp_path_factory.mktemp("wheel")
    skipped = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for source, target in PACKAGES.items():
        shutil.copytree(ROOT / source, site / target, ignore=skipped, dirs_exist_ok=True)
    for source, target in FILES.items():
        shutil.copy(ROOT / source, site / target)
    for script in (ROOT / "host_resolve").glob("FRDM *"):
        (site / "frdm_install" / "host_resolve").mkdir(exist_ok=True)
        shutil.copy(script, site / "frdm_install" / "host_resolve")
    tiny_network().save_pretrained(site / "frdm_engine" / "weights" / "frdm-s")
    record = site / "frdm-0.1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    shutil.copy(next(_packages().glob("frdm-*.dist-info")) / "METADATA", record.parent)
    record.write_text("".join(_recorded(path, site) for path in sorted(site.rglob("*")) if path.is_file()))
    return site


@pytest.fixture
def machine(tmp_path: Path, wheel: Path) -> Callable[..., Machine]:
    """Builds a machine; `without` names packages that are not installed on it."""

    def build(name: str = "machine", *, without: tuple[str, ...] = ()) -> Machine:
        folder = tmp_path / name
        folder.mkdir()
        venv.create(folder / "env", symlinks=True)
        site = next((folder / "env" / "lib").glob("python3*")) / "site-packages"
        for entry in _packages().iterdir():
            ours = entry.name.startswith(("frdm", "_editable_impl_frdm"))
            if not ours and entry.name not in ("__pycache__", *without):
                (site / entry.name).symlink_to(entry)
        shutil.copytree(wheel, site, copy_function=os.link, dirs_exist_ok=True)
        script = folder / "env" / "bin" / "frdm"
        script.write_text(f"#!{folder / 'env' / 'bin' / 'python'}\nfrom frdm_engine.cli import main\nmain()\n")
        script.chmod(0o755)
        for part in ("home", "run", "tmp"):
            (folder / part).mkdir(mode=0o700)
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        return Machine(folder, site, environment)

    return build


@pytest.fixture
def serve() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a machine's engine and waits for its connection file; ends it in the end."""
    running: list[subprocess.Popen[str]] = []

    def start(machine: Machine, *options: object) -> subprocess.Popen[str]:
        command = machine.command("serve", "--device", "cpu", "--threads", 1, *options)
        engine = subprocess.Popen(command, env=machine.environment, stderr=subprocess.PIPE, text=True)
        running.append(engine)
        assert engine.stderr is not None
        said = ""
        for line in engine.stderr:
            said += line
            if "the model is loaded" in line:
                return engine
        raise AssertionError(said)

    yield start
    for engine in running:
        engine.terminate()
        engine.communicate(timeout=120)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes file systems of their own, of so many KiB, where that is permitted."""
    mounted: list[Path] = []

    def make(folder: Path, *, kib: int) -> Path:
        folder.mkdir(mode=0o700, parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0700", "frdm-test", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a tmpfs")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _packages() -> Path:
    """Where the packages of the Python that runs the tests lie."""
    return Path(sysconfig.get_path("purelib"))


def _recorded(path: Path, site: Path) -> str:
    content = path.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f'"{path.relative_to(site).as_posix()}",sha256={digest},{len(content)}\n'
