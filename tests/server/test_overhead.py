"""What the engine costs over `frdm restore` in one process: the same frames, by paths, in the same run.

A small version runs always and is judged by processor time, which others on the machine do not add to; with FRDM_FULL=1
in the environment larger frames, the promised bounds of time, and the best of three.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from frdm_bridge import Client, JobSpec
from frdm_bridge.messages import Event, FrameReady
from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.stream import Job, run
from tests.server.engines import Shoot
from tests.server.served import Served

FULL = bool(os.environ.get("FRDM_FULL"))
FRAMES, HEIGHT, WIDTH, ROUNDS = (20, 288, 512, 3) if FULL else (6, 96, 96, 1)
MOST, MOST_FIRST_S = 1.05, 0.05
MOST_CPU, MOST_CPU_A_JOB_S = 1.3, 0.5


def in_process(restorer: Restorer, source: Sequence, out: Path, frames: int) -> float:
    """Seconds `frdm restore` takes once the model is loaded."""
    wanted = source.frames[:frames]
    began = time.monotonic()
    run(Job(source, Sequence.output(out, frames=wanted, like=source), wanted), restorer)
    return time.monotonic() - began


def by_engine(client: Client, source: Sequence, out: Path, frames: int) -> tuple[float, float]:
    """Seconds from the request to the first frame and to the last."""
    first: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, FrameReady) and not first:
            first.append(time.monotonic())

    began = time.monotonic()
    job = client.submit(JobSpec(source=source.pattern, output=str(out), frames=f"1-{frames}"))
    client.wait(job, on_event=hear)
    return first[0] - began, time.monotonic() - began


def cpu_of(*processes: psutil.Process) -> float:
    """Seconds of processor these used so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def test_time_over_that_of_one_process(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, FRAMES + 1), height=HEIGHT, width=WIDTH)
    torch.set_num_threads(1)
    restorer = Restorer.from_pretrained(model, device="cpu")
    best: Callable[[list[float]], float] = min
    alone, served, alone_one, served_one = [], [], [], []
    cpu_alone, cpu_served = 0.0, 0.0
    with Served(tmp_path, model) as engine, engine.client() as client:
        # Kernels are chosen and caches filled on both sides before anything is measured.
        in_process(restorer, source, tmp_path / "warm", 2)
        by_engine(client, source, tmp_path / "warm_engine", 2)
        processes = (psutil.Process(engine.process.pid), engine.worker)
        for turn in range(ROUNDS):
            before = time.process_time()
            alone.append(in_process(restorer, source, tmp_path / f"alone{turn}", FRAMES))
            cpu_alone += time.process_time() - before
            before = cpu_of(*processes)
            served.append(by_engine(client, source, tmp_path / f"served{turn}", FRAMES)[1])
            cpu_served += cpu_of(*processes) - before
        for turn in range(5 * ROUNDS):
            alone_one.append(in_process(restorer, source, tmp_path / f"alone_one{turn}", 1))
            served_one.append(by_engine(client, source, tmp_path / f"served_one{turn}", 1)[0])
    ratio, extra = best(served) / best(alone), best(served_one) - best(alone_one)
    print(
        f"\nprocessor time {cpu_alone:.2f} s in one process, {cpu_served:.2f} s in engine and worker"
        f"\n{FRAMES} frames of {WIDTH} x {HEIGHT}: {best(alone):.3f} s in one process, {best(served):.3f} s by the "
        f"engine, ratio {ratio:.3f}; first frame {1000 * extra:.1f} ms later than in one process"
    )
    assert cpu_served <= MOST_CPU * cpu_alone + MOST_CPU_A_JOB_S * ROUNDS
    if FULL:
        assert ratio <= MOST
        assert extra <= MOST_FIRST_S
