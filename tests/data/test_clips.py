"""Clean windows from small generated footage."""

import copy
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from frdm_engine.data import footage
from frdm_engine.data.clips import ClipLibrary, Sampling, read_frames, resized
from frdm_engine.data.footage import Footage, find_cuts, read_manifest, stored_size
from frdm_engine.data.frames import Pixels, iterate_frames, natural_key
from frdm_engine.errors import InputError

FREE, RESEARCH, VALIDATION = (40, 160, 60), (200, 40, 40), (40, 60, 210)
"""One hue per origin, so that a leak shows in the pixels."""


def _picture(colour: tuple[int, int, int], step: int, *, height: int = 150, width: int = 200) -> Pixels:
    """A coloured field with darker stripes that moves with `step`."""
    x = np.arange(width)[None, :, None] + 3 * step
    y = np.arange(height)[:, None, None]
    shade = 0.75 + 0.25 * np.sin(x / 5) * np.sin(y / 7)
    return np.clip(np.array(colour) * shade, 0, 255).astype(np.uint8)


def _save(path: Path, picture: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def _manifest(root: Path, rows: list[tuple[str, str]]) -> None:
    with (root / "MANIFEST.tsv").open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, delimiter="\t", lineterminator="\r\n")
        table.writerow(["path", "class", "width", "height", "files", "frames", "licence", "repository", "source"])
        for path, kind in rows:
            table.writerow([path, kind, 200, 150, 12, 12, f"licence of {Path(path).name}", "", ""])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "footage"
    for step in range(12):
        _save(root / f"train/video/meadow/f{step}.png", _picture(FREE, step))
        _save(root / f"train/video/bought/f{step}.png", _picture(RESEARCH, step))
        _save(root / f"val/video/held/f{step}.png", _picture(VALIDATION, step))
    _save(root / "train/images/stills/b.png", _picture(FREE, 0, height=200, width=260))
    _save(root / "train/images/stills/a.png", _picture(FREE, 9, height=260, width=200))
    rows = [
        ("train/video/meadow", "free"),
        ("train/video/bought", "research"),
        ("train/images/stills", "free"),
    ]
    _manifest(root, [*rows, ("val/video/held", "free"), ("train/video/../../val/video/held", "free")])
    return root


PLAIN = Sampling(objects_on_video=0.0, objects_on_still=0.0)


@pytest.mark.parametrize("size", [(64, 96), (96, 64), (48, 48)])
def test_window_shape_and_range(root: Path, size: tuple[int, int]) -> None:
    library = ClipLibrary.open(root)
    rng = np.random.default_rng(1)
    for _ in range(20):
        window = library.window(rng, length=5, height=size[0], width=size[1])
        assert window.shape == (5, *size, 3)
        assert window.dtype == np.float32
        assert window.flags.c_contiguous
        assert window.min() >= 0
        assert window.max() <= 1


def test_same_generator_same_windows(root: Path, tmp_path: Path) -> None:
    held, mapped = ClipLibrary.open(root), ClipLibrary.open(root, cache=tmp_path / "cache")
    for seed in range(12):
        first = held.window(np.random.default_rng(seed), length=3, height=48, width=64)
        second = mapped.window(np.random.default_rng(seed), length=3, height=48, width=64)
        np.testing.assert_array_equal(first, second)
    other = held.window(np.random.default_rng(99), length=3, height=48, width=64)
    assert not np.array_equal(first, other)


def test_only_the_classes_asked_for_and_never_validation(root: Path) -> None:
    library = ClipLibrary.open(root)
    assert library.names == ["train/video/meadow", "train/images/stills/a.png", "train/images/stills/b.png"]
    for source in library.sources:
        mean = source.pixels.reshape(-1, 3).mean(axis=0)
        assert mean.argmax() == 1, source.name
    both = ClipLibrary.open(root, classes=("free", "research"))
    assert [name for name in both.names if "val" in name] == []
    assert "train/video/bought" in both.names


