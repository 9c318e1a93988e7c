"""What a Read or Write without `raw` does to colours, in the one case that the stand-in knows.

The project works in ACEScg under the configuration aces_1.2, whose EXR files are ACES2065-1 unless told.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.host_nuke.standin import state
from tests.host_nuke.standin.images import Image

AP0_TO_AP1 = np.array(
    [
        [1.4514393161, -0.2365107469, -0.2149285693],
        [-0.0765537734, 1.1762296998, -0.0996759264],
        [0.0083161484, -0.0060324498, 0.9977163014],
    ]
)
"""ACES2065-1 to ACEScg, from the ACES specification S-2014-004."""
_RGB = ("rgba.red", "rgba.green", "rgba.blue")


def read(node: Any, image: Image) -> Image:
    """From the file's space to the project's."""
    return _turned(image, AP0_TO_AP1) if _converts(node) else image


def written(node: Any, image: Image) -> Image:
    """From the project's space to the file's."""
    return _turned(image, np.linalg.inv(AP0_TO_AP1)) if _converts(node) else image


def _converts(node: Any) -> bool:
    root = state.now().root
    aces = root["colorManagement"].value() == "OCIO" and root["OCIO_config"].value() == "aces_1.2"
    return bool(aces and not node["raw"].value() and node["colorspace"].value() == "default")


def _turned(image: Image, matrix: Any) -> Image:
    if not any(name in image.channels for name in _RGB):
        return image
    values = np.stack([image.over(name, image.box) for name in _RGB], axis=-1) @ matrix.T
    return image.having(
        channels={**image.channels, **{n: values[..., i].astype(np.float32) for i, n in enumerate(_RGB)}}
    )
