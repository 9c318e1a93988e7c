"""Lists of shots, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from frdm_engine.batch.shots import KEYS, Shot, ShotList, name_of, place, read_list, read_shots, renamed, shots_of
from frdm_engine.errors import SettingError


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "reel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_shots_and_the_command_line(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
[defaults]
strength = 2
device = "all"
log = "run.jsonl"
model = "frdm-s"
[[shot]]
plate = "scans/sh010"
frames = 1001
[[shot]]
name = "last"
plate = "/abs/b.####.exr"
output = "done/b.####.exr"
cuts = [1010, 1055]
strength = 0.5
seed = 7
resume = true
""",
    )
    made = read_list(path, out="/out")
    first = Shot("sh010", f"{tmp_path}/scans/sh010", "/out/sh010/", frames="1001", strength=2)
    last = Shot(
        "last", "/abs/b.####.exr", f"{tmp_path}/done/b.####.exr", cuts="1010,1055", strength=0.5, seed=7, resume=True
    )
    assert made == ShotList((first, last), {"device": "all", "log": str(tmp_path / "run.jsonl")})
    assert [shot.strength for shot in read_shots(path, out="/out", options={"strength": 1.0})] == [1.0, 1.0]
    assert Shot(**last.record()) == last


def test_a_plain_list_of_plates(tmp_path: Path) -> None:
    path = tmp_path / "reel.txt"
    path.write_text("# Reel 3\n\nscans/sh010\nsh020.####.exr\n  /abs/sh030.%04d.dpx  \n", encoding="utf-8")
    assert read_shots(path, out="out", options={"seed": 3}) == (
        Shot("sh010", f"{tmp_path}/scans/sh010", "out/sh010/", seed=3),
        Shot("sh020", f"{tmp_path}/sh020.####.exr", "out/sh020.####.exr", seed=3),
        Shot("sh030", "/abs/sh030.%04d.dpx", "out/sh030.%04d.dpx", seed=3),
    )
    with pytest.raises(SettingError, match="lists plates alone; give the folder for the results"):
        read_shots(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[shot]\n", "reel.toml is not TOML"),
        ("", "names no shot"),
        ('model = "x"\n', "'model' at its top"),
        ("defaults = 3\n", r"in \[defaults\]"),
        ("[[shot]]\n", "shot 1: no plate is named"),
        ('[[shot]]\nplate = "a.exr"\n', "shot 1: no output is named"),
        ('[[shot]]\nplate = "a"\noutput = "b"\nstrenght = 2\n', "'strenght' is no setting; did you mean strength"),
        ('[[shot]]\nname = "x"\nplate = "a"\noutput = "b"\nzzz = 2\n', r"shot 1 \(x\): 'zzz' is no setting; the keys"),
        ('[[shot]]\nplate = "a"\noutput = "b"\ndevice = "cpu"\n', r"write it under \[defaults\]"),
        ('[[shot]]\nplate = "a"\noutput = "b"\nsteps = "4"\n', "steps is '4'; write a whole number"),
        ('[[shot]]\nplate = "a"\noutput = "b"\nsteps = true\n', "steps is True; write a whole number"),
        ('[[shot]]\nplate = "a"\noutput = "b"\nresume = 1\n', "resume is 1; write true or false"),
        ('[[shot]]\nplate = "a"\noutput = "b"\n' * 2, "would both be written to"),
    ],
)
def test_lists_that_are_not_understood(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        read_shots(toml(tmp_path, text))


def test_a_list_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none\.toml cannot be read"):
        read_shots(tmp_path / "none.toml")
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="no UTF-8 text"):
        read_shots(tmp_path / "x.txt")


def test_names_and_places(tmp_path: Path) -> None:
    (tmp_path / "sh.010").mkdir()
    assert name_of(str(tmp_path / "sh.010")) == "sh.010"
    assert place(str(tmp_path / "sh.010"), "out") == "out/sh.010/"
    assert name_of("a/sh020.1001-1010####.exr") == "sh020"
    assert place("a/sh020.1001-1010####.exr", "out") == "out/sh020.####.exr"
    assert name_of("a/####.exr") == "a"
    assert [shot.name for shot in renamed(shots_of(("a/x.#.exr", "b/x.#.dpx"), "out"))] == ["x", "x (2)"]


def test_every_option_of_restore_is_a_key() -> None:
    from typer.main import get_command

    from frdm_engine.cli.app import app

    command = get_command(app).commands["restore"]  # type: ignore[attr-defined]
    options = {one.name for one in command.params} - {"paths", "shots", "plan", "wait", "every", "device", "log"}
    assert options <= set(KEYS)
    assert set(KEYS) - options == {"name", "plate", "output"}
