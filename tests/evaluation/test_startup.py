"""Start-up times, taken from fresh processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frdm_engine.errors import RestoreError
from frdm_engine.evaluation.speed.startup import COLD_ALL, COLD_FRAME, HELP, cold, starts
from frdm_engine.plates import write_image
from tests.networks import tiny_network


def test_help_and_hosts_start_in_fresh_processes() -> None:
    known = {one.what: one for one in starts(tries=1)}
    assert len(known) == 3
    assert all(0 < one.median < 30 for one in known.values())
    assert known[HELP].median > 0.05


def test_a_cold_restoration_tells_where_its_seconds_went(tmp_path: Path) -> None:
    tiny_network().save_pretrained(tmp_path / "tiny")
    plate = tmp_path / "plate.1.exr"
    write_image(plate, np.full((64, 96, 3), 0.3, np.float32), channel_names=("R", "G", "B"))
    known = {one.what: one.median for one in cold(plate, model=str(tmp_path / "tiny"), device="cpu", tries=1)}
    parts = sum(known.values()) - known[f"cold, {COLD_ALL}"]
    assert 0 < known[f"cold, {COLD_FRAME}"] < parts < known[f"cold, {COLD_ALL}"]
    with pytest.raises(RestoreError, match="ended with 1"):
        cold(tmp_path / "none.exr", model=str(tmp_path / "tiny"), device="cpu", tries=1)
