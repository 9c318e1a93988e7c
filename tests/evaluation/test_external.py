"""Filters of other programs: how frames go to them and come back, and what is said where they are missing.

The programs here are real ones of a few lines; ffmpeg itself is tried where the machine has it.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from frdm_engine.errors import RestoreError
from frdm_engine.evaluation.baselines import Shot
from frdm_engine.evaluation.external import add_change, available_external, find_external, missing_external, to_planes
from frdm_engine.evaluation.picture import Array

VAPOURSYNTH = {"DeScratch", "SpotLess", "DeScratch and SpotLess"}
PROGRAM = """#!{python}
import sys
if "-filters" in sys.argv:
    print(" TS hqdn3d  V->V  Apply a High Quality 3D Denoiser.")
    sys.exit()
{body}
"""
DIM = """data = bytearray(open(sys.argv[sys.argv.index("-i") + 1], "rb").read())
data[1] ^= 0x10
open(sys.argv[-1], "wb").write(data)"""


@pytest.fixture
def shot() -> Shot:
    frames = np.random.default_rng(6).random((3, 20, 24, 3), dtype=np.float32) * 1.4 - np.float32(0.2)
    return Shot(frames, np.zeros((3, 20, 24, 4), np.float32))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FRDM_VSPIPE", raising=False)
    return tmp_path


def _install(folder: Path, name: str, body: str) -> Path:
    program = folder / name
    program.write_text(PROGRAM.format(python=sys.executable, body=body))
    program.chmod(0o755)
    return program


def test_missing_programs_are_named_with_the_reason(path: Path) -> None:
    assert not list(path.iterdir())
    assert available_external() == {}
    reasons = missing_external()
    assert set(reasons) == {"hqdn3d", "atadenoise"} | VAPOURSYNTH
    assert reasons["hqdn3d"] == "ffmpeg is not on the PATH"
    assert "FRDM_VSPIPE" in reasons["SpotLess"]


def test_a_filter_that_this_ffmpeg_lacks_is_missing(path: Path) -> None:
    _install(path, "ffmpeg", DIM)
    found = find_external()
    assert set(found.available) == {"hqdn3d"}
    assert found.missing["atadenoise"] == "this ffmpeg has no filter atadenoise"


def test_what_a_filter_leaves_alone_stays_bit_for_bit(path: Path, shot: Shot) -> None:
    _install(path, "ffmpeg", DIM)
    results = available_external()["hqdn3d"].run(shot)
    assert len(results) == 3
    changed = np.stack(results) != shot.damaged
    assert changed[0, 0, 0].all()
    assert changed.any(axis=-1).sum() == 1


@pytest.mark.parametrize("body", ["sys.exit('Out of luck.')", "open(sys.argv[-1], 'wb').write(b'x')"])
def test_a_filter_that_fails_or_stops_short_is_an_error(path: Path, shot: Shot, body: str) -> None:
    _install(path, "ffmpeg", body)
    with pytest.raises(RestoreError, match="wrote no whole result"):
        available_external()["hqdn3d"].run(shot)


def test_vspipe_that_refuses_says_why(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _install(path, "vspipe-of-mine", "sys.exit('No attribute with the name mv exists.')")
    monkeypatch.setenv("FRDM_VSPIPE", str(program))
    reasons = missing_external()
    assert "No attribute with the name mv exists" in reasons["SpotLess"]
    monkeypatch.setenv("FRDM_VSPIPE", str(path / "nowhere"))
    assert "does not run" in missing_external()["SpotLess"]


def test_planes_are_rec_709_and_their_change_comes_back(shot: Shot) -> None:
    gray = np.full((1, 4, 4, 3), 0.5, np.float32)
    np.testing.assert_allclose(to_planes(gray)[0, :, 0, 0], 32768, atol=1)
    before, target = np.clip(shot.damaged[:1], 0, 1), np.clip(shot.damaged[1:2], 0, 1)
    result = add_change(before[0], to_planes(before)[0], to_planes(target)[0])
    np.testing.assert_allclose(result, target[0], atol=6e-5)


def test_values_outside_the_range_survive_a_change_of_another_kind(shot: Shot) -> None:
    frame: Array = shot.damaged[0].copy()
    frame[0, 0] = 5.0
    planes = to_planes(frame[None])[0]
    changed = planes.copy()
    changed[0, 3, 3] ^= 0x1000
    result = add_change(frame, planes, changed)
    assert (result[0, 0] == 5.0).all()
    assert np.ptp(result[3, 3] - frame[3, 3]) == pytest.approx(0, abs=1e-6)


def test_installed_filters_run() -> None:
    """Whatever this machine has; every filter is either found or has its reason."""
    found = find_external()
    assert set(found.available) | set(found.missing) == {"hqdn3d", "atadenoise"} | VAPOURSYNTH
    still = np.full((5, 96, 128, 3), 0.5, np.float32)
    for baseline in found.available.values():
        results = baseline.run(Shot(still, np.zeros((*still.shape[:3], 4), np.float32)))
        np.testing.assert_allclose(results, still, atol=0.01)
