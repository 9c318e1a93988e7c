"""Against a running engine, of whatever Python: $FRDM_CONNECTION names its connection file, $FRDM_PLATE a sequence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from frdm_bridge import Client, JobSpec, restore, restore_pixels
from frdm_bridge.errors import AccessError
from frdm_bridge.messages import Event

pytestmark = pytest.mark.skipif("FRDM_PLATE" not in os.environ, reason="test_interpreters.py starts an engine for this")


@pytest.fixture
def engine() -> Any:
    with Client.connect(program="portable test", timeout=60.0) as made:
        yield made


@pytest.mark.parametrize("way", ["paths", "streamed", "auto"])
def test_a_plate_is_restored(engine: Client, tmp_path: Path, way: str) -> None:
    told: list[Event] = []
    out = Path(os.environ["FRDM_OUT"]) / tmp_path.name
    done = restore(engine, JobSpec(source=os.environ["FRDM_PLATE"], output=str(out)), way=way, on_event=told.append)
    assert done.frames == len(list(out.glob("*.exr")))
    assert [event.seq for event in told] == list(range(1, len(told) + 1))


def test_pixels_come_back_by_shared_memory(engine: Client) -> None:
    grey = dict.fromkeys((1, 2, 3), b"\x004" * (48 * 32 * 3))  # 0.25 as half
    made = restore_pixels(engine, grey, [2], width=48, height=32)
    assert [(frame, len(pixels)) for frame, pixels in made.items()] == [(2, 48 * 32 * 3 * 2)]


def test_what_is_not_allowed_is_refused_by_name(engine: Client) -> None:
    assert engine.ping() < 60.0
    assert engine.status().version
    assert "frdm_" in engine.metrics()
    with pytest.raises(AccessError, match="/etc"):
        engine.submit(JobSpec(source="/etc/passwd", output="/etc/x.exr"))
