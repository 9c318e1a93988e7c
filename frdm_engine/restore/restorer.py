"""The restorer: one frame from its window, with any frame size in bounded device memory.

The walk of a frame: encode (once a frame, kept while the window slides), align, find what is broad in the small frame
and take it back, find damage and what belongs there tile by tile, blend, then matte and composite. Everything here is
in model encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frdm_engine.errors import DeviceError, MaskError, SettingError
from frdm_engine.model.checkpoint import Loaded, load
from frdm_engine.model.denoiser import CLASSES, LOCAL, NOWHERE, FilmRestorer
from frdm_engine.model.frame_fusion import Box
from frdm_engine.model.small import shrink
from frdm_engine.restore.device import choose_device, fast_precision
from frdm_engine.restore.finishing import Looked, Masks, Restored
from frdm_engine.restore.global_residual import Global, broad_mattes, low_resolution, mend
from frdm_engine.restore.kept import Kept
from frdm_engine.restore.matte import worth_filling
from frdm_engine.restore.plans import Plans, at_once, plan_of, plans_of
from frdm_engine.restore.scouting import Found, look_around, marked, seen_by_scout
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.side_by_side import MOST, side_by_side
from frdm_engine.restore.tiles import Held, coarse_motions
from frdm_engine.restore.window import Encoded, Picture, encode, halved, is_repeat, to_planes, window_frames
from frdm_engine.tiling import SMALLEST_TILE, Blender, Plan

T = TypeVar("T")


class Restorer:
    """Restores frames of one shot; keeps what it has encoded while the window slides.

    Examples:
        >>> restorer = Restorer.from_pretrained()                      # doctest: +SKIP
        >>> restorer.restore({1: a, 2: b, 3: c}, 2).picture            # doctest: +SKIP
    """

    def __init__(self, loaded: Loaded, *, device: torch.device, settings: Settings | None = None) -> None:
        self.loaded, self.device = loaded, device
        self.settings = settings or Settings()
        self.model: FilmRestorer = loaded.model.to(device, memory_format=torch.channels_last).eval()
        self.precision = fast_precision(device)
        self.everywhere = False
        """Whether to look at every tile, whatever the scout says: slower, and hardly ever another result."""
        self.notes: list[str] = []
        """What the user should know about how it went, a smaller plan for lack of memory for example."""
        self.pulse: Callable[[], None] = lambda: None
        """Called before each piece of work on the device, a tile at most: what it raises ends the frame there."""
        self.kept = Kept()
        """What was made of frames while the window slid over them."""

    @classmethod
    def from_pretrained(
        cls, model: str | Path = "frdm-s", *, device: str = "auto", settings: Settings | None = None
    ) -> Restorer:
        """Loads an embedded model by name, or a model folder.

        Raises:
            CheckpointError: no such model, or its tensors do not fit.
            DeviceError: no such device.
        """
        return cls(load(model), device=choose_device(device), settings=settings)

    @property
    def reach(self) -> int:
        """How many frames on each side can have a say: twice the radius, as repeated frames are passed over, and what
        stays in its place shows better from farther off."""
        return 2 * self.model.limits.radius

    @property
    def steps(self) -> int:
        """Sampling steps in force."""
        return self.settings.steps or self.model.limits.default_steps

    def plan(self, width: int, height: int) -> Plan:
        """How a frame of this size is cut under the settings' tile and memory.

        Raises:
            DeviceError: it does not fit.
            SettingError: the tile makes no sense.
        """
        return plan_of(width, height, self.model.limits, self.settings)

    def forget(self) -> None:
        """Drops what is kept of earlier frames: call it at a cut, or when frame numbers change their meaning."""
        self.kept = Kept()

    def restore(
        self,
        window: Mapping[int, Picture],
        frame: int,
        *,
        view: str = "",
        protect: Picture | None = None,
        force: Picture | None = None,
        usable: npt.NDArray[np.bool_] | None = None,
    ) -> Restored:
        """Restores ``frame`` from the frames of its shot at hand, each (H, W, 3) float32 in model encoding.

        Only frames within ``reach`` count. ``protect`` and ``force`` (H, W) in 0..1; ``usable`` (H, W) is False
        where a pixel holds no finite value and must stay. ``view`` keeps what is encoded of stereo views apart.
        On a CPU pictures are kept while the window passes over them, not copied: change none before ``forget``.

        Raises:
            SettingError: the frame is missing from the window, or sizes differ.
            MaskError: a mask has another size than the frame.
            DeviceError: out of memory even with the smallest tiles.
        """
        return self.look(window, frame, Masks(protect, force, usable), view=view).finish()

    def look(self, window: Mapping[int, Picture], frame: int, masks: Masks, *, view: str = "") -> Looked:
        """The device's part of ``restore``, with all its errors; what is left asks no device."""
        picture = self._checked(window, frame)
        for name, mask in vars(masks).items():
            if mask is not None and mask.shape != picture.shape[:2]:
                raise MaskError(f"{name} is {mask.shape}, frame {frame} is {picture.shape[:2]}; make it that size.")
        return self._within_memory(window, frame, view, masks)

    def _checked(self, window: Mapping[int, Picture], frame: int) -> Picture:
        if frame not in window:
            raise SettingError(f"Frame {frame} is not among the frames given; pass it and its neighbours.")
        picture = window[frame]
        for number, other in window.items():
            if other.shape != picture.shape or other.dtype != np.float32 or other.ndim != 3 or other.shape[2] != 3:
                raise SettingError(
                    f"Frame {number} is {other.shape} {other.dtype}, frame {frame} is {picture.shape}; "
                    "all frames of a window must be (H, W, 3) float32 of one size."
                )
        return picture

    def _within_memory(self, window: Mapping[int, Picture], frame: int, view: str, masks: Masks) -> Looked:
        """Samples the frame; out of memory makes a smaller plan, and says so (C4)."""
        while True:
            plans = self._plans(window[frame])
            try:
                with self._computing():
                    return self._sample(window, self._order(window, frame, view), frame, view, plans, masks)
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                self.forget()
                largest = max(plans[0].window_width, plans[0].window_height)
                multiple = self.model.limits.multiple
                smaller = max(largest // 2 // multiple * multiple, SMALLEST_TILE)
                if smaller >= largest:
                    raise DeviceError(
                        f"Frame {frame} does not fit {self.device} even in tiles of {largest} pixels ({error}); "
                        "free memory there, restore a smaller frame or use another --device."
                    ) from error
                self.settings = replace(self.settings, tile=smaller)
                self.notes.append(
                    f"frame {frame}: {self.device} ran out of memory with tiles of {largest} pixels; "
                    f"went on with tiles of {smaller}"
                )

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """No gradients, and the precision that the device is quick in."""
        half = self.precision == torch.bfloat16
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            yield

    def _order(self, window: Mapping[int, Picture], frame: int, view: str) -> tuple[int, ...]:
        """The frames that serve as the window, repeats passed over."""

        def repeats(a: int, b: int) -> bool:
            pair = (view, min(a, b), max(a, b))
            if pair not in self.kept.repeats:
                self.kept.repeats[pair] = is_repeat(window[a], window[b])
            return self.kept.repeats[pair]

        known = self.kept.repeats
        self.kept.repeats = {pair: known[pair] for pair in known if pair[1] >= frame - self.reach}
        return window_frames(frame, self.model.limits.radius, window, repeats)

    def _sample(
        self,
        window: Mapping[int, Picture],
        order: tuple[int, ...],
        frame: int,
        view: str,
        plans: Plans,
        masks: Masks,
    ) -> Looked:
        if not self._asks_for_tiles(masks):
            whole = self._whole(window, order, frame, view)
            classes, base = self._mended(window[frame], whole, masks)
            return self._looked(frame, window[frame], base, classes, Found.nothing(base), 0.0, masks)
        encoded, whole = self._prepared(window, order, frame, view, plans)
        works: list[Callable[[], tuple[Picture, Picture] | Tensor | None]] = [
            partial(self._mended, window[frame], whole, masks),
            *(work for size in encoded for work in coarse_motions(size)),
        ]
        mended, *motion = self._at_once(works, plans[0])
        classes, base = cast(tuple[Picture, Picture], mended)
        centre = None if base is window[frame] else to_planes(base, self.device)
        held = self._held(plans, encoded, cast(list[Tensor | None], motion), whole, centre, frame)
        if masks.force is not None:
            named = np.asarray(masks.force, np.float32)[..., None]
            held = replace(held, force=to_planes(named, self.device))
        found, sampled = self._scouted(held, base, masks.force) or self._everywhere(held)
        return self._looked(frame, window[frame], base, classes, found, sampled, masks)

    def _looked(
        self,
        frame: int,
        picture: Picture,
        base: Picture,
        classes: Picture,
        found: Found,
        sampled: float,
        masks: Masks,
    ) -> Looked:
        return Looked(
            frame,
            base=base,
            shared=base is picture,
            classes=classes,
            found=found,
            sampled=sampled,
            settings=self.settings,
            masks=masks,
        )

    def _asks_for_tiles(self, masks: Masks) -> bool:
        """Whether anything is to be mended that tiles show; what is broad is found in the small frame alone."""
        asked = self.settings.strength > 0 and any(name in self.settings.fix for name in CLASSES[:LOCAL])
        return asked or masks.force is not None

    def _plans(self, picture: Picture) -> Plans:
        """How the frame is cut, and the frame from afar, where dirt is asked for: nothing else is looked for there."""
        height, width = picture.shape[:2]
        plans = plans_of(width, height, self.model.limits, self.settings)
        return plans if "dirt" in self.settings.fix else plans[:1]

    def _held(
        self,
        plans: Plans,
        encoded: Sequence[Sequence[Encoded]],
        motion: Sequence[Tensor | None],
        whole: Global,
        centre: Tensor | None,
        frame: int,
    ) -> Held:
        """A frame on the device, looked at from afar already. ``encoded``: the window at each of its sizes; ``motion``:
        of all these windows; ``centre``: the frame with what is broad taken back, None where nothing is."""
        middle = len(encoded[0]) // 2
        centres = [size[middle].planes for size in encoded] if centre is None else [centre]
        for smaller in plans[len(centres) :]:
            centres.append(halved(centres[-1], 2 * smaller.height, 2 * smaller.width))
        held: Held | None = None
        for size in reversed(range(len(plans))):
            held = Held(
                self.model,
                plans[size],
                encoded[size],
                motion[2 * middle * size : 2 * middle * (size + 1)],
                whole,
                centres[size],
                None,
                None if held is None else self._from_afar(held),
                frame,
                self.settings.seed,
                1 if size else self.steps,
                NOWHERE if size else worth_filling(self.settings.strength),
            )
        assert held is not None  # noqa: S101 - a frame has a plan
        return held

    def _from_afar(self, held: Held) -> Tensor:
        """Logits (1, 1, h, w) of dirt in a frame at half its size, or less."""
        dirt = self._everywhere(held)[0].logits[:1]
        return torch.from_numpy(dirt)[None].to(self.device)

    def _mended(self, picture: Picture, whole: Global, masks: Masks) -> tuple[Picture, Picture]:
        """Mattes of all classes, those of what is broad filled in, and the picture with that taken back."""
        height, width = picture.shape[:2]
        classes = np.zeros((len(CLASSES), height, width), np.float32)
        broad = broad_mattes(
            whole.guide,
            whole.change,
            height,
            width,
            fix=self.settings.fix,
            strength=self.settings.strength,
            protect=masks.protect,
            usable=masks.usable,
            out=classes[LOCAL:],
        )
        return classes, mend(picture, whole.guide, broad)

    def _scouted(self, held: Held, base: Picture, force: Picture | None) -> tuple[Found, float] | None:
        """What is found around what the scout and the artist point at, and the share of the tiles looked at
        for it; None where all of them come cheaper, or there is no scout."""
        scout = None if self.everywhere else self.model.scout
        if scout is None:
            return None
        self.pulse()
        logits = scout(seen_by_scout(held.window, held.motion))[0, 0].float().cpu().numpy()

        def look(box: Box) -> Picture:
            self.pulse()
            out: Picture = held.look(box)[0].float().cpu().numpy()
            return out

        strength = self.settings.strength
        cells = marked(held.plan, logits, strength, force)
        return look_around(held.plan, cells, look, strength=strength, base=base)

    def _everywhere(self, held: Held) -> tuple[Found, float]:
        """What is found in all tiles."""
        fill, logits = Blender(held.plan, channels=3), Blender(held.plan, channels=LOCAL)
        for tile, made in zip(held.plan.tiles, self._looks(held), strict=True):
            values = made[0].float().cpu().numpy()
            fill.add(tile, values[:3])
            logits.add(tile, values[3:])
        return Found(fill.result(), logits.result()), 1.0

    def _looks(self, held: Held) -> Iterator[Tensor]:
        """What all tiles hold, in their order."""
        boxes = [(tile.wx0, tile.wy0, tile.wx1, tile.wy1) for tile in held.plan.tiles]
        return self._at_once([partial(held.look, box) for box in boxes], held.plan)

    def _at_once(self, works: Sequence[Callable[[], T]], plan: Plan) -> Iterator[T]:
        """What works on pieces of a frame come to, in their order; on a CPU as many at once as the memory has room."""
        count = 1
        if self.device.type == "cpu":
            count = max(min(len(works), torch.get_num_threads(), at_once(plan, self.settings), MOST), 1)
        return side_by_side(works, count=count, inside=self._computing, pulse=self.pulse)

    def _prepared(
        self, window: Mapping[int, Picture], order: tuple[int, ...], frame: int, view: str, plans: Plans
    ) -> tuple[list[list[Encoded]], Global]:
        """The window on the device at each of its sizes, what is not kept of earlier frames encoded, and what is broad
        in its frame."""
        earlier, kept = self.kept.encoded.get(view, (plans, {}))
        kept = {n: e for n, e in kept.items() if min(order) <= n <= max(order)} if earlier == plans else {}
        self.kept.encoded[view] = (plans, kept)
        due = {number: to_planes(window[number], self.device) for number in sorted(set(order) - set(kept))}
        whole, made = self._begun(window, order, frame, view, plans, list(due.values()))
        kept |= zip(due, made, strict=True)
        return [[kept[number][size] for number in order] for size in range(len(plans))], whole

    def _encoded(self, planes: Tensor, plans: Plans) -> tuple[Encoded, ...]:
        """A frame encoded at each of its sizes."""
        out = [encode(self.model, planes, plans[0], pulse=self.pulse)]
        for smaller in plans[1:]:
            half = halved(out[-1].planes, 2 * smaller.height, 2 * smaller.width)
            out.append(encode(self.model, half, smaller, pulse=self.pulse))
        return tuple(out)

    def _begun(
        self,
        window: Mapping[int, Picture],
        order: tuple[int, ...],
        frame: int,
        view: str,
        plans: Plans,
        due: Sequence[Tensor],
    ) -> tuple[Global, list[tuple[Encoded, ...]]]:
        """What is broad in a frame, and some frames encoded: neither waits for the other."""
        works: list[Callable[[], Global | tuple[Encoded, ...]]] = [partial(self._whole, window, order, frame, view)]
        works += [partial(self._encoded, planes, plans) for planes in due]
        whole, *encoded = self._at_once(works, plans[0])
        return cast(Global, whole), cast(list[tuple[Encoded, ...]], encoded)

    def _whole(self, window: Mapping[int, Picture], order: tuple[int, ...], frame: int, view: str) -> Global:
        """What is broad in the frame: from the small frames of its window, and of all others within reach."""
        near = [number for number in sorted(window) if abs(number - frame) <= self.reach]
        size, kept = self.kept.small.get(view, (window[frame].shape, {}))
        kept = {n: small for n, small in kept.items() if n in near} if size == window[frame].shape else {}
        self.kept.small[view] = window[frame].shape, kept
        for number in near:
            if number not in kept:
                kept[number] = shrink(to_planes(window[number], self.device), self.model.limits.small_side)
        beyond = [kept[number] for number in near if number not in order]
        return low_resolution(self.model, [kept[number] for number in order], beyond)

    def rehearse(self, window: Mapping[int, Picture], frame: int) -> Callable[[], None]:
        """The device's work on a frame, to be timed: each call encodes one frame and looks where `restore` does.

        The window lies on the device beforehand; nothing is read, kept, blended or composited.
        """
        plans = self._plans(window[frame])

        def work() -> None:
            with self._computing():
                if "" in self.kept.small:  # of the window's small frames one is new, too
                    self.kept.small[""][1].pop(max(self.kept.small[""][1]))
                whole, [newest] = self._begun(window, order, frame, "", plans, [encoded[0][-1].planes])
                sizes = [[new if e is size[-1] else e for e in size] for size, new in zip(encoded, newest, strict=True)]
                works = [work for size in sizes for work in coarse_motions(size)]
                held = self._held(plans, sizes, list(self._at_once(works, plans[0])), whole, None, frame)
                if self._scouted(held, window[frame], None) is None:
                    for _ in self._looks(held):
                        pass

        order = self._order(window, frame, "")
        with self._computing():
            encoded, _ = self._prepared(window, order, frame, "", plans)
        return work

    def lesson(self, window: Mapping[int, Picture], frame: int) -> tuple[Tensor, Restored]:
        """What the scout sees of a frame (1, C, H/2, W/2), and the frame freed of dirt and scratches, for its training.

        Every tile is looked at for it.
        """
        before, self.settings, self.everywhere = self.settings, replace(self.settings, fix=CLASSES[:LOCAL]), True
        try:
            with self._computing():
                plans = self._plans(window[frame])
                [held, *_], _ = self._prepared(window, self._order(window, frame, ""), frame, "", plans)
                seen = seen_by_scout(held, list(self._at_once(coarse_motions(held), plans[0])))
            return seen, self.restore(window, frame)
        finally:
            self.settings, self.everywhere = before, False


def _out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out; torch has no class of its own for that of a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
