"""`frdm report`: pages of shots that `frdm restore` made, and of a reel."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Frdm = Callable[..., Result]


@pytest.fixture
def restored(frdm: Frdm, plates: Path, model: Path, tmp_path: Path) -> Path:
    """A folder with two restored shots, the first with a matte."""
    matte = ("--matte", tmp_path / "matte.####.exr")
    for name, more in (("first", matte), ("second", ())):
        out = tmp_path / "reel" / name / f"{name}.####.exr"
        assert frdm("restore", plates, out, "--model", model, "--device", "cpu", "--strength", 9, *more).exit_code == 0
    return tmp_path / "reel"


def test_a_restored_shot_has_its_page(frdm: Frdm, restored: Path, plates: Path, tmp_path: Path) -> None:
    out, matte = restored / "first" / "first.####.exr", tmp_path / "matte.####.exr"
    result = frdm("report", out, "--plate", plates, "--matte", matte)
    assert result.exit_code == 0
    assert result.stdout == f"{restored / 'first' / 'first.report.html'}\n"
    data = json.loads((restored / "first" / "first.report.json").read_text())
    assert data["shown"] == [1001, 1002, 1003, 1004, 1005]
    assert data["checked"] == {"frames": 5, "strays": {}}
    assert data["problems"] == []


def test_several_shots_have_an_index(frdm: Frdm, restored: Path) -> None:
    result = frdm("report", restored)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{restored}/first/first.report.html",
        f"{restored}/second/second.report.html",
        f"{restored}/reel.html",
    ]
    shots = json.loads((restored / "reel.json").read_text())["shots"]
    assert [shot["page"] for shot in shots] == ["first/first.report.html", "second/second.report.html"]
    assert [shot["shot"] for shot in shots] == ["in", "in"]  # what was restored, twice
    other = restored / "monday.html"
    assert frdm("report", restored / "first", "--reel", other).stdout.splitlines()[-1] == str(other)
    assert other.is_file()


def test_what_cannot_be_is_refused(refused: Callable[..., str], restored: Path, plates: Path) -> None:
    assert "--plate and --matte are those of one shot" in refused("report", restored, "--plate", plates)
    assert "holds no sidecar" in refused("report", plates)
    assert "is no page" in refused("report", restored, "--reel", restored / "none" / "reel.html")
    (restored / "first" / "first.frdm.json").write_text("[]")
    assert "first.frdm.json is no record of a run" in refused("report", restored / "first")


def test_a_report_needs_no_torch(restored: Path) -> None:
    code = (
        "import sys\nfrom frdm_engine.cli import main\nsys.argv = ['frdm', 'report', sys.argv[1]]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code, 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(restored)], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 False"
