"""One process or many: what those of one training tell each other, by way of accelerate.

Every process draws windows of its own and takes the same step with the mean of all gradients, so weights stay equal.
``accelerate launch`` starts them; a process alone does not need it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, nn

from frdm_engine.errors import SettingError

PATIENCE = timedelta(hours=12)
"""How long processes wait for each other: the first decodes all footage before the others map it."""


class Processes:
    """A process alone: nothing to share."""

    index, count = 0, 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @property
    def main(self) -> bool:
        """Whether this is the one that writes, logs and measures."""
        return self.index == 0

    def gather(self, *values: float) -> list[tuple[float, ...]]:
        """The same numbers of every process, by process. All must call it."""
        return [values]

    def average(self, loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
        """Makes each gradient its mean over all processes, and returns that of the loss. All must call it.

        A parameter that none has a gradient for is left without.
        """
        return float(loss.detach())

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Overwrites tensors with those of the first process. All must call it."""

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The others enter when the first process has left."""
        yield

    def end(self) -> None:
        """Waits for the others and parts from them."""


class Launched(Processes):
    """One of several processes that a launcher started."""

    def __init__(self, device: torch.device) -> None:
        """Joins the others; of `device` only the kind counts.

        Raises:
            SettingError: accelerate is not installed, or the device has a number.
        """
        try:
            from accelerate import PartialState
        except ImportError as error:
            raise SettingError(
                "Training in several processes needs accelerate; install it with: pip install 'frdm[train]'."
            ) from error
        if ":" in str(device):
            raise SettingError(
                f"--device {device} is one device for all processes; give {device.type}, or leave it out."
            )
        self._state = PartialState(cpu=device.type == "cpu", timeout=PATIENCE)
        super().__init__(torch.device(self._state.device))
        self.index, self.count = int(self._state.process_index), int(self._state.num_processes)

    def gather(self, *values: float) -> list[tuple[float, ...]]:
        from accelerate.utils import gather

        mine = torch.tensor([values], dtype=torch.float64, device=self.device)
        return [tuple(row) for row in gather(mine).tolist()]

    def average(self, loss: Tensor, parameters: Iterable[nn.Parameter]) -> float:
        from accelerate.utils import reduce

        given = list(parameters)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in given]
        # One message for all: the gradients, which of them there are, and the loss.
        there = torch.tensor([float(p.grad is not None) for p in given], device=self.device)
        parts = [*(grad.flatten().float() for grad in grads), there, loss.detach().float().view(1)]
        mean = reduce(torch.cat(parts), reduction="mean").split([part.numel() for part in parts])
        anywhere = (mean[-2] > 0).tolist()
        for parameter, grad, value, any_has in zip(given, grads, mean[:-2], anywhere, strict=True):
            parameter.grad = grad.copy_(value.view(grad.shape)) if any_has else None
        return float(mean[-1])

    def spread(self, tensors: Iterable[Tensor]) -> None:
        from accelerate.utils import broadcast

        for tensor in tensors:
            tensor.copy_(broadcast(tensor.detach().contiguous()))

    @contextmanager
    def main_first(self) -> Iterator[None]:
        with self._state.main_process_first():
            yield

    def end(self) -> None:
        self._state.wait_for_everyone()
        self._state.destroy_process_group()


def begin(device: torch.device) -> Processes:
    """This process's place among those of its training, told by what a launcher left in the environment.

    Raises:
        SettingError: there are several, but accelerate is not installed or the device has a number.
    """
    return Launched(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Processes(device)
