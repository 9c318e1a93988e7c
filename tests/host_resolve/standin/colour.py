"""Colour management of a render: curves alone, without primaries; enough that a wrong space shows in the numbers.

Where the clip's space is the timeline's output space nothing is changed, to the bit. Unmanaged projects change nothing.
In an ACES project an output transform changes the picture, and without one it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, Tuple

import numpy as np
from numpy.typing import NDArray

from tests.host_resolve.standin.clips import MediaPoolItem

if TYPE_CHECKING:
    from tests.host_resolve.standin.timelines import Timeline

Values = NDArray[np.float32]
Curve = Callable[[Values], Values]


def _power(exponent: float) -> Curve:
    return lambda values: (np.sign(values) * np.abs(values) ** exponent).astype(np.float32)


def _log(slope: float) -> Tuple[Curve, Curve]:
    """A logarithm of no camera's: its place is to be unlike the others."""

    def decode(values: Values) -> Values:
        return ((np.exp2(values * slope) - 1) / (2**slope - 1)).astype(np.float32)

    def encode(values: Values) -> Values:
        return (np.log2(np.maximum(values, 0) * (2**slope - 1) + 1) / slope).astype(np.float32)

    return decode, encode


_LINEAR = (_power(1.0), _power(1.0))
_CURVES: Dict[str, Tuple[Curve, Curve]] = {
    "ACES": _LINEAR,
    "ACEScg": _LINEAR,
    "DaVinci WG": _LINEAR,
    "Linear": _LINEAR,
    "ACEScc": _log(9.0),
    "ACEScct": _log(8.0),
    "DaVinci WG/Intermediate": _log(7.0),
    "Cineon Film Log": _log(6.0),
    "Rec.709 (Scene)": (_power(1.96), _power(1 / 1.96)),
    "Rec.709-A": (_power(1.96), _power(1 / 1.96)),
    "Rec.709 Gamma 2.4": (_power(2.4), _power(1 / 2.4)),
    "sRGB": (_power(2.2), _power(1 / 2.2)),
}


def managed(picture: Values, clip: MediaPoolItem, line: Timeline) -> Values:
    """A clip's picture as the timeline puts it out."""
    project = line._project
    science = project._settings["colorScienceMode"]
    if science.startswith("aces"):
        return picture if project._settings["colorAcesODT"] == "No Output Transform" else _power(1 / 2.4)(picture)
    space = clip._all().get("Input Color Space", "")
    wanted = line._settings.get("colorSpaceOutput", project._settings["colorSpaceOutput"])
    if not project._managed() or space == wanted:
        return picture
    decode, encode = _CURVES[space][0], _CURVES[wanted][1]
    return encode(decode(picture))
