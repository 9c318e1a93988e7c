"""A data set in one zip file, for a machine that sees nothing else: short stretches of frames, stills, templates.

The pack holds `pack.json` (sources with licence, kind and shots), `frames/SOURCE/NNNNNN.jpg` (already shrunken as
training stores them; JPEG 4:4:4, which kept more detail a byte than WebP 4:2:0 at this quality) and
`templates/KIND/NNNN.png`. The same footage and limit give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.damage import Templates
from frdm_engine.data.clips import ClipLibrary, Sampling
from frdm_engine.data.footage import Footage
from frdm_engine.errors import InputError, SettingError

VERSION = 1
QUALITY = 92
STRETCH = 13
"""Frames: a window of five with every third taken."""
TEMPLATE_SIDE, TEMPLATE_SHARE = 128, 0.12
"""Longest side of a stored template, and the most of a pack that templates may take."""
_ENTRY = 160
"""Bytes the zip itself takes for a file, about."""


@dataclass(frozen=True)
class Packed:
    """What was written."""

    path: Path
    size: int
    sources: int
    stretches: int
    most_stretches: int
    """What the footage would give without a limit."""
    frames: int
    templates: int
    all_templates: int


def write_pack(
    library: ClipLibrary,
    path: Path,
    *,
    limit: int,
    templates: Path | None = None,
    template_licence: str = "unstated",
    quality: int = QUALITY,
) -> Packed:
    """Write `library` and the folder `templates` as one zip of at most `limit` bytes.

    Stills go in once each; of videos as many stretches as fit, spread evenly, each source with one at least.

    Raises:
        SettingError: not even one stretch a source fits.
        InputError: a template cannot be read.
    """
    shapes, all_shapes = _chosen_templates(templates, int(limit * TEMPLATE_SHARE))
    taken = sum(len(data) + _ENTRY for _, data in shapes) + 65536
    encoder = _Encoder(library, quality)
    most = [_most(source) for source in library.sources]
    scale = 1.0
    while True:
        plan = _plan(library.sources, most, scale)
        # The manifest grows with the sources and stretches.
        size = taken + 400 * len(plan) + sum(encoder.size(n, span) for n, spans in enumerate(plan) for span in spans)
        if size <= limit:
            break
        if all(len(spans) <= 1 for spans in plan):
            raise SettingError(
                f"--limit {limit / 2**20:.0f}M is too little: one stretch of every source takes {size / 2**20:.0f} MB; "
                "raise it or name fewer --classes."
            )
        scale *= min(0.98, max(0.5, limit / size))
    licence = {"licence": template_licence, "count": len(shapes)} if shapes else None
    _write(path, library.sources, plan, encoder, shapes, licence)
    videos = [n for n, source in enumerate(library.sources) if source.kind == "video"]
    return Packed(
        path=path,
        size=path.stat().st_size,
        sources=len(library.sources),
        stretches=sum(len(plan[n]) for n in videos),
        most_stretches=sum(most[n] for n in videos),
        frames=sum(stop - first for spans in plan for first, stop in spans),
        templates=len(shapes),
        all_templates=all_shapes,
    )


Span = tuple[int, int]


def _most(source: Footage) -> int:
    if source.kind == "still":
        return 1
    return sum(max(1, (stop - first) // STRETCH) for first, stop in source.shots if stop - first >= 5)


def _plan(sources: list[Footage], most: list[int], scale: float) -> list[list[Span]]:
    """The stretches of every source for a share `scale` of all there are; sources with more to see get more."""
    weights = np.array([np.sqrt(source.distinct + source.shape[0] / 20) for source in sources])
    total = scale * sum(most)
    wanted = np.minimum(most, np.maximum(1, np.floor(weights / weights.sum() * total))).astype(int)
    if scale == 1.0:
        wanted = np.array(most)
    return [_spread(source, int(count)) for source, count in zip(sources, wanted, strict=True)]


def _spread(source: Footage, count: int) -> list[Span]:
    """`count` stretches that do not overlap, even over the source's shots."""
    if source.kind == "still":
        return [(0, 1)]
    slots: list[Span] = []
    for first, stop in source.shots:
        room = stop - first
        if room >= 5:
            here = max(1, room // STRETCH)
            length = min(STRETCH, room)
            slots += [(int(s), int(s) + length) for s in np.linspace(first, stop - length, here).astype(int)]
    if count >= len(slots):
        return slots
    chosen = np.linspace(0, len(slots) - 1, count + 2)[1:-1]
    return [slots[index] for index in sorted({round(float(place)) for place in chosen})]


class _Encoder:
    """Frames as JPEG, each encoded once."""

    def __init__(self, library: ClipLibrary, quality: int) -> None:
        self._sources = library.sources
        self._options = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
            *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
            *(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        ]
        self._sizes: dict[tuple[int, Span], int] = {}

    def data(self, number: int, span: Span) -> Iterator[tuple[int, bytes]]:
        """Frame numbers of a stretch and their files."""
        for frame in range(*span):
            picture = cv2.cvtColor(np.ascontiguousarray(self._sources[number].pixels[frame]), cv2.COLOR_RGB2BGR)
            yield frame, cv2.imencode(".jpg", picture, self._options)[1].tobytes()

    def size(self, number: int, span: Span) -> int:
        """Bytes of a stretch, told from its first, middle and last frame."""
        if (number, span) not in self._sizes:
            probes = sorted({span[0], (span[0] + span[1] - 1) // 2, span[1] - 1})
            sizes = [len(data) for probe in probes for _, data in self.data(number, (probe, probe + 1))]
            mean = sum(sizes) / len(sizes)
            margin = 1.03 if len(probes) < span[1] - span[0] else 1.0
            self._sizes[number, span] = int((margin * mean + _ENTRY) * (span[1] - span[0]))
        return self._sizes[number, span]


def _chosen_templates(folder: Path | None, room: int) -> tuple[list[tuple[str, bytes]], int]:
    """Shrunken shapes as PNG, every kind thinned alike until they fit, and how many there were."""
    if folder is None:
        return [], 0
    kinds = {kind.name: sorted(kind.glob("*.png")) for kind in sorted(folder.iterdir()) if kind.is_dir()}
    files = [(f"templates/{kind}/{path.name}", path) for kind, found in kinds.items() for path in found]
    made = []
    for name, path in files:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise InputError(f"{path} is not an image that can be read: replace or remove it.")
        scale = min(1.0, TEMPLATE_SIDE / max(image.shape))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        made.append((name, cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()))
    total = sum(len(data) + _ENTRY for _, data in made)
    if total > room:
        # Every k-th of the sorted names, so that no kind and no batch of them is lost.
        keep = max(1, int(len(made) * room / total))
        made = [made[round(float(place))] for place in np.linspace(0, len(made) - 1, keep)]
    return made, len(files)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name)


def _write(
    path: Path,
    sources: list[Footage],
    plan: list[list[Span]],
    encoder: _Encoder,
    shapes: list[tuple[str, bytes]],
    templates: dict[str, Any] | None,
) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = []
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as pack:
            for number, (source, spans) in enumerate(zip(sources, plan, strict=True)):
                slug = f"{number:03d}-{_slug(source.name)}"
                edges = [0, *np.cumsum([stop - first for first, stop in spans]).tolist()]
                listed.append(
                    {
                        "name": source.name,
                        "folder": f"frames/{slug}",
                        "licence": source.licence,
                        "kind": source.kind,
                        "height": source.shape[1],
                        "width": source.shape[2],
                        "frames": edges[-1],
                        "shots": list(pairwise(edges)),
                        "distinct": max(1, round(source.distinct * edges[-1] / source.shape[0])),
                        "taken": [list(span) for span in spans],
                    }
                )
                stored = 0
                for span in spans:
                    for _, data in encoder.data(number, span):
                        _put(pack, f"frames/{slug}/{stored:06d}.jpg", data)
                        stored += 1
            for name, data in shapes:
                _put(pack, name, data)
            facts = {"version": VERSION, "sources": listed, "templates": templates}
            _put(pack, "pack.json", (json.dumps(facts, indent=1) + "\n").encode(), zipfile.ZIP_DEFLATED)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _put(pack: zipfile.ZipFile, name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr, entry.compress_type, entry.create_system = 0o644 << 16, method, 3
    pack.writestr(entry, data)


# Opening


def open_pack(path: Path, *, cache: Path, sampling: Sampling | None = None) -> tuple[ClipLibrary, Templates | None]:
    """The footage and templates of a pack, unpacked once into `cache`; later calls map what is there.

    Make the first call before starting workers.

    Raises:
        InputError: the file is no pack, is damaged, or of another version.
    """
    # The whole file decides, but reading it again for every worker would cost seconds.
    facts = path.stat() if path.is_file() else None
    if facts is None:
        raise InputError(f"{path} does not exist: name a pack made by frdm pack, or a folder with MANIFEST.tsv")
    mark = hashlib.sha256(f"{VERSION}:{facts.st_size}:{facts.st_mtime_ns}".encode()).hexdigest()[:12]
    folder = cache / f"{_slug(path.stem)}-{mark}"
    try:
        with zipfile.ZipFile(path) as pack:
            listed = json.loads(pack.read("pack.json"))
            if listed["version"] != VERSION:
                raise InputError(
                    f"{path} has version {listed['version']} and this release reads {VERSION}: pack the footage again"
                )
            folder.mkdir(parents=True, exist_ok=True)
            sources = [_unpack(pack, one, folder) for one in listed["sources"]]
            shapes = _unpack_templates(pack, folder) if listed["templates"] else None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is no pack of footage ({error}): make one with frdm pack") from error
    return ClipLibrary(sources, sampling=sampling), shapes


def _unpack(pack: zipfile.ZipFile, one: dict[str, Any], folder: Path) -> Footage:
    store = folder / f"{Path(one['folder']).name}.npy"
    shape = int(one["frames"]), int(one["height"]), int(one["width"])
    if not store.is_file():
        pixels = np.empty((*shape, 3), np.uint8)
        for frame in range(shape[0]):
            pixels[frame] = _decoded(pack.read(f"{one['folder']}/{frame:06d}.jpg"), one["name"], frame)
        part = store.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as out:
            np.save(out, pixels)
        os.replace(part, store)
    return Footage(
        name=one["name"],
        licence=one["licence"],
        kind=one["kind"],
        shape=shape,
        shots=tuple((first, stop) for first, stop in one["shots"]),
        distinct=int(one["distinct"]),
        fingerprint=folder.name,
        store=store,
    )


def _decoded(data: bytes, name: str, frame: int) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"frame {frame} of {name} cannot be decoded: copy the pack again")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _unpack_templates(pack: zipfile.ZipFile, folder: Path) -> Templates:
    done = folder / "templates" / ".done"
    if not done.is_file():
        for name in pack.namelist():
            parts = Path(name).parts
            if len(parts) == 3 and parts[0] == "templates" and ".." not in parts:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(pack.read(name))
        done.touch()
    return Templates(folder / "templates")


def open_data(data: Path, *, classes: tuple[str, ...], cache: Path | None) -> tuple[ClipLibrary, Templates | None]:
    """Footage and templates of a pack, or of a folder with `MANIFEST.tsv` and perhaps `train/templates`.

    Raises:
        InputError: there is no such footage.
    """
    if data.suffix.lower() == ".zip":
        if cache is None:
            raise InputError(f"{data} must be unpacked somewhere: give a cache folder")
        return open_pack(data, cache=cache)
    folder = data / "train" / "templates"
    return ClipLibrary.open(data, classes=classes, cache=cache), Templates(folder) if folder.is_dir() else None


def template_licence(root: Path, *, classes: tuple[str, ...]) -> str | None:
    """Licence of the templates the manifest lists under one of `classes`, or None if it lists none of them."""
    with (root / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if line["path"] == "train/templates" and line["class"] in classes:
                return line["licence"] or "unstated"
    return None
