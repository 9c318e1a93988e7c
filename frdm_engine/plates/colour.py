"""Colour spaces: from a plate's stored values to the model's encoding and back without a loss.

The model's own encoding (see `curves`) is private: what is stored in a file is always the plate's.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.errors import ColourError
from frdm_engine.plates import curves
from frdm_engine.plates.curves import Values

OWN_NAMES = ("auto", "linear", "srgb", "cineon", "adx10")
BUILT_IN_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"
TOLERANCE = 1e-3
EXTREME = 65504.0

_LINEAR_NAMES = ("Linear Rec.709 (sRGB)", "lin_rec709_srgb", "lin_rec709", "scene_linear")
# Primaries and white point in EXR's `chromaticities`, and the space each set stands for.
_CHROMATICITIES = {
    "linear": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "ACEScg": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "ACES2065-1": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "Linear P3-D65": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
    "Linear Rec.2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
}
_LOG_TRANSFERS = ("Printing density", "Logarithmic")
_NO_TRANSFER = ("", "Undefined", "User defined")


@dataclass(frozen=True)
class ColourSpace:
    """A space plates are stored in. `why` says in words how it was chosen; `config` is what the OCIO config it is of
    is known by, '' of FRDM's own spaces."""

    name: str
    why: str
    to_model: Callable[[Values], Values]
    from_model: Callable[[Values], Values]
    config: str = ""

    def encode(self, rgb: npt.NDArray[np.floating[Any]]) -> Values:
        """(..., 3) stored values to the model encoding, float32; NaN becomes 0, Inf what ±65504 becomes.

        The caller keeps such pixels from the plate: see `finite_mask`.
        """
        stored = np.nan_to_num(np.asarray(rgb, dtype=np.float32), nan=0.0, posinf=EXTREME, neginf=-EXTREME)
        return self.to_model(stored)

    def decode(self, encoded: npt.NDArray[np.floating[Any]]) -> Values:
        """(..., 3) model encoding to stored values, float32, the inverse of `encode`."""
        return self.from_model(np.asarray(encoded, dtype=np.float32))


