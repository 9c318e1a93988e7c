"""A packed data set: within its size, the same bytes every time, and footage again when opened."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.packing import STRETCH, open_data, open_pack, template_licence, write_pack
from frdm_engine.errors import InputError, SettingError

LIMIT = 400_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two long videos and a still, free, one of another class, and a few templates."""
    root = tmp_path_factory.mktemp("footage")
    rows = ["path\tclass\tlicence"]
    for number, kind in enumerate(("free", "free", "research")):
        folder = root / f"train/video/v{number}"
        folder.mkdir(parents=True)
        noise = np.random.default_rng(number).random((96, 128, 3))
        picture = np.clip(128 + 500 * (cv2.GaussianBlur(noise, (0, 0), 2) - 0.5), 0, 255).astype(np.uint8)
        for step in range(60):
            cv2.imwrite(str(folder / f"{step}.png"), np.roll(picture, 2 * step, axis=1))
        rows.append(f"train/video/v{number}\t{kind}\tCC-{number}")
    (root / "train/images/s").mkdir(parents=True)
    cv2.imwrite(str(root / "train/images/s/a.png"), picture)
    rows.append("train/images/s\tfree\tCC0")
    for number in range(20):
        folder = root / "train/templates" / ("dots" if number % 2 else "hair")
        folder.mkdir(parents=True, exist_ok=True)
        shape = np.random.default_rng(number).integers(0, 255, (300, 200)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), shape)
    rows.append("train/templates\tfree\tCC-T")
    (root / "MANIFEST.tsv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def library(root: Path) -> ClipLibrary:
    return ClipLibrary.open(root)


def test_the_limit_holds_by_fewer_stretches(library: ClipLibrary, root: Path, tmp_path: Path) -> None:
    whole = write_pack(library, tmp_path / "whole.zip", limit=50_000_000, templates=root / "train/templates")
    assert (whole.stretches, whole.frames) == (whole.most_stretches, 2 * 4 * STRETCH + 1)
    assert whole.templates == whole.all_templates == 20
    less = write_pack(library, tmp_path / "less.zip", limit=LIMIT, templates=root / "train/templates")
    assert less.size == (tmp_path / "less.zip").stat().st_size <= LIMIT
    assert less.size > 0.5 * LIMIT
    assert 2 <= less.stretches < whole.stretches
    assert 1 <= less.templates < 20


def test_the_same_footage_gives_the_same_bytes(library: ClipLibrary, root: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_pack(library, tmp_path / name, limit=LIMIT, templates=root / "train/templates")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_pack_opens_as_the_footage_it_was(library: ClipLibrary, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    write_pack(library, path, limit=LIMIT, templates=root / "train/templates", template_licence="CC-T")
    opened, shapes = open_pack(path, cache=tmp_path / "cache")
    assert opened.names == library.names
    assert [source.licence for source in opened.sources] == ["CC-0", "CC-1", "CC0"]
    assert shapes is not None
    assert shapes.kinds == ("dots", "hair")
    with zipfile.ZipFile(path) as pack:
        facts = json.loads(pack.read("pack.json"))
        assert facts["templates"]["licence"] == "CC-T"
    for source, held, listed in zip(library.sources, opened.sources, facts["sources"], strict=True):
        assert held.shots[-1][1] == held.shape[0] == len(held.pixels)
        for (first, stop), (begin, end) in zip(held.shots, listed["taken"], strict=True):
            was = source.pixels[begin:end].astype(float)
            assert np.abs(held.pixels[first:stop] - was).mean() < 3
    window = opened.window(np.random.default_rng(0), length=5, height=48, width=64)
    assert window.shape == (5, 48, 64, 3)


def test_a_pack_is_unpacked_once(library: ClipLibrary, tmp_path: Path) -> None:
    path, cache = tmp_path / "p.zip", tmp_path / "cache"
    write_pack(library, path, limit=LIMIT)
    assert open_pack(path, cache=cache)[1] is None
    made = {file: file.stat().st_mtime_ns for file in cache.rglob("*.npy")}
    assert len(made) == 3
    open_pack(path, cache=cache)
    assert made == {file: file.stat().st_mtime_ns for file in cache.rglob("*.npy")}


def test_data_is_a_pack_or_a_folder(library: ClipLibrary, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    write_pack(library, path, limit=LIMIT)
    packed, _ = open_data(path, classes=("free",), cache=tmp_path / "cache")
    folder, shapes = open_data(root, classes=("free",), cache=None)
    assert packed.names == folder.names
    assert shapes is not None
    with pytest.raises(InputError, match="cache folder"):
        open_data(path, classes=("free",), cache=None)


def test_the_licence_of_templates_goes_by_class(root: Path) -> None:
    assert template_licence(root, classes=("free",)) == "CC-T"
    assert template_licence(root, classes=("research",)) is None


def test_what_is_no_pack_is_refused(library: ClipLibrary, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="too little"):
        write_pack(library, tmp_path / "p.zip", limit=90_000)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="does not exist"):
        open_pack(tmp_path / "none.zip", cache=tmp_path)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(InputError, match="no pack"):
        open_pack(tmp_path / "text.zip", cache=tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as pack:
        pack.writestr("pack.json", '{"version": 9}')
    with pytest.raises(InputError, match="version 9"):
        open_pack(tmp_path / "other.zip", cache=tmp_path)