def test_summary_names_every_source_with_its_licence(root: Path) -> None:
    summary = ClipLibrary.open(root).summary()
    assert [entry["frames"] for entry in summary] == [12, 1, 1]
    assert [entry["kind"] for entry in summary] == ["video", "still", "still"]
    assert {entry["licence"] for entry in summary} == {"licence of meadow", "licence of stills"}


def test_a_second_open_decodes_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    first = ClipLibrary.open(root, cache=cache)
    monkeypatch.setattr(footage, "iterate_frames", None)
    second = ClipLibrary.open(root, cache=cache)
    assert second.summary() == first.summary()
    assert [source.shots for source in second.sources] == [source.shots for source in first.sources]
    assert isinstance(second.sources[0].pixels, np.memmap)


def test_an_interrupted_cache_is_taken_up_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    with monkeypatch.context() as patch:

        def broken(path: Path) -> Iterator[Pixels]:
            if path.name == "b.png":
                raise KeyboardInterrupt
            return iterate_frames(path)

        patch.setattr(footage, "iterate_frames", broken)
        with pytest.raises(KeyboardInterrupt):
            ClipLibrary.open(root, cache=cache)
    done = {entry.name: entry.stat().st_mtime_ns for entry in cache.iterdir()}
    assert len(done) == 4
    # A source whose facts never arrived is decoded again, even where its pixels did.
    (cache / "train-images-stills-a.png.json").unlink()
    library = ClipLibrary.open(root, cache=cache)
    assert len(library.sources) == 3
    kept = cache / "train-video-meadow.npy"
    assert kept.stat().st_mtime_ns == done[kept.name]
    assert not list(cache.glob("*.part"))