def finite_mask(rgb: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
    """Which pixels of (..., 3) values have no NaN or Inf: (...) bool."""
    return np.asarray(np.isfinite(rgb).all(axis=-1))


def resolve(name: str, *, metadata: Mapping[str, Any], path_suffix: str, dtype: npt.DTypeLike) -> ColourSpace:
    """The space of a plate: `auto`, `linear`, `srgb`, `cineon`, `adx10` or an OCIO space, alias or role.

    OCIO names are those of the config in $OCIO, or of the built-in ACES studio config. `auto` goes by
    `metadata` (OpenImageIO's names, as `Plate.metadata`), the file's suffix and its pixel type.

    Raises:
        ColourError: the name is unknown, the config unreadable, or the space loses values.
    """
    if name.lower() == "auto":
        return _automatic(metadata, suffix=path_suffix.lower(), dtype=np.dtype(dtype))
    return _named(name, why="asked for")


def _named(name: str, *, why: str) -> ColourSpace:
    match name.lower():
        case "linear":
            return ColourSpace("linear", why, curves.linear_to_model, curves.model_to_linear)
        case "srgb":
            return ColourSpace("srgb", why, curves.srgb_to_model, curves.model_to_srgb)
        case "cineon":
            return _film("cineon", curves.CINEON, why=why)
        case "adx10":
            return _film("adx10", curves.ADX10, why=why)
    config = os.environ.get("OCIO") or BUILT_IN_CONFIG
    space, linear = _ocio_names(name, config)
    _refuse_lossy(space, linear, config)
    return ColourSpace(
        space,
        why,
        lambda stored: curves.linear_to_model(_finite(_converted(stored, space, linear, config))),
        lambda coded: _converted(curves.model_to_linear(coded), linear, space, config),
        _known_by(config),
    )


def _known_by(config: str) -> str:
    """The address of a config and, of a file, the hash of what it holds: a space of the same name may be another."""
    path = Path(config)
    return f"{config} sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else config


def _film(name: str, curve: curves.FilmLog, *, why: str) -> ColourSpace:
    return ColourSpace(
        name,
        why,
        lambda stored: curves.linear_to_model(_finite(curve.to_linear(stored))),
        lambda coded: curve.from_linear(_finite(curves.model_to_linear(coded))),
    )


def _automatic(metadata: Mapping[str, Any], *, suffix: str, dtype: np.dtype[Any]) -> ColourSpace:
    told = str(metadata.get("oiio:ColorSpace", ""))
    known = _known(told) if told else None
    if known is not None:
        return _named(known, why=f"the file says {told}")
    if suffix == ".exr":
        return _by_chromaticities(metadata.get("chromaticities"))
    if suffix == ".cin":
        return _named("cineon", why="Cineon files hold film log")
    if suffix == ".dpx":
        return _by_transfer(str(metadata.get("dpx:Transfer", "")), bits=int(metadata.get("oiio:BitsPerSample", 0)))
    if dtype.kind == "f":
        return _named("linear", why=f"{suffix or 'the file'} with float pixels and no colour space given")
    return _named("srgb", why=f"{suffix or 'the file'} with integer pixels and no other colour space known")


def _known(told: str) -> str | None:
    """The name to use for a file's `oiio:ColorSpace`, or None when the config does not have it."""
    if told.lower() in ("kodaklog", "cineon"):
        return "cineon"
    if told.lower() in ("linear", "lin_rec709_scene", "lin_rec709", "lin_srgb"):
        return "linear"
    if told.lower() in ("srgb", "srgb_rec709_scene", "srgb_rec709_display", "srgb_texture", "srgb - texture"):
        return "srgb"
    return told if _config(os.environ.get("OCIO") or BUILT_IN_CONFIG).getColorSpaceIndex(told) >= 0 else None


def _by_chromaticities(found: Any) -> ColourSpace:
    if found is None:
        return _named("linear", why="EXR with no colour space given")
    for name, expected in _CHROMATICITIES.items():
        if len(found) == 8 and np.allclose(found, expected, atol=1e-3):
            return _named(name, why="the EXR's chromaticities")
    return _named("linear", why="EXR with chromaticities of no known space, taken as they are")


def _by_transfer(transfer: str, *, bits: int) -> ColourSpace:
    if transfer in _LOG_TRANSFERS:
        return _named("cineon", why=f"the DPX says {transfer.lower()}")
    if transfer == "Linear":
        return _named("linear", why="the DPX says linear")
    if transfer not in _NO_TRANSFER:
        return _named("srgb", why=f"the DPX says {transfer}, a video curve")
    if bits == 10:
        return _named("cineon", why="10-bit DPX without a transfer curve, as film scans are")
    return _named("srgb", why=f"{bits}-bit DPX without a transfer curve")


@lru_cache(maxsize=8)
def _config(config: str) -> Any:
    opened = oiio.ColorConfig(config)
    said = opened.geterror()
    if said or not opened.getColorSpaceNames():
        raise ColourError(f"The OCIO config {config} cannot be read ({said or 'it is empty'}); check $OCIO.")
    return opened


@lru_cache(maxsize=64)
def _ocio_names(name: str, config: str) -> tuple[str, str]:
    """The config's own names of a space, alias or role, and of its linear working space."""
    opened = _config(config)
    spaces: list[str] = list(opened.getColorSpaceNames())
    roles: list[str] = list(opened.getRoles())
    aliases: dict[str, str] = {alias: space for space in spaces for alias in (space, *(opened.getAliases(space) or ()))}
    lowered = {alias.lower(): space for alias, space in aliases.items()}
    lowered |= {role.lower(): str(opened.getColorSpaceNameByRole(role)) for role in roles}
    space = lowered.get(name.lower())
    if space is None and opened.getColorSpaceIndex(name) >= 0:
        space = opened.resolve(name)
    if space is None:
        near = difflib.get_close_matches(name.lower(), [*OWN_NAMES, *lowered], n=4, cutoff=0.5)
        shown = ", ".join(dict.fromkeys(lowered.get(one, one) for one in near)) or ", ".join(OWN_NAMES)
        raise ColourError(f"There is no colour space {name!r} in {config}; did you mean one of: {shown}?")
    if opened.isData(space):
        raise ColourError(f"The colour space {space} holds data, not colours; choose the plate's own space.")
    linear = next((lowered[one.lower()] for one in _LINEAR_NAMES if one.lower() in lowered), None)
    if linear is None:
        raise ColourError(f"The OCIO config {config} has no scene_linear role; add it or use {OWN_NAMES[1]}.")
    return space, linear


@lru_cache(maxsize=64)
def _refuse_lossy(space: str, linear: str, config: str) -> None:
    """Try the way there and back on the values a plate of this space may hold."""
    if _config(config).isColorSpaceLinear(space):
        size = np.geomspace(1e-5, 65504, 33, dtype=np.float32)
        steps = np.concatenate([[0.0], size, -size[size <= 1]]).astype(np.float32)
        probe = np.stack([steps, np.roll(steps, 1), np.roll(steps, 2)], axis=-1)
        floor = 1e-3
    else:
        steps = np.linspace(0, 1, 12, dtype=np.float32)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
        floor = 0.1  # a tenth of a code of a 10-bit scan
    there = curves.linear_to_model(_converted(probe, space, linear, config))
    back = _converted(curves.model_to_linear(there), linear, space, config)
    # A matrix spreads the error of the largest channel over the others.
    scale = np.maximum(np.abs(probe).max(axis=-1, keepdims=True), floor)
    if not (np.abs(back - probe) <= TOLERANCE * scale).all():
        raise ColourError(
            f"The colour space {space} loses values on the way to linear light and back; "
            "convert the plates to a linear or camera log space first."
        )


def _converted(values: Values, source: str, target: str, config: str) -> Values:
    rows = np.ascontiguousarray(values if values.ndim == 3 else values.reshape(1, -1, 3), dtype=np.float32)
    made = oiio.ImageBufAlgo.colorconvert(oiio.ImageBuf(rows), source, target, False, "", "", config)
    if made.has_error:
        raise ColourError(f"{source} cannot be converted to {target} ({made.geterror()}); choose another space.")
    return np.asarray(made.get_pixels(oiio.FLOAT), dtype=np.float32).reshape(values.shape)


_finite: Callable[[Values], Values] = partial(np.nan_to_num, nan=0.0, posinf=1e30, neginf=-1e30)
