"""Plates and shapes the damage tests share."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture(scope="session")
def plate() -> npt.NDArray[np.float32]:
    """A colourful ramp, (144, 208, 3), with values slightly out of 0..1."""
    y, x = np.mgrid[0:144, 0:208].astype(np.float32)
    channels = [x / 207, y / 143, 0.5 + 0.5 * np.sin(x / 9) * np.cos(y / 11)]
    return np.stack(channels, axis=2).astype(np.float32) * np.float32(1.04) - np.float32(0.02)


@pytest.fixture(scope="session")
def shapes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of cut shapes, as `Templates` wants it: one bright bar for each of two kinds."""
    folder = tmp_path_factory.mktemp("shapes")
    bar = np.zeros((40, 60), np.uint8)
    bar[18:22, 5:55] = 200
    for kind in ("hair", "dots", "scratches"):
        (folder / kind).mkdir()
        cv2.imwrite(str(folder / kind / "0000.png"), bar)
    return folder
