"""Comparing restored frames."""

from __future__ import annotations

import numpy as np

from frdm_engine.restore.finishing import Restored


def alike(one: Restored, other: Restored) -> None:
    """Equal bit for bit."""
    for name in ("picture", "mattes", "alpha"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def differ(one: Restored, other: Restored) -> bool:
    return not np.array_equal(one.picture, other.picture)