def test_changed_footage_is_decoded_again(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ClipLibrary.open(root, cache=cache)
    _save(root / "train/video/meadow/f12.png", _picture(FREE, 12))
    assert ClipLibrary.open(root, cache=cache).summary()[0]["frames"] == 13


def test_damaged_facts_are_ignored(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ClipLibrary.open(root, cache=cache)
    for entry in cache.glob("*.json"):
        entry.write_text(json.dumps(["nonsense"]) if "meadow" in entry.name else "{", encoding="utf-8")
    assert len(ClipLibrary.open(root, cache=cache).sources) == 3


def test_mapped_pixels_stay_behind_when_sent_to_a_worker(root: Path, tmp_path: Path) -> None:
    library = ClipLibrary.open(root, cache=tmp_path / "cache")
    library.window(np.random.default_rng(0), length=3, height=48, width=64)
    arrived = copy.deepcopy(library)  # Copies by the same state that travels to another process.
    assert all("_pixels" not in vars(source) or vars(source)["_pixels"] is None for source in arrived.sources)
    expected = library.window(np.random.default_rng(3), length=3, height=48, width=64)
    np.testing.assert_array_equal(arrived.window(np.random.default_rng(3), length=3, height=48, width=64), expected)


def test_windows_do_not_cross_a_cut(tmp_path: Path) -> None:
    for step in range(16):
        colour = (230, 230, 230) if step < 8 else (30, 30, 30)
        _save(tmp_path / f"train/video/cut/f{step}.png", _picture(colour, step))
    _manifest(tmp_path, [("train/video/cut", "free")])
    library = ClipLibrary.open(tmp_path, sampling=PLAIN)
    assert library.sources[0].shots == ((0, 8), (8, 16))
    rng = np.random.default_rng(0)
    for _ in range(40):
        means = library.window(rng, length=4, height=48, width=64).mean(axis=(1, 2, 3))
        assert np.ptp(means) < 0.1


def test_fast_motion_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    steady = np.cumsum(rng.normal(0, 0.1, (20, 16, 24, 3)), axis=0).astype(np.float32)
    assert find_cuts(steady) == []
    steady[11:] += 1.0
    assert find_cuts(steady) == [11]


def test_monochrome_comes_as_often_as_promised(root: Path) -> None:
    library = ClipLibrary.open(root, sampling=PLAIN)
    rng = np.random.default_rng(5)
    windows = [library.window(rng, length=1, height=32, width=32) for _ in range(150)]
    grey = [np.ptp(window, axis=-1).max() < 1e-3 for window in windows]
    assert 0.12 < np.mean(grey) < 0.4


def test_stills_are_single_frames_of_videos_too(root: Path) -> None:
    frozen = Sampling(objects_on_video=0.0, objects_on_still=0.0, stills=1.0, frozen=1.0, shaded=0.0, boiling=0.0)
    library = ClipLibrary.open(root, sampling=frozen)
    kinds = []
    film = library._from_still

    def watched(rng: np.random.Generator, source: Footage, **size: Any) -> Pixels:
        kinds.append(source.kind)
        return film(rng, source, **size)

    library._from_still = watched  # type: ignore[method-assign]
    for seed in range(6):
        assert library.window(np.random.default_rng(seed), length=20, height=48, width=64).shape == (20, 48, 64, 3)
    assert kinds == ["video"] * 6  # twelve frames are enough for a window of twenty: one of them is animated


def test_without_videos_stills_stand_in_for_them(root: Path) -> None:
    library = ClipLibrary.open(root, sampling=Sampling(stills=1.0, frozen=1.0))
    library.sources = [source for source in library.sources if source.kind == "still"]
    assert library.window(np.random.default_rng(0), length=3, height=48, width=64).shape == (3, 48, 64, 3)


@pytest.mark.parametrize("kind", ["video", "still"])
def test_a_whole_frame_shows_most_of_its_source(root: Path, kind: str) -> None:
    """Of a ramp across the picture a piece spans little, the whole frame made small most."""
    library = ClipLibrary.open(root, sampling=Sampling(shaded=0.0, pan_on_video=0.0))
    source = next(source for source in library.sources if source.kind == kind)
    ramp = np.linspace(0, 255, source.shape[2]).astype(np.uint8)[None, None, :, None]
    source._pixels = np.ascontiguousarray(np.broadcast_to(ramp, (*source.shape[:3], 3)))
    film = library._from_still if kind == "still" else library._from_video

    def seen(*, whole: bool) -> list[float]:
        """Shares of the ramp that a dozen windows span, as far as their shape lets them."""
        room = min(1.0, source.shape[1] / source.shape[2] * 40 / 30)
        return [
            np.ptp(film(np.random.default_rng(n), source, length=3, height=30, width=40, whole=whole)[1]) / 255 / room
            for n in range(12)
        ]

    assert max(seen(whole=False)) < 0.6
    assert np.mean(seen(whole=True)) > 1.5 * np.mean(seen(whole=False))
    assert max(seen(whole=True)) > 0.85


def test_only_whole_frames_made_small_are_varied(root: Path) -> None:
    def windows(*, whole: bool, share: float) -> list[Any]:
        library = ClipLibrary.open(root, sampling=Sampling(varied=share, laid_over=share))
        return [library.window(np.random.default_rng(n), length=3, height=40, width=48, whole=whole) for n in range(8)]

    assert all(map(np.array_equal, windows(whole=False, share=0.0), windows(whole=False, share=1.0)))
    assert not any(map(np.array_equal, windows(whole=True, share=0.0), windows(whole=True, share=1.0)))


def test_windows_too_large_are_refused(root: Path) -> None:
    with pytest.raises(InputError, match=r"400x300.*smaller windows"):
        ClipLibrary.open(root).window(np.random.default_rng(0), length=5, height=300, width=400)


@pytest.mark.parametrize("length", [12, 13])
def test_length_is_bounded_by_the_shot(root: Path, length: int) -> None:
    library = ClipLibrary.open(root, sampling=Sampling(stills=0.0))
    window = library.window(np.random.default_rng(0), length=length, height=48, width=64)
    assert len(window) == length  # The longer one is an animated still.


def test_manifest_errors(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"MANIFEST\.tsv does not exist"):
        read_manifest(tmp_path / "nowhere", classes=("free",))
    with pytest.raises(InputError, match="class public-domain"):
        read_manifest(root, classes=("public-domain",))
    _manifest(root, [("train/video/gone", "free")])
    with pytest.raises(InputError, match="gone is in the manifest but does not exist"):
        ClipLibrary.open(root)
    (root / "MANIFEST.tsv").write_text("path\tclass\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the column licence"):
        ClipLibrary.open(root)


def test_compressed_video_is_shrunk(tmp_path: Path) -> None:
    path = tmp_path / "train/video/clip.mp4"
    path.parent.mkdir(parents=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 24, (200, 150))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no mp4")
    for step in range(8):
        writer.write(cv2.cvtColor(_picture(FREE, step), cv2.COLOR_RGB2BGR))
    writer.release()
    _manifest(tmp_path, [("train/video/clip.mp4", "free")])
    library = ClipLibrary.open(tmp_path, cache=tmp_path / "cache")
    assert library.sources[0].shape == (8, 100, 133)
    assert library.window(np.random.default_rng(0), length=5, height=48, width=64).shape == (5, 48, 64, 3)
    frames = read_frames(path, limit=3)
    assert [frame.shape for frame in frames] == [(150, 200, 3)] * 3
    assert np.abs(frames[2].astype(int) - _picture(FREE, 2)).mean() < 8


@pytest.mark.parametrize(
    ("width", "height", "kind", "compressed", "expected"),
    [
        (1280, 720, "video", True, (720, 405)),
        (540, 960, "video", True, (360, 640)),
        (854, 480, "video", False, (640, 360)),
        (1920, 1080, "video", True, (960, 540)),
        (1600, 1066, "still", False, (1280, 853)),
        (481, 321, "still", False, (361, 241)),
    ],
)
def test_stored_size(width: int, height: int, kind: str, compressed: bool, expected: tuple[int, int]) -> None:
    assert stored_size(width, height, kind=kind, compressed=compressed) == expected


def test_long_sources_are_kept_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "MOST_FRAMES", 12)
    monkeypatch.setattr(footage, "BLOCK_FRAMES", 4)
    for step in range(30):
        _save(tmp_path / f"train/video/long/f{step}.png", np.full((40, 60, 3), 4 * step, np.uint8))
    _manifest(tmp_path, [("train/video/long", "free")])
    source = ClipLibrary.open(tmp_path).sources[0]
    assert source.shots == ((0, 4), (4, 8), (8, 12))
    assert (source.pixels[:, 5, 5, 0] // 4).tolist() == [0, 1, 2, 3, 13, 14, 15, 16, 26, 27, 28, 29]


def test_frames_come_in_natural_order(tmp_path: Path) -> None:
    names = ["f10.png", "f9.png", "f1.png", "F2.png", "f010b.png", "f100.png"]
    ordered = sorted(names, key=natural_key)
    assert ordered == ["f1.png", "F2.png", "f9.png", "f10.png", "f010b.png", "f100.png"]
    for value, name in enumerate(ordered):
        _save(tmp_path / name, np.full((8, 10, 3), 30 * value, np.uint8))
    (tmp_path / "notes.txt").write_text("not a frame", encoding="utf-8")
    assert [int(frame[0, 0, 0]) for frame in read_frames(tmp_path)] == [0, 30, 60, 90, 120, 150]


def test_read_frames_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_frames(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no JPEG or PNG"):
        read_frames(tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as an image"):
        read_frames(tmp_path / "text")
    _save(tmp_path / "mixed" / "a.png", np.zeros((8, 10, 3), np.uint8))
    _save(tmp_path / "mixed" / "b.png", np.zeros((8, 12, 3), np.uint8))
    with pytest.raises(InputError, match="10x8 and 12x8"):
        read_frames(tmp_path / "mixed")


def test_resizing_keeps_mean_and_does_not_alias() -> None:
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 200
    small = resized(stripes, width=66, height=66)
    assert small.mean() == pytest.approx(100, abs=2)
    assert small[5:-5, 5:-5].std() < stripes.std() / 2
