"""The restorer: one frame from its window, with any frame size in bounded device memory.

The walk of a frame: encode (once a frame, kept while the window slides), align, restore small, find damage and
restore tile by tile, blend, then matte and composite. Everything here is in model encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from frdm_engine.errors import DeviceError, MaskError, SettingError
from frdm_engine.model.checkpoint import Loaded, load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.frame_fusion import Motion, gather_evidence, move_features, pair_motion, quarter_flow
from frdm_engine.model.guide import Guide
from frdm_engine.model.small import grow
from frdm_engine.restore.global_residual import Global, low_resolution, sample
from frdm_engine.restore.grain import add_missing, measure
from frdm_engine.restore.matte import LOW, mattes, opacity, probability
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.window import Encoded, Picture, encode, is_repeat, noise_like, window_frames
from frdm_engine.tiling import SMALLEST_TILE, Blender, Plan, Tile, plan

BYTES_PER_WINDOW_PIXEL = 2600.0
"""Device bytes per pixel of a tile's window: the widest activations, float32, with what the kernels ask beside."""
BYTES_PER_FRAME_PIXEL = 300.0
"""Device bytes per pixel of the frame: five frames, their features and maps, motion."""
FIXED_BYTES = 400 * 2**20


@dataclass(frozen=True)
class Restored:
    """A restored frame, model encoding. picture (H, W, 3); mattes (4, H, W) opacity per class; alpha (H, W) of all.

    ``picture`` equals the input where ``alpha`` is 0. ``sampled`` is the share of tiles that needed work.
    """

    picture: Picture
    mattes: Picture
    alpha: Picture
    sampled: float


