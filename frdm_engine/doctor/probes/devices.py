"""Torch, the devices it sees, and a small sum on each that must agree with the CPU's."""

from __future__ import annotations

import time
import warnings

from frdm_engine.doctor.probes.telling import asked, tell


def main() -> None:
    """Tells `torch`, `cuda` (its build's version or null), `seen`, `said` and, for each device, `sums`."""
    what = asked()
    import torch

    tell(torch=torch.__version__, cuda=torch.version.cuda, hip=torch.version.hip)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        there = torch.cuda.is_available()
    said = [str(one.message).splitlines()[0] for one in caught]
    seen = []
    for index in range(torch.cuda.device_count() if there else 0):
        facts = torch.cuda.get_device_properties(index)
        seen.append({"name": facts.name, "arch": f"{facts.major}.{facts.minor}", "total": facts.total_memory})
    tell(seen=seen, said=said)
    names = [word.strip() for word in str(what["device"]).split(",") if word.strip()]
    if names in (["auto"], ["all"]):
        names = [f"cuda:{index}" for index in range(len(seen))] or ["cpu"]
    sums: dict[str, dict[str, float | str]] = {}
    for name in names:
        tell(trying=name)
        try:
            sums[name] = _sum(name)
        except (RuntimeError, AssertionError, ValueError) as error:
            sums[name] = {"error": str(error).splitlines()[0]}
        tell(sums=sums)


def _sum(name: str) -> dict[str, float | str]:
    """A convolution on a device: how far it is from the CPU's, the seconds it took, memory free and in all."""
    import torch

    device = torch.device(name)
    generator = torch.Generator().manual_seed(1)
    picture = torch.randn(1, 16, 64, 64, generator=generator)
    kernel = torch.randn(16, 16, 3, 3, generator=generator)
    wanted = torch.nn.functional.conv2d(picture, kernel)
    began = time.monotonic()
    made = torch.nn.functional.conv2d(picture.to(device), kernel.to(device)).cpu()
    seconds = time.monotonic() - began
    off = float((made - wanted).abs().max() / wanted.abs().max())
    facts: dict[str, float | str] = {"off": off, "seconds": seconds}
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        facts |= {"free": free, "total": total, "name": torch.cuda.get_device_name(device)}
    return facts


if __name__ == "__main__":
    main()
