"""Which device computes, and in which precision."""

from __future__ import annotations

import torch

from frdm_engine.errors import DeviceError


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
