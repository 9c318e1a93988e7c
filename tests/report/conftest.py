"""Shots as a restoration leaves them, painted by hand so that every figure is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report.painted import Painted, paint


@pytest.fixture
def painted(tmp_path: Path) -> Callable[..., Painted]:
    """See `paint`; the shot's folder is `tmp_path / name`."""

    def make(name: str = "shot", **told: object) -> Painted:
        return paint(tmp_path / name, **told)  # type: ignore[arg-type]

    return make
