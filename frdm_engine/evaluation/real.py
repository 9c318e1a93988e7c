"""Real film, which has no truth: what can be counted without one, and crops to look at.

A spike is a luma outside the range of both motion-compensated neighbours: dirt, mostly. Archive transfers repeat
photographs, dirt and all, so neighbours are the nearest *different* photographs, chosen as the restorer does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from frdm_engine.data.frames import list_frames, read_image
from frdm_engine.evaluation.cases import Clip, find_clips, read
from frdm_engine.evaluation.flow import flow
from frdm_engine.evaluation.motion import changed_away_from_spikes, level_flicker, spikes
from frdm_engine.evaluation.picture import Array, Mask, Pool, changed, dilate
from frdm_engine.evaluation.sheets import Crop, place, window
from frdm_engine.evaluation.tables import Column, Table, Unit, finite
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.plates import Shots, find_cuts, small_frame
from frdm_engine.plates.shots import CUT_THRESHOLD, difference
from frdm_engine.restore.finishing import Restored
from frdm_engine.restore.matte import opacity
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.window import is_repeat, window_frames

MOST_REPAIRED, FASTEST = 5, 3
"""Crops of a sheet: those with most matte and those with fastest motion, from different frames as far as they go."""
RADIUS = 2
FLICKER = CLASSES.index("flicker")


@dataclass(frozen=True)
class Film:
    """Film to look at: a clip, or ``still``: pictures that have nothing to do with each other."""

    name: str
    clip: Clip
    still: bool


@dataclass(frozen=True)
class Look:
    """What was counted on one film. Shares are of 1; None where there is no telling.

    ``spikes_before``, ``spikes_after``: share of pixels; ``away_changed``: of pixels away from spikes, those changed;
    ``away_repaired``: of these pixels, those that any repair but that of flicker reaches;
    ``flicker_before``, ``flicker_after``: deviation of the steps of mean luma, codes; ``repairs``: a frame.
    """

    name: str
    still: bool
    frames: int
    repeated: int
    changed: float | None
    spikes_before: float | None
    spikes_after: float | None
    away_changed: float | None
    away_repaired: float | None
    flicker_before: float | None
    flicker_after: float | None
    repairs: float
    seconds: float

    @property
    def spikes_left(self) -> float | None:
        """Spikes after over spikes before."""
        if self.spikes_before is None or self.spikes_after is None or not self.spikes_before:
            return None
        return self.spikes_after / self.spikes_before


def find_film(paths: Sequence[Path]) -> list[Film]:
    """The films that paths mean; folders whose pictures differ in size, or each from the next, are stills.

    Raises:
        InputError: a path is missing or holds nothing to look at.
    """
    return [Film(clip.name, clip, _is_still(clip)) for clip in find_clips(paths)]


def _is_still(clip: Clip) -> bool:
    if not clip.path.is_dir():
        return False
    pictures = [np.asarray(read_image(path), np.float32) / np.float32(255) for path in list_frames(clip.path)[:8]]
    if len({picture.shape for picture in pictures}) > 1 or len(pictures) == 1:
        return True
    small = [small_frame(picture) for picture in pictures]
    return all(difference(a, b) >= CUT_THRESHOLD for a, b in pairwise(small))


def look(film: Film, restorer: Restorer, *, frames: int) -> tuple[Look, list[Crop]]:
    """Restore the middle ``frames`` of a film as `frdm restore` would, count, and choose crops to look at.

    Raises:
        FrdmError: a frame cannot be read or restored.
    """
    restorer.forget()
    return _look_at_stills(film, restorer, frames) if film.still else _look_at_clip(film, restorer, frames)


@dataclass(frozen=True)
class _Seen:
    """One restored frame: its name for the reader, and how fast each pixel moves (H, W), if that is known.

    ``again``: it repeats the photograph before it, and there is nothing new to look at.
    """

    name: str
    before: Array
    restored: Restored
    speed: Array | None
    again: bool = False


def _look_at_stills(film: Film, restorer: Restorer, frames: int) -> tuple[Look, list[Crop]]:
    seen, share, seconds = [], Pool(), 0.0
    for path in list_frames(film.clip.path)[:frames]:
        picture = np.asarray(read_image(path), np.float32) / np.float32(255)
        began = time.perf_counter()
        restored = restorer.restore({0: picture}, 0)
        seconds += time.perf_counter() - began
        restorer.forget()
        seen.append(_Seen(path.stem, picture, restored, None))
        share += changed(restored.picture, picture, where=_everywhere(picture), over=0)
    counted = Look(
        name=film.name, still=True, frames=len(seen), repeated=0, changed=share.mean, spikes_before=None,
        spikes_after=None, away_changed=None, away_repaired=None, flicker_before=None, flicker_after=None,
        repairs=float(np.mean([_repairs(one.restored) for one in seen])), seconds=seconds / len(seen),
    )  # fmt: skip
    return counted, _crops(film, seen)


def _look_at_clip(film: Film, restorer: Restorer, frames: int) -> tuple[Look, list[Crop]]:
    clip, reach = film.clip, restorer.reach
    taken = min(clip.length, frames + 2 * reach)
    first = (clip.length - taken) // 2
    pictures = read(clip, first, taken)
    small = [small_frame(picture) for picture in pictures]
    shots = Shots(find_cuts(range(taken), small=lambda n: small[n]))
    margin = max(0, (taken - frames) // 2)
    inner = range(margin, taken - margin)[:frames]
    repeats = {n: is_repeat(pictures[n - 1], pictures[n]) for n in range(1, taken)}

    seen: list[_Seen] = []
    share, before, after, away, repaired = Pool(), Pool(), Pool(), Pool(), Pool()
    seconds = 0.0
    for number in inner:
        members = shots.window(number, radius=reach, frames=range(taken))
        near = {n: pictures[n] for n in members}
        began = time.perf_counter()
        restored = restorer.restore(near, number)
        seconds += time.perf_counter() - began
        picture = pictures[number]
        share += changed(restored.picture, picture, where=_everywhere(picture), over=0)
        sides = _different(number, near)
        speed = None
        if sides is not None:
            marked = spikes(np.stack([sides[0], picture, sides[1]]), 1)
            left = spikes(np.stack([sides[0], restored.picture, sides[1]]), 1)
            before += Pool(float(marked.sum()), marked.size)
            after += Pool(float(left.sum()), left.size)
            away += changed_away_from_spikes(restored.picture, picture, marked)
            reached = opacity(restored.mattes[:FLICKER])[~dilate(marked, radius=3)] > 0
            repaired += Pool(float(reached.sum()), reached.size)
            speed = np.linalg.norm(flow(picture, sides[0], median=5), axis=-1).astype(np.float32)
        seen.append(_Seen(f"frame {first + number + 1}", picture, restored, speed, repeats.get(number, False)))
    # Steps of level are told within shots alone.
    same = [shots.shot_of(n) == shots.shot_of(inner[len(inner) // 2]) for n in inner]
    source = np.stack([one.before for one, use in zip(seen, same, strict=True) if use])
    result = np.stack([one.restored.picture for one, use in zip(seen, same, strict=True) if use])
    counted = Look(
        name=film.name,
        still=False,
        frames=len(seen),
        repeated=sum(repeats.get(n, False) for n in inner),
        changed=share.mean,
        spikes_before=before.mean,
        spikes_after=after.mean,
        away_changed=away.mean,
        away_repaired=repaired.mean,
        flicker_before=level_flicker(source),
        flicker_after=level_flicker(result),
        repairs=float(np.mean([_repairs(one.restored) for one in seen])),
        seconds=seconds / len(seen),
    )
    return counted, _crops(film, seen)


def _different(number: int, near: dict[int, Array]) -> tuple[Array, Array] | None:
    """The nearest different photographs before and after a frame; None where the shot has none on a side."""
    order = window_frames(number, RADIUS, near, lambda a, b: is_repeat(near[a], near[b]))
    before, after = order[RADIUS - 1], order[RADIUS + 1]
    return (near[before], near[after]) if before < number < after else None


def _everywhere(picture: Array) -> Mask:
    return np.ones(picture.shape[:2], np.bool_)


def _repairs(restored: Restored) -> int:
    """How many connected pieces were repaired."""
    return int(cv2.connectedComponents((restored.alpha > 0).astype(np.uint8), connectivity=8)[0]) - 1


def _crops(film: Film, seen: Sequence[_Seen]) -> list[Crop]:
    """Where the matte is largest, and where motion is fastest; a frame lends one place to each unless there are few."""
    repaired = [None if one.again else one.restored.alpha for one in seen]
    speeds = [None if one.again else one.speed for one in seen]
    chosen = _places(repaired, MOST_REPAIRED)
    # A frame no larger than a crop has but one place, which may be both.
    fast = _places(speeds, FASTEST, taken=chosen) or _places(speeds, 1)
    made = []
    for why, places in (("most repaired", chosen), ("fastest", fast)):
        for index, y, x in sorted(places):
            one = seen[index]
            part = window((y, x), one.before.shape[:2])
            made.append(
                Crop(film.name, one.name, x, y, why, one.before[part], one.restored.picture[part],
                     one.restored.mattes[(slice(None), *part)])
            )  # fmt: skip
    return made


def _places(
    weights: Sequence[Array | None], count: int, *, taken: Sequence[tuple[int, int, int]] = ()
) -> list[tuple[int, int, int]]:
    """The ``count`` heaviest places (frame, y, x), from as many frames as there are."""
    found: list[tuple[int, int, int]] = []
    while len(found) < count:
        used = {index for index, _, _ in found}
        usable = sum(weight is not None for weight in weights)
        best = []
        for index, weight in enumerate(weights):
            if weight is None or (index in used and len(used) < usable):
                continue
            spot = place(weight, [(y, x) for at, y, x in (*taken, *found) if at == index])
            if spot is not None:
                best.append((spot[0], index, spot[1], spot[2]))
        if not best:
            return found
        _, index, y, x = max(best)
        found.append((index, y, x))
    return found


@dataclass(frozen=True)
class RealReport:
    """All films, and what made them. ``model``: name and hash."""

    looks: tuple[Look, ...]
    command: str
    machine: str
    version: str
    model: tuple[str, str]

    def table(self) -> Table:
        """A row a film, and the mean over films that move."""
        columns: list[tuple[str, Unit]] = [
            ("film", "text"), ("frames", "pixels"), ("of them repeats", "pixels"), ("changed", "share"),
            ("spikes before", "share"), ("spikes after", "share"), ("spikes left", "ratio"),
            ("changed away from spikes", "share"), ("flicker aside", "share"), ("flicker before", "codes"),
            ("flicker after", "codes"),
            ("repairs a frame", "pixels"),
        ]  # fmt: skip
        rows = [(look.name + (" (stills)" if look.still else ""), *self._cells(look)) for look in self.looks]
        moving = [self._cells(look) for look in self.looks if not look.still]
        if moving:
            means = []
            for cells in zip(*moving, strict=True):
                known = [cell for cell in cells if cell is not None]
                means.append(float(np.mean(known)) if known else None)
            rows.append(("**mean of films that move**", *means))
        says = (
            "Spikes: luma outside the range of both motion-compensated neighbours (the nearest different photographs) "
            "by more than 14/255. Spikes left: area after over area before. Changed away from spikes: by more than "
            "1/255, more than 3 pixels from any spike of the input; flicker aside: of these pixels, those that a "
            "repair of dirt, scratches or stains reaches at all. Flicker: deviation of the steps of mean luma, in "
            "codes of 255."
        )
        return Table("real", "Real film", says, tuple(Column(name, unit) for name, unit in columns), tuple(rows))

    def _cells(self, look: Look) -> tuple[float | None, ...]:
        def codes(value: float | None) -> float | None:
            return None if value is None else 255 * value

        return (
            float(look.frames), float(look.repeated), look.changed, look.spikes_before, look.spikes_after,
            look.spikes_left, look.away_changed, look.away_repaired, codes(look.flicker_before),
            codes(look.flicker_after), look.repairs,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Everything, as plain data."""
        looks = [
            {item.name: getattr(look, item.name) for item in fields(look)} | {"spikes_left": finite(look.spikes_left)}
            for look in self.looks
        ]
        return {
            "frdm": self.version,
            "model": {"name": self.model[0], "sha256": self.model[1]},
            "command": self.command,
            "machine": self.machine,
            "table": self.table().plain(),
            "films": looks,
        }

    def markdown(self) -> str:
        """The report for a reader, with the sheets."""
        parts = [
            "# Real film\n",
            f"```sh\n{self.command}\n```\n",
            f"FRDM {self.version}, model {self.model[0]}, sha256 {self.model[1]}; {self.machine}.\n",
            self.table().markdown(),
        ]
        parts += [
            f"## {look.name}\n\n![{look.name}: input, result, matte, difference]({look.name}.png)\n"
            for look in self.looks
        ]
        return "\n".join(parts)

    def describe(self) -> str:
        """The means in one line a film."""
        lines = []
        for look in self.looks:
            left = "no telling" if look.spikes_left is None else f"{look.spikes_left:.2f}"
            away = "no telling" if look.away_changed is None else f"{100 * look.away_changed:.2f} %"
            aside = "no telling" if look.away_repaired is None else f"{100 * look.away_repaired:.2f} %"
            lines.append(f"{look.name}: spikes left {left}, changed away from spikes {away}, flicker aside {aside}")
        return "\n".join(lines)
