"""Colour spaces: chosen by name or by what the file says, and without loss there and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.errors import ColourError
from frdm_engine.plates.colour import ColourSpace, finite_mask, resolve

LINEAR_SPACES = [
    "ACEScg",
    "ACES2065-1",
    "Linear Rec.2020",
    "Linear Rec.709 (sRGB)",
    "scene_linear",
    "lin_ap1",
]
CODED_SPACES = [
    "ACEScct",
    "ARRI LogC3 (EI800)",
    "S-Log3 S-Gamut3",
    "DaVinci Intermediate WideGamut",
    "sRGB - Texture",
    "CanonLog3 CinemaGamut D55",
]


def space(name: str, **metadata: Any) -> ColourSpace:
    return resolve(name, metadata=metadata, path_suffix=".exr", dtype=np.float16)


def wide_light() -> npt.NDArray[np.float32]:
    """Halves from -1 to 65504 as (N, 3), the channels within a few stops of each other, as plates are."""
    size = np.geomspace(1e-4, 65504 / 4, 400)
    light = np.concatenate([size, -size[size <= 0.25], [0]])
    rgb = np.stack([light, light * 1.7, light * 4], axis=-1)
    return rgb.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("name", ["linear", *LINEAR_SPACES])
def test_scene_linear_comes_back_within_a_thousandth(name: str) -> None:
    light = wide_light()
    found = space(name)
    back = found.decode(found.encode(light)).astype(np.float16).astype(np.float32)
    scale = np.abs(light).max(axis=-1, keepdims=True)
    assert (np.abs(back - light) <= 1e-3 * scale).all()


def test_plain_linear_comes_back_bit_for_bit() -> None:
    light = wide_light().astype(np.float16)
    found = space("linear")
    assert np.array_equal(found.decode(found.encode(light)).astype(np.float16), light)


@pytest.mark.parametrize("name", ["srgb", "cineon", "adx10", *CODED_SPACES])
def test_grey_scans_come_back_to_the_same_10_bit_code(name: str) -> None:
    codes = np.repeat(np.arange(1024)[:, None], 3, axis=1)
    found = space(name)
    back = found.decode(found.encode((codes / 1023).astype(np.float32)))
    assert np.array_equal(np.rint(back * 1023).astype(int), codes)


@pytest.mark.parametrize(("name", "most"), [("srgb", 1e-6), ("cineon", 1e-6), ("adx10", 1e-6), ("ACEScct", 1e-3)])
def test_scans_of_any_colour_come_back(name: str, most: float, rng: np.random.Generator) -> None:
    # Far beyond what film holds: channels up to 17 stops apart.
    stored = (rng.integers(0, 1024, (4000, 3)) / 1023).astype(np.float32)
    found = space(name)
    assert np.abs(found.decode(found.encode(stored)) - stored).max() < most


@pytest.mark.parametrize("name", ["linear", "srgb", "cineon", "ACEScg"])
def test_shapes_are_kept_and_grey_stays_grey(name: str) -> None:
    found = space(name)
    for shape in ((3,), (5, 3), (4, 5, 3), (2, 4, 5, 3)):
        encoded = found.encode(np.full(shape, 0.4, np.float16))
        assert (encoded.shape, str(encoded.dtype)) == (shape, "float32")
        assert np.ptp(encoded) < 1e-3
        assert found.decode(encoded).shape == shape


@pytest.mark.parametrize("name", ["linear", "srgb", "cineon", "adx10", "ACEScg", "ACEScct"])
def test_nan_and_inf_become_finite_and_are_told(name: str) -> None:
    found = space(name)
    rgb = np.array([[np.nan, 0.5, 0.5], [np.inf, -np.inf, 0.5], [65504, -65504, 0.1]], np.float32)
    assert finite_mask(rgb).tolist() == [False, False, True]
    encoded = found.encode(rgb)
    assert np.isfinite(encoded).all()
    assert np.array_equal(encoded[1, :2], found.encode(np.array([65504, -65504, 0.5], np.float32))[:2])


def test_names_are_found_in_any_case_as_alias_and_as_role() -> None:
    assert space("acescg").name == space("ACES - ACEScg").name == space("scene_linear").name == "ACEScg"
    assert space("SRGB").name == "srgb"
    assert space("ACEScg").why == "asked for"


def test_an_unknown_name_brings_close_ones() -> None:
    with pytest.raises(ColourError, match="ACEScg"):
        space("ACESgc")
    with pytest.raises(ColourError, match="cineon"):
        space("cinneon")


@pytest.mark.parametrize("name", ["Rec.1886 Rec.2020 - Display", "ADX16", "ACEScc"])
def test_a_space_that_loses_values_is_refused(name: str) -> None:
    with pytest.raises(ColourError, match="loses values"):
        space(name)


def test_data_is_no_colour() -> None:
    with pytest.raises(ColourError, match="data"):
        space("Raw")


P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)


@pytest.mark.parametrize(
    ("suffix", "dtype", "metadata", "name", "why"),
    [
        (".exr", "float16", {}, "linear", "EXR"),
        (".EXR", "float32", {}, "linear", "EXR"),
        (".exr", "float16", {"oiio:ColorSpace": "lin_ap1_scene"}, "ACEScg", "lin_ap1_scene"),
        (".exr", "float16", {"oiio:ColorSpace": "ACEScct"}, "ACEScct", "ACEScct"),
        (".exr", "float16", {"oiio:ColorSpace": "lin_rec709_scene"}, "linear", "lin_rec709_scene"),
        (".exr", "float16", {"oiio:ColorSpace": "no such thing"}, "linear", "EXR"),
        (".exr", "float16", {"chromaticities": AP1}, "ACEScg", "chromaticities"),
        (".exr", "float16", {"chromaticities": P3}, "Linear P3-D65", "chromaticities"),
        (".exr", "float16", {"chromaticities": (0.5,) * 8}, "linear", "no known space"),
        (".png", "uint8", {"oiio:ColorSpace": "srgb_rec709_scene"}, "srgb", "srgb_rec709_scene"),
        (".png", "uint16", {"oiio:ColorSpace": "g22_rec709_scene"}, "srgb", "integer"),
        (".tif", "uint16", {}, "srgb", "integer"),
        (".tif", "float32", {}, "linear", "float"),
        (".jpg", "uint8", {}, "srgb", "integer"),
        (".cin", "uint16", {}, "cineon", "Cineon"),
        (".dpx", "uint16", {"dpx:Transfer": "Printing density"}, "cineon", "printing density"),
        (
            ".dpx",
            "uint16",
            {"dpx:Transfer": "Logarithmic", "oiio:BitsPerSample": 12},
            "cineon",
            "logarithmic",
        ),
        (".dpx", "uint16", {"dpx:Transfer": "Linear"}, "linear", "linear"),
        (".dpx", "uint16", {"dpx:Transfer": "ITU-R 709-4"}, "srgb", "ITU-R 709-4"),
        (".dpx", "uint16", {"dpx:Transfer": "Undefined", "oiio:BitsPerSample": 10}, "cineon", "10-bit"),
        (".dpx", "uint8", {"oiio:BitsPerSample": 8}, "srgb", "8-bit"),
    ],
)
def test_auto_goes_by_what_the_file_says(
    suffix: str, dtype: str, metadata: dict[str, Any], name: str, why: str
) -> None:
    found = resolve("auto", metadata=metadata, path_suffix=suffix, dtype=dtype)
    assert found.name == name
    assert why in found.why


def test_the_users_config_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.ocio"
    config.write_text(
        """ocio_profile_version: 2
roles: {default: raw, scene_linear: mine}
file_rules: [!<Rule> {name: Default, colorspace: default}]
displays: {d: [!<View> {name: v, colorspace: raw}]}
colorspaces:
  - !<ColorSpace> {name: raw, isdata: true}
  - !<ColorSpace> {name: mine}
  - !<ColorSpace>
    name: half as bright
    to_scene_reference: !<MatrixTransform> {matrix: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]}
"""
    )
    monkeypatch.setenv("OCIO", str(config))
    found = space("half as bright")
    stored = np.array([[0.25, 0.1, 0.4]], np.float32)
    assert np.allclose(found.encode(stored), space("linear").encode(stored * 2), atol=1e-5)
    with pytest.raises(ColourError, match="no colour space 'ACEScg'"):
        space("ACEScg")


def test_a_config_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", str(tmp_path / "none.ocio"))
    with pytest.raises(ColourError, match=r"none\.ocio"):
        space("ACEScg")
    assert space("linear").name == "linear"
