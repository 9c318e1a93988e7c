"""Files in and out: every bit kept, damaged and absurd files refused, nothing half-written left behind."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest

from frdm_engine.errors import OutputError, PlateError
from frdm_engine.plates.exr import Part, read_parts, write_parts
from tests.plates.conftest import WriteFile, any_bits, bits, header, read_file

H, W = 24, 40


def attributes(spec: Any) -> dict[str, Any]:
    # OpenImageIO stamps files without a date, and counts chunks of multi-part files.
    ours = ("DateTime", "openexr:chunkCount")
    return {item.name: (str(item.type), item.value) for item in spec.extra_attribs if item.name not in ours}


def assert_same_file(first: Path, second: Path) -> None:
    one, other = read_file(first), read_file(second)
    assert len(one) == len(other)
    for (spec, planes), (again, copies) in zip(one, other, strict=True):
        assert attributes(again) == attributes(spec)
        assert (again.x, again.y, again.width, again.height) == (spec.x, spec.y, spec.width, spec.height)
        assert (again.full_x, again.full_y, again.full_width, again.full_height) == (
            spec.full_x, spec.full_y, spec.full_width, spec.full_height,
        )  # fmt: skip
        assert (again.tile_width, again.tile_height) == (spec.tile_width, spec.tile_height)
        assert list(copies) == list(planes)
        for name, plane in planes.items():
            assert copies[name].dtype == plane.dtype
            assert np.array_equal(bits(copies[name]), bits(plane)), name


def planes(rng: np.random.Generator, names: str, dtype: npt.DTypeLike = np.float16) -> dict[str, npt.NDArray[Any]]:
    return {name: any_bits(rng, dtype, shape=(H, W)) for name in names.split()}


EXR_HEADERS: dict[str, dict[str, Any]] = {
    "none": {"compression": "none"},
    "rle": {"compression": "rle"},
    "zips": {"compression": "zips", "openexr__lineOrder": "decreasingY"},
    "zip": {"compression": "zip"},
    "piz": {"compression": "piz"},
    "tiled": {"tile": (16, 8), "compression": "zip"},
    "negative": {"window": (-7, -5), "display": (0, 0, 64, 48)},
    "overscan": {"window": (-2, -2), "display": (0, 0, 32, 16)},
    "inside, tiled": {"window": (10, 5), "display": (-4, -4, 90, 60), "tile": (32, 32)},
    "metadata": {
        "smpte__TimeCode": ("timecode", (16909124, 2271560481)),
        "smpte__KeyCode": ("keycode", (11, 22, 333333, 4444, 12, 4, 64)),
        "framesPerSecond": ("rational", (24000, 1001)),
        "chromaticities": ("float[8]", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
        "worldToCamera": ("matrix", tuple(float(n) for n in range(16))),
        "nuke/node_hash": "abc", "PixelAspectRatio": 2.0, "whiteLuminance": 100.0, "custom": 5,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", EXR_HEADERS)
def test_exr_comes_through_whole(write_file: WriteFile, rng: np.random.Generator, name: str) -> None:
    first = write_file("a.exr", (planes(rng, "R G B A"), EXR_HEADERS[name]))
    second = first.with_name("b.exr")
    write_parts(second, read_parts(first))
    assert_same_file(first, second)


def test_any_channel_names_and_mixed_types_come_through(write_file: WriteFile, rng: np.random.Generator) -> None:
    mixed = planes(rng, "R G B beauty.R N.x") | planes(rng, "A Z crypto00.R", np.float32) | planes(rng, "u.v")
    first = write_file("a.exr", (mixed, {}))
    parts = read_parts(first)
    kinds = dict(zip(parts[0].names, (str(plane.dtype) for plane in parts[0].planes), strict=True))
    assert (kinds["R"], kinds["Z"], kinds["u.v"]) == ("float16", "float32", "float16")
    write_parts(first.with_name("b.exr"), parts)
    assert_same_file(first, first.with_name("b.exr"))


def test_several_parts_come_through(write_file: WriteFile, rng: np.random.Generator) -> None:
    first = write_file(
        "a.exr",
        (planes(rng, "R G B A"), {"name": "rgba.left", "view": "left", "compression": "zip"}),
        (
            planes(rng, "R G B"),
            {
                "name": "rgba.right",
                "view": "right",
                "window": (-3, 2),
                "display": (0, 0, W, H),
                "compression": "piz",
            },
        ),
        (planes(rng, "Z", np.float32), {"name": "depth", "custom": "kept"}),
        (planes(rng, "id", np.uint32), {"name": "id"}),
    )
    write_parts(first.with_name("b.exr"), read_parts(first))
    assert_same_file(first, first.with_name("b.exr"))


@pytest.mark.parametrize("packing", ["Filled, method A", "Filled, method B", "Packed"])
def test_dpx_codes_timecode_and_keycode_come_through(write_file: WriteFile, packing: str) -> None:
    code = np.arange(1024, dtype=np.uint16).reshape(32, 32)
    stored = (code << 6) | (code >> 4)
    first = write_file(
        "a.dpx",
        (
            {"R": stored, "G": stored.T.copy(), "B": stored[::-1].copy()},
            {
                "oiio__BitsPerSample": 10, "dpx__Packing": packing, "dpx__Transfer": "Printing density",
                "smpte__TimeCode": ("timecode", (16909124, 5)), "dpx__FrameId": "x",
                "smpte__KeyCode": ("keycode", (11, 22, 333333, 4444, 12, 4, 64)), "Copyright": "me",
            },
        ),
    )  # fmt: skip
    parts = read_parts(first)
    assert parts[0].bits == 10
    assert np.array_equal(parts[0].planes[0] >> 6, code)
    write_parts(first.with_name("b.dpx"), parts)
    assert_same_file(first, first.with_name("b.dpx"))
    assert read_file(first.with_name("b.dpx"))[0][0].getattribute("smpte:TimeCode") == (16909124, 5)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("names", ["Y", "Y A", "R G B", "R G B A"])
def test_png_and_tiff_come_through(
    write_file: WriteFile, rng: np.random.Generator, suffix: str, dtype: npt.DTypeLike, names: str
) -> None:
    fields = {"oiio__UnassociatedAlpha": 1} if "A" in names else {}
    first = write_file(f"a.{suffix}", (planes(rng, names, dtype), {"Copyright": "me", **fields}))
    write_parts(first.with_name(f"b.{suffix}"), read_parts(first))
    one, two = read_file(first)[0], read_file(first.with_name(f"b.{suffix}"))[0]
    assert all(np.array_equal(one[1][name], two[1][name]) for name in one[1])
    assert two[0].get_string_attribute("Copyright") == "me"


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_float_tiff_comes_through(write_file: WriteFile, rng: np.random.Generator, dtype: npt.DTypeLike) -> None:
    first = write_file("a.tif", (planes(rng, "R G B", dtype), {}))
    write_parts(first.with_name("b.tif"), read_parts(first))
    one, two = read_file(first)[0][1], read_file(first.with_name("b.tif"))[0][1]
    assert all(np.array_equal(bits(one[name]), bits(two[name])) for name in "RGB")


@pytest.mark.parametrize("depth", [10, 12, 14])
def test_tiff_of_odd_depth_keeps_its_codes(write_file: WriteFile, depth: int) -> None:
    code = np.arange(1 << depth, dtype=np.uint16).reshape(-1, 64)
    first = write_file("a.tif", ({"Y": code << (16 - depth)}, {"oiio__BitsPerSample": depth}))
    parts = read_parts(first)
    assert parts[0].bits == depth
    assert np.array_equal(parts[0].planes[0] >> (16 - depth), code)
    write_parts(first.with_name("b.tif"), parts)
    assert np.array_equal(read_parts(first.with_name("b.tif"))[0].planes[0] >> (16 - depth), code)


@pytest.mark.parametrize("lossy", ["dwaa:200", "dwab", "b44", "b44a"])
def test_lossy_compression_becomes_zip_to_keep_the_pixels(
    write_file: WriteFile, rng: np.random.Generator, lossy: str
) -> None:
    smooth = {name: rng.random((H, W)).astype(np.float16) for name in "RGB"}
    first = write_file("a.exr", (smooth, {"compression": lossy}))
    write_parts(first.with_name("b.exr"), read_parts(first))
    one, two = read_file(first)[0], read_file(first.with_name("b.exr"))[0]
    assert two[0].get_string_attribute("compression") == "zip"
    assert all(np.array_equal(one[1][name], two[1][name]) for name in "RGB")


@pytest.mark.parametrize("suffix", ["exr", "tif", "png", "dpx", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.003, 0.02, 0.3, 0.6, 0.9, 0.97])
def test_truncated_files_are_refused(
    write_file: WriteFile, rng: np.random.Generator, suffix: str, share: float
) -> None:
    noise = {name: rng.integers(0, 255, (60, 80)).astype(np.uint8) for name in "RGB"}
    if suffix == "exr":
        noise = {name: plane.astype(np.float16) for name, plane in noise.items()}
    whole = write_file(f"a.{suffix}", (noise, {})).read_bytes()
    cut = write_file(f"cut.{suffix}", (noise, {}))
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PlateError, match=rf"cut\.{suffix} (is truncated|cannot be read)"):
        read_parts(cut)


@pytest.mark.parametrize("fields", [{}, {"tile": (16, 16)}, {"compression": "piz"}, {"compression": "none"}])
def test_an_exr_short_of_its_last_bytes_is_refused(
    write_file: WriteFile, rng: np.random.Generator, fields: dict[str, Any]
) -> None:
    path = write_file("a.exr", (planes(rng, "R G B"), fields))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PlateError, match="truncated"):
        read_parts(path)


@pytest.mark.parametrize("content", [b"", b"hello" * 100])
@pytest.mark.parametrize("suffix", ["exr", "png", "dpx", "tif", "xyz"])
def test_what_is_no_image_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(PlateError, match=rf"a\.{suffix} cannot be read \(.+\)"):
        read_parts(path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="is not there"):
        read_parts(tmp_path / "a.exr")
    with pytest.raises(PlateError, match="is not there"):
        read_parts(tmp_path)


@pytest.mark.parametrize("far", [(99_999, 7), (7, 99_999), (59_999, 59_999), (29_999, 7_999), (-9, -9)])
def test_an_absurd_exr_header_is_refused_before_memory_is_taken(
    write_file: WriteFile, rng: np.random.Generator, far: tuple[int, int]
) -> None:
    path = write_file("a.exr", (planes(rng, "R G B"), {}))
    data = path.read_bytes()
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    path.write_bytes(data[:at] + struct.pack("<4i", 0, 0, *far) + data[at + 16 :])
    with pytest.raises(PlateError, match=r"a\.exr (claims|cannot be read)"):
        read_parts(path)


@pytest.mark.parametrize("size", [(200_000, 10), (30_000, 8_000), (16_000, 10_000)])
def test_an_absurd_png_header_is_refused_before_memory_is_taken(
    write_file: WriteFile, rng: np.random.Generator, size: tuple[int, int]
) -> None:
    path = write_file("a.png", (planes(rng, "R G B", np.uint8), {}))
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", *size)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(data)
    with pytest.raises(PlateError, match="claims"):
        read_parts(path)


def test_too_many_channels_are_refused(write_file: WriteFile) -> None:
    path = write_file("a.exr", ({f"c{n:04d}": np.zeros((1, 1), np.float16) for n in range(1025)}, {}))
    with pytest.raises(PlateError, match=r"1025 channels|cannot be read"):
        read_parts(path)


def test_deep_images_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.exr"
    spec = oiio.ImageSpec(2, 2, 2, oiio.FLOAT)
    spec.channelnames, spec.deep = ("A", "Z"), True
    samples = oiio.DeepData()
    samples.init(spec)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None
    assert out.open(str(path), spec)
    assert out.write_deep_image(samples)
    assert out.close()
    with pytest.raises(PlateError, match="deep"):
        read_parts(path)


def test_mipmaps_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mip.exr"
    assert oiio.ImageBufAlgo.make_texture(
        oiio.MakeTxTexture, oiio.ImageBuf(oiio.ImageSpec(64, 64, 3, oiio.HALF)), str(path)
    )
    with pytest.raises(PlateError, match="mipmapped"):
        read_parts(path)


def test_integers_among_floats_are_refused_for_they_would_lose_bits(tmp_path: Path) -> None:
    spec = header({"R": np.zeros((4, 4), np.float16), "id": np.zeros((4, 4), np.uint32)})
    out = oiio.ImageOutput.create(str(tmp_path / "a.exr"))
    assert out is not None
    assert out.open(str(tmp_path / "a.exr"), spec)
    assert out.write_image(np.zeros((4, 4, 2), np.float32))
    assert out.close()
    with pytest.raises(PlateError, match=r"32-bit integers \(id\)"):
        read_parts(tmp_path / "a.exr")


def some_part(rng: np.random.Generator) -> Part:
    data = {name: any_bits(rng, np.float16, shape=(20, 20)) for name in "RGB"}
    return Part(header(data), tuple(data.values()))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(OutputError, match=r"nowhere is not there"):
        write_parts(tmp_path / "nowhere" / "a.exr", (some_part(rng),))


def test_an_unknown_suffix_is_refused_and_leaves_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(OutputError, match="known image type"):
        write_parts(tmp_path / "a.xyz", (some_part(rng),))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_file_that_was_there(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.exr"
    target.write_bytes(b"before")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("frdm_engine.plates.exr.os.replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_parts(target, (some_part(rng),))
    assert [path.name for path in tmp_path.iterdir()] == ["a.exr"]
    assert target.read_bytes() == b"before"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
import OpenImageIO as oiio
from frdm_engine.errors import OutputError
from frdm_engine.plates.exr import Part, write_parts

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for suffix, dtype in (("exr", "uint32"), ("tif", "uint8"), ("png", "uint8"), ("dpx", "uint8")):
    noise = np.random.default_rng(0).integers(0, 255, (3, 200, 200)).astype(dtype) * 99
    part = Part(oiio.ImageSpec(200, 200, 3, oiio.TypeDesc(dtype.replace("32", ""))), tuple(noise))
    try:
        write_parts(Path(sys.argv[1]) / f"a.{suffix}", (part,))
    except OutputError as error:
        print(suffix, "free space" in str(error))
"""


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    # PNG is the one that would not notice by itself: the file is read back before it gets its name.
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["exr", "True", "tif", "True", "png", "True", "dpx", "True"]
    assert list(tmp_path.iterdir()) == []
