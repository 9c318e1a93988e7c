"""How a frame is cut into tiles within the device's memory, at its own size and at those it is seen at from afar."""

from __future__ import annotations

from frdm_engine.model.denoiser import Limits
from frdm_engine.restore.settings import Settings
from frdm_engine.tiling import Plan, plan

Plans = tuple[Plan, ...]
"""The plan of a frame, of the frame at half its size, at a quarter of it and so on, as far as it is looked at so."""

BYTES_PER_WINDOW_PIXEL = 2600.0
"""Device bytes per pixel of a tile's window: the widest activations, float32, with what the kernels ask beside."""
BYTES_PER_FRAME_PIXEL = 173.0
"""Device bytes per pixel of the frame: five frames with their features, pyramids and maps, the mended one, motion, all
of it again at half the size, a quarter and so on."""
FIXED_BYTES = 400 * 2**20

NEAREST = 180
"""Least side in pixels of a frame that is looked at from afar: at half the size of one that was looked at so."""


def fixed_bytes(width: int, height: int) -> int:
    """Device bytes that a frame of that size takes whatever its tiles."""
    return FIXED_BYTES + int(BYTES_PER_FRAME_PIXEL * width * height)


def plan_of(width: int, height: int, limits: Limits, settings: Settings) -> Plan:
    """How a frame of this size is cut under the settings' tile and memory.

    Raises:
        DeviceError: it does not fit.
        SettingError: the tile makes no sense.
    """
    return plan(
        width,
        height,
        tile=settings.tile,
        halo=limits.halo,
        multiple=limits.multiple,
        budget_bytes=settings.vram,
        bytes_per_pixel=BYTES_PER_WINDOW_PIXEL,
        fixed_bytes=fixed_bytes(width, height),
    )


def plans_of(width: int, height: int, limits: Limits, settings: Settings) -> Plans:
    """The plan of a frame and those of what is looked at from afar: half of it, half of that, and so on.

    Raises:
        DeviceError: it does not fit.
        SettingError: the tile makes no sense.
    """
    out = [plan_of(width, height, limits, settings)]
    while min(width, height) >= 2 * NEAREST:
        width, height = (width + 1) // 2, (height + 1) // 2
        out.append(plan_of(width, height, limits, settings))
    return tuple(out)


def at_once(frame: Plan, settings: Settings) -> int:
    """How many tiles of a frame the memory has room for at once."""
    room = settings.vram - fixed_bytes(frame.width, frame.height)
    return int(room // (BYTES_PER_WINDOW_PIXEL * frame.window_width * frame.window_height))
