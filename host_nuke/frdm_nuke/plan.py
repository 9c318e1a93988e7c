"""Which frames have to be made: what the records vouch for is not done again. Plain data and files, in any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, Mapping, Set, Tuple

from frdm_nuke import ranges
from frdm_nuke.cache import Cache
from frdm_nuke.fingerprint import Upstream, digest
from frdm_nuke.settings import Wish


@dataclass(frozen=True)
class Above:
    """What lies above each input that is connected: `plate`, and masks by their names."""

    inputs: Mapping[str, Upstream]


@dataclass(frozen=True)
class ViewPlan:
    """One view of a restoration."""

    view: str
    cache: Cache
    wish: Wish
    above: Above

    def lacking(self) -> Tuple[int, ...]:
        """The wanted frames that have no result, or one made of something else."""
        return tuple(frame for frame in self.wish.frames if not self.is_fresh(frame))

    def is_fresh(self, frame: int) -> bool:
        """Whether a frame's result is there and made of what is there now, as far as can be seen from here."""
        record = self.cache.record("result", frame)
        reach = record.get("reach")
        if not isinstance(reach, int) or not self.cache.file("matte", frame).is_file():
            return False
        now = self.made_of(frame, reach)
        return all(record.get(name) == value for name, value in now.items())

    def stale(self, frames: Iterable[int]) -> Tuple[int, ...]:
        """Those of the frames that have a result made of something else."""
        return tuple(frame for frame in sorted(frames) if not self.is_fresh(frame))

    def made_of(self, frame: int, reach: int) -> Dict[str, Any]:
        """What a frame's result is made of, for its record."""
        plate = self.above.inputs["plate"]
        seen = [plate.at(near, self.view) for near in ranges.window(frame, reach, self.span(frame))]
        masks = {name: self.above.inputs[name].at(frame, self.view) for name in self.wish.masks}
        return {"reach": reach, "above": digest([seen, masks]), "settings": self.wish.digest}

    def span(self, frame: int) -> Tuple[int, int]:
        """Where a frame's window ends: at the ends of the plate, or at the frame itself where it lies beyond them."""
        return min(self.wish.span[0], frame), max(self.wish.span[1], frame)

    def part_of(self, role: str, frame: int) -> Dict[str, Any]:
        """What a rendered frame of the plate or of a mask is made of, for its record."""
        channel = dict(zip(self.wish.masks, self.wish.mask_channels)).get(role, "")
        return {"above": self.above.inputs[role].at(frame, self.view), "pixels": self.wish.pixels, "channel": channel}

    def unrendered(self, role: str, frames: Iterable[int]) -> Tuple[int, ...]:
        """The frames of the plate or of a mask that must be rendered."""
        out = []
        for frame in sorted(frames):
            record, now = self.cache.record(role, frame), self.part_of(role, frame)
            if not all(record.get(name) == value for name, value in now.items()):
                out.append(frame)
        return tuple(out)

    def out_of_place(self, frames: Iterable[int], reach: int) -> Set[int]:
        """Frames of the plate that an earlier run may have left where these frames would wrongly see them."""
        wrong: Set[int] = set()
        for frame in frames:
            first, last = self.span(frame)
            wrong.update(range(frame - reach, first))
            wrong.update(range(last + 1, frame + reach + 1))
        return wrong
