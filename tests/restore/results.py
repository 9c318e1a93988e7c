"""Comparing restored frames."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.restorer import Restorer
from tests.restore.on_disk import Array


def alike(one: Restored, other: Restored) -> None:
    """Equal bit for bit."""
    for name in ("picture", "mattes", "alpha"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def differ(one: Restored, other: Restored) -> bool:
    return not np.array_equal(one.picture, other.picture)


def restore_all(restorer: Restorer, window: dict[int, Array], order: Iterable[int]) -> dict[int, Restored]:
    return {number: restorer.restore(window, number) for number in order}
