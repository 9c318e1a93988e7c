"""The commands as a whole: quick help, exit codes, one sentence for what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import Result

import frdm_engine.cli
from frdm_engine.cli.app import app
from frdm_engine.errors import DeviceError, FrdmError, RestoreError, SettingError
from frdm_engine.version import __version__

COMMANDS = {
    "cancel",
    "damage",
    "demo",
    "doctor",
    "info",
    "jobs",
    "models",
    "pack",
    "plan",
    "plot",
    "report",
    "restore",
    "scout",
    "serve",
    "status",
    "stop",
    "train",
}
GROUPS = {
    "bench": {"memory", "quality", "real", "speed"},
    "farm": {"report", "start", "stop", "submit", "task"},
    "install": {"engine", "farm", "nuke", "resolve"},
    "pairs": {"add", "check"},
    "uninstall": {"engine", "farm", "nuke", "resolve"},
}
HEAVY = ("torch", "diffusers", "OpenImageIO", "cv2", "numpy")


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys\nfrom frdm_engine.cli import main\nsys.argv = ['frdm', '--help']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    code = ended.code\n"
        f"print(code, *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "0"
    for command in (*COMMANDS, *GROUPS):
        assert f" {command} " in ran.stdout


def test_garbage_is_collected_once_a_command_runs() -> None:
    """At start-up, where there is none, it is not looked for: `main` turns that off."""
    code = (
        "import gc, sys\nfrom frdm_engine.cli import main\nsys.argv = ['frdm', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit:\n    print(gc.isenabled(), file=sys.stderr)"
    )
    for arguments, enabled in ((["--help"], "False"), (["models"], "True")):
        ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert ran.stderr.strip() == enabled


def test_the_package_runs_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "frdm_engine", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == __version__
    assert callable(frdm_engine.cli.main)


@pytest.mark.parametrize(
    "command",
    [(name,) for name in sorted(COMMANDS | set(GROUPS))]
    + [(name, one) for name in GROUPS for one in sorted(GROUPS[name])],
    ids=" ".join,
)
def test_every_command_explains_itself(frdm: Callable[..., Result], command: tuple[str, ...]) -> None:
    result = frdm(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


@pytest.mark.parametrize(
    "arguments", [("restore",), ("restore", "a", "b", "--tile", "x"), ("demo", "--no-such"), ("x",)]
)
def test_a_wrong_command_line_ends_with_2(frdm: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    assert frdm(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FrdmError("One thing."), 1),
        (SettingError("One thing."), 2),
        (RestoreError("one thing", frame=3, remedy="try this"), 3),
        (DeviceError("One thing."), 4),
    ],
)
def test_errors_end_with_their_exit_code_and_one_sentence(
    frdm: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, error: FrdmError, code: int
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("frdm_engine.plates.sequence.Sequence.find", fail)
    result = frdm("info", "plate.####.exr")
    assert result.exit_code == code
    assert result.stderr == f"frdm: {error}\n"


def test_a_bug_keeps_its_traceback(frdm: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("frdm_engine.plates.sequence.Sequence.find", fail)
    with pytest.raises(ZeroDivisionError):
        frdm("info", "plate.####.exr")


def test_the_commands_are_pinned() -> None:
    pinned = get_command(app)
    assert isinstance(pinned, TyperGroup)
    assert set(pinned.commands) == COMMANDS | set(GROUPS)
    groups = {name: one.commands for name, one in pinned.commands.items() if isinstance(one, TyperGroup)}
    assert {name: set(commands) for name, commands in groups.items()} == GROUPS


def test_the_photograph_ships_with_its_licence() -> None:
    folder = Path(frdm_engine.cli.__file__).parent
    assert (folder / "demo_photo.jpg").stat().st_size < 150_000
    assert "CC0" in (folder / "demo_photo.txt").read_text(encoding="utf-8")


def test_an_interrupt_ends_with_130_and_says_so(frdm: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("frdm_engine.plates.sequence.Sequence.find", interrupt)
    result = frdm("info", "plate.####.exr")
    assert (result.exit_code, result.stderr) == (130, "frdm: Interrupted.\n")
