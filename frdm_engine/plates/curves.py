"""Curves between stored values, scene-linear light and the model's own encoding.

The model encoding is the sRGB curve of scene-linear light from 0 to 1 (IEC 61966-2-1), continued above
by 1 + s ln(x), s being the curve's slope at 1, and mirrored below 0. So sRGB code values are the
encoding as they stand, and light at 65504 is about 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

SLOPE_AT_ONE = 1.055 / 2.4


def linear_to_model(light: Values) -> Values:
    """Scene-linear light, any finite float32, to the model encoding; same shape."""
    size = np.abs(light)
    low = np.minimum(size, 1.0) * np.float32(12.92)
    middle = np.float32(1.055) * np.power(np.clip(size, 0.0031308, 1.0), np.float32(1 / 2.4)) - np.float32(0.055)
    high = 1 + np.float32(SLOPE_AT_ONE) * np.log(np.maximum(size, 1.0))
    coded = np.where(size <= 0.0031308, low, np.where(size <= 1.0, middle, high))
    return np.copysign(coded, light).astype(np.float32)


def model_to_linear(coded: Values) -> Values:
    """The exact inverse of `linear_to_model`; beyond float32's range it gives Inf."""
    size = np.abs(coded)
    low = size / np.float32(12.92)
    middle = np.power((np.clip(size, 0.04045, 1.0) + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    with np.errstate(over="ignore"):
        high = np.exp((np.maximum(size, 1.0) - 1) / np.float32(SLOPE_AT_ONE))
    # 12.92 x 0.0031308: where linear_to_model changes branch, so that the two undo each other.
    light = np.where(size <= 0.04044994, low, np.where(size <= 1.0, middle, high))
    return np.copysign(light, coded).astype(np.float32)


def srgb_to_model(coded: Values) -> Values:
    """Take sRGB code values to the model encoding: themselves up to 1, the same light above."""
    size = np.abs(coded)
    # s ln of the sRGB curve's light: 1.055 / 2.4 x 2.4 ln((x + 0.055) / 1.055)
    high = 1 + np.float32(1.055) * np.log((np.maximum(size, 1.0) + np.float32(0.055)) / np.float32(1.055))
    return np.where(size <= 1.0, coded, np.copysign(high, coded)).astype(np.float32)


def model_to_srgb(coded: Values) -> Values:
    """The exact inverse of `srgb_to_model`."""
    size = np.abs(coded)
    with np.errstate(over="ignore"):
        high = np.float32(1.055) * np.exp((np.maximum(size, 1.0) - 1) / np.float32(1.055)) - np.float32(0.055)
    return np.where(size <= 1.0, coded, np.copysign(high, coded)).astype(np.float32)


@dataclass(frozen=True)
class FilmLog:
    """A log curve of film density: light = scale (10^((code - reference) / codes_per_decade) - offset).

    `code` is the stored value times 1023. Below code 0 the tangent at 0 goes on, so that every value
    comes back.
    """

    reference: float
    codes_per_decade: float
    offset: float
    scale: float

    def to_linear(self, stored: Values) -> Values:
        """Stored values, 0..1 for codes 0..1023, to scene-linear light."""
        code = stored.astype(np.float64) * 1023
        with np.errstate(over="ignore"):
            curve = 10 ** ((np.maximum(code, 0) - self.reference) / self.codes_per_decade)
        return self._float32(self.scale * (curve + np.minimum(code, 0) * self._slope - self.offset))

    def from_linear(self, light: Values) -> Values:
        """The exact inverse of `to_linear`."""
        curve = light.astype(np.float64) / self.scale + self.offset
        log = self.reference + self.codes_per_decade * np.log10(np.maximum(curve, self._at_zero))
        return self._float32((log + np.minimum(curve - self._at_zero, 0) / self._slope) / 1023)

    @property
    def _at_zero(self) -> float:
        return float(10 ** (-self.reference / self.codes_per_decade))

    @property
    def _slope(self) -> float:
        return float(self._at_zero * np.log(10) / self.codes_per_decade)

    @staticmethod
    def _float32(values: npt.NDArray[np.float64]) -> Values:
        with np.errstate(over="ignore"):
            return values.astype(np.float32)


def _cineon() -> FilmLog:
    # Kodak, "Conversion of 10-bit Log Film Data to 8-bit Linear or Video Data", 1995: black 95, white 685,
    # 0.002 density a code, negative gamma 0.6; black comes to 0 and white to 1.
    per_decade = 0.6 / 0.002
    black = 10 ** ((95 - 685) / per_decade)
    return FilmLog(reference=685, codes_per_decade=per_decade, offset=black, scale=1 / (1 - black))


CINEON = _cineon()
# SMPTE ST 2065-3: 500 codes a density unit, code 445 for an 18 % grey card; the negative's gamma of 0.6
# stands in for the film's own toe and shoulder, which come back unchanged either way.
ADX10 = FilmLog(reference=445, codes_per_decade=500 * 0.6, offset=0.0, scale=0.18)