def choose_device(name: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as a device.

    Raises:
        DeviceError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"--device {name} is no device; use auto, cpu or cuda:N.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"--device {name}: this machine shows {torch.cuda.device_count()} CUDA devices; use cpu.")
    return device


def fast_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes it fast, else float32. One of the things that decide the pixels."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    cpu = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else ""
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if cpu.startswith("AVX512") and has else torch.float32


class Restorer:
    """Restores frames of one shot; keeps what it has encoded while the window slides.

    >>> restorer = Restorer.from_pretrained()                      # doctest: +SKIP
    >>> restorer.restore({1: a, 2: b, 3: c}, 2).picture            # doctest: +SKIP
    """

    def __init__(self, loaded: Loaded, *, device: torch.device, settings: Settings | None = None) -> None:
        self.loaded, self.device = loaded, device
        self.settings = settings or Settings()
        self.model: FilmRestorer = loaded.model.to(device, memory_format=torch.channels_last).eval()
        self.precision = fast_precision(device)
        self.notes: list[str] = []
        """What the user should know about how it went, a smaller plan for lack of memory for example."""
        self.pulse: Callable[[], None] = lambda: None
        """Called before each piece of work on the device, a tile at most: what it raises ends the frame there."""
        self._kept: dict[str, tuple[Plan, dict[int, Encoded]]] = {}
        self._repeats: dict[tuple[str, int, int], bool] = {}

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
        """How many frames on each side can have a say: twice the radius, as repeated frames are passed over."""
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
        limits = self.model.limits
        return plan(
            width,
            height,
            tile=self.settings.tile,
            halo=limits.halo,
            multiple=limits.multiple,
            budget_bytes=self.settings.vram,
            bytes_per_pixel=BYTES_PER_WINDOW_PIXEL,
            fixed_bytes=FIXED_BYTES + int(BYTES_PER_FRAME_PIXEL * width * height),
        )

    def forget(self) -> None:
        """Drops what is kept of earlier frames: call it at a cut, or when frame numbers change their meaning."""
        self._kept.clear()
        self._repeats.clear()

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

        Raises:
            SettingError: the frame is missing from the window, or sizes differ.
            MaskError: a mask has another size than the frame.
            DeviceError: out of memory even with the smallest tiles.
        """
        picture = self._checked(window, frame)
        for name, mask in (("protect", protect), ("force", force), ("usable", usable)):
            if mask is not None and mask.shape != picture.shape[:2]:
                raise MaskError(f"{name} is {mask.shape}, frame {frame} is {picture.shape[:2]}; make it that size.")
        blended, guide, sampled = self._within_memory(window, frame, view, picture.shape[1], picture.shape[0])
        clean, logits = blended[:3].transpose(1, 2, 0), blended[3:]
        settings = self.settings
        level, flicker = _full_size(guide, *picture.shape[:2])
        classes = mattes(
            logits,
            flicker=flicker,
            fix=settings.fix,
            strength=settings.strength,
            protect=protect,
            force=force,
            usable=usable,
        )
        mended = self._composite(picture, clean, level, classes, frame)
        return Restored(mended, classes, opacity(classes), sampled)

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

    def _within_memory(
        self, window: Mapping[int, Picture], frame: int, view: str, width: int, height: int
    ) -> tuple[Picture, Guide, float]:
        """Samples the frame; out of memory makes a smaller plan, and says so (C4)."""
        half = self.precision == torch.bfloat16
        while True:
            plan = self.plan(width, height)
            try:
                with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                    return self._sample(window, self._order(window, frame, view), frame, view, plan)
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                self.forget()
                largest = max(plan.window_width, plan.window_height)
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

    def _order(self, window: Mapping[int, Picture], frame: int, view: str) -> tuple[int, ...]:
        """The frames that serve as the window, repeats passed over."""

        def repeats(a: int, b: int) -> bool:
            pair = (view, min(a, b), max(a, b))
            if pair not in self._repeats:
                self._repeats[pair] = is_repeat(window[a], window[b])
            return self._repeats[pair]

        self._repeats = {pair: known for pair, known in self._repeats.items() if pair[1] >= frame - self.reach}
        return window_frames(frame, self.model.limits.radius, window, repeats)

    def _sample(
        self, window: Mapping[int, Picture], order: tuple[int, ...], frame: int, view: str, plan: Plan
    ) -> tuple[Picture, Guide, float]:
        """Clean frame and logits (7, H, W), the guide, and the share of tiles with work."""
        earlier, kept = self._kept.get(view, (plan, {}))
        kept = {n: e for n, e in kept.items() if min(order) <= n <= max(order)} if earlier == plan else {}
        self._kept[view] = (plan, kept)
        for number in sorted(set(order) - set(kept)):
            kept[number] = encode(self.model, window[number], plan, self.device, pulse=self.pulse)
        encoded = [kept[number] for number in order]
        motion = self._motion(encoded)
        settings = self.settings
        whole = low_resolution(
            self.model, [e.small for e in encoded], seed=settings.seed, frame=frame, steps=self.steps
        )
        blender = Blender(plan, channels=7)
        worked = 0
        for tile in plan.tiles:
            self.pulse()
            values = self._tile(tile, plan, encoded, motion, whole, frame)
            worked += bool((probability(values[3:], settings.strength) > LOW).any())
            blender.add(tile, values)
        return blender.result(), whole.guide, worked / len(plan.tiles)

    def _motion(self, encoded: list[Encoded]) -> Motion:
        """Alignment of the window, neighbour by neighbour: memory stays that of one pair."""
        middle = len(encoded) // 2
        pairs = []
        for other in encoded[:middle] + encoded[middle + 1 :]:
            self.pulse()
            pairs.append(pair_motion(encoded[middle].planes, other.planes))
        return Motion(torch.cat([p.flow for p in pairs], dim=1), torch.cat([p.doubt for p in pairs], dim=1))

    def _tile(
        self,
        tile: Tile,
        plan: Plan,
        encoded: list[Encoded],
        motion: Motion,
        whole: Global,
        frame: int,
    ) -> Picture:
        """Clean frame and logits (7, h, w) of one window."""
        box = (tile.wx0, tile.wy0, tile.wx1, tile.wy1)
        evidence = gather_evidence([e.planes for e in encoded], motion, [e.columns for e in encoded], box)
        corner = (tile.wx0 // 4, tile.wy0 // 4)
        flow = quarter_flow(motion)[..., tile.wy0 // 4 : tile.wy1 // 4, tile.wx0 // 4 : tile.wx1 // 4]
        scale = torch.tensor((plan.width, plan.height, plan.width, plan.height), device=self.device)
        place = (torch.tensor(box, device=self.device) / scale)[None]
        look = self.model.look(
            evidence,
            move_features([e.features for e in encoded], flow, at=corner),
            residual=grow(whole.guide.correction, plan.window_height, plan.window_width, place),
            seen=grow(whole.guide.found, plan.window_height // 2, plan.window_width // 2, place),
            box=place,
            prompt=whole.prompt,
        )
        noise = noise_like(evidence.centre, seed=self.settings.seed, frame=frame, x=tile.wx0, y=tile.wy0, stream=0)
        found = sample(self.model, look, noise, self.steps)
        return torch.cat((found.fill, found.logits), dim=1)[0].float().cpu().numpy()

    def _composite(self, picture: Picture, clean: Picture, level: Picture, classes: Picture, frame: int) -> Picture:
        """The picture with repairs laid in under their mattes; a copy of it where these are 0.

        Flicker changes the level of what is there, all else gives way to the clean frame.
        """
        out = picture.copy()
        local, even = opacity(classes[:3]), classes[3]
        lit = even > 0
        out[lit] += even[lit][:, None] * level[lit]
        touched = local > 0
        if not touched.any():
            return out
        grain = measure(picture, ~touched)
        if grain is not None:
            seed, amount = self.settings.seed, self.settings.grain
            clean = add_missing(np.ascontiguousarray(clean), local, grain, amount=amount, seed=seed, frame=frame)
        share = local[touched][:, None]
        out[touched] += share * (clean[touched] - out[touched])
        return out


def _out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out; torch has no class of its own for that of a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _full_size(guide: Guide, height: int, width: int) -> tuple[Picture, Picture]:
    """The guide's level (H, W, 3) and flicker (H, W) at the frame's size."""
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=guide.level.device)
    grown = grow(torch.cat((guide.level, guide.flicker), dim=1), height, width, whole)[0].float().cpu().numpy()
    return grown[:3].transpose(1, 2, 0), grown[3]
