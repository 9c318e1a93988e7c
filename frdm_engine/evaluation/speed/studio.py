"""The works that are timed on plates: the network alone, whole restorations, the stages of one, other methods."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frdm_engine.evaluation.baselines import Baseline, Shot
from frdm_engine.evaluation.speed.cases import Case
from frdm_engine.evaluation.speed.clock import Go, Work
from frdm_engine.evaluation.speed.film import Film, make_film
from frdm_engine.evaluation.speed.profiles import flops_of
from frdm_engine.plates import ColourSpace, Sequence, read_plate, resolve, write_plate
from frdm_engine.restore.job import Job
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.stream import run
from frdm_engine.restore.window import Picture

NETWORK, IN_PROCESS = "network alone", "in process"
READING, COLOURS, CALL, WRITING = "reading", "into the model's colours", "restoring, plates at hand", "writing"
OTHER = "baseline"
"""The fact that marks a method that is not this project's."""
DISTINCT = 12
"""Frames that are made; longer plates run them forwards and backwards."""


@dataclass
class Studio:
    """Makes plates below ``folder`` when they are first asked for. ``frames``: how many a size has."""

    folder: Path
    photo: npt.NDArray[np.uint8]
    restorer: Restorer
    frames: Callable[[tuple[int, int]], int]
    _plates: dict[tuple[Any, ...], Sequence] = field(default_factory=dict)

    def plates(self, case: Case) -> Sequence:
        """The case's plates on disk, each of one shot."""
        key = (*case.size, case.level, case.compression)
        if key not in self._plates:
            length = self.frames(case.size)
            film = self._film(case, min(length, DISTINCT))
            folder = self.folder / "-".join(map(str, key))
            self._plates[key] = film.write(folder, compression=case.compression, length=length)
        return self._plates[key]

    def _film(self, case: Case, count: int) -> Film:
        stored = self._plates.get((*case.size, case.level, "zip"))
        if stored is None:
            return make_film(self.photo, width=case.width, height=case.height, frames=count, level=case.level)
        paths = [stored.path(frame) for frame in stored.frames[:count]]
        return Film(tuple(read_plate(path).rgb().astype(np.float16) for path in paths))

    def own(self, case: Case) -> Restorer:
        """The restorer at the case's steps; all share one network."""
        plain = self.restorer
        if case.steps is None:
            return plain
        return Restorer(plain.loaded, device=plain.device, settings=replace(plain.settings, steps=case.steps))

    def space(self, case: Case) -> ColourSpace:
        """The colours of the plates."""
        plate = read_plate(self.plates(case).path(self.plates(case).frames[0]))
        return resolve("auto", metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)

    def window(self, case: Case) -> tuple[dict[int, Picture], int]:
        """The frames within reach of the middle one, (H, W, 3) model encoding, and its number."""
        plates, space = self.plates(case), self.space(case)
        middle = plates.frames[(len(plates.frames) - 1) // 2]
        near = [n for n in plates.frames if abs(n - middle) <= self.restorer.reach]
        return {n: space.encode(read_plate(plates.path(n), frame=n).rgb()) for n in near}, middle

    def network(self, case: Case) -> Work:
        """One frame's work on the device, the window resident, over and over: one alone tells little."""
        times = max(self.frames(case.size) // 2, 1)

        @contextmanager
        def ready() -> Iterator[Go]:
            restorer = self.own(case)
            restorer.forget()  # another case's frames have the same numbers
            work = restorer.rehearse(*self.window(case))
            yield _bare(lambda: [work() for _ in range(times)])
            restorer.forget()

        return Work(NETWORK, case, ready, frames=times, warm=True)

    def arithmetic(self, case: Case) -> int:
        """Floating-point operations of the network for one frame."""
        work = self.network(case)
        with work.ready() as go:
            return flops_of(go) // work.frames

    def in_process(self, case: Case) -> Work:
        """From plates on disk to plates on disk: everything counted, the first reading and the last writing too."""

        @contextmanager
        def ready() -> Iterator[Go]:
            source, restorer = self.plates(case), self.own(case)
            with self.output() as out:
                job = Job(
                    source=source,
                    output=Sequence.output(out / "plate.####.exr", frames=source.frames, like=source),
                    frames=source.frames,
                )

                def go() -> dict[str, Any]:
                    told = run(job, restorer)
                    lines = told["frames"]
                    return {
                        "sampled": float(np.mean([line["sampled"] for line in lines])),
                        "changed": float(np.mean([line["changed"] for line in lines])),
                    }

                yield go
            restorer.forget()

        return Work(IN_PROCESS, case, ready, frames=self.frames(case.size))

    @contextmanager
    def output(self) -> Iterator[Path]:
        """An empty folder for results, gone afterwards."""
        out = Path(tempfile.mkdtemp(prefix="out-", dir=self.folder))
        try:
            yield out
        finally:
            shutil.rmtree(out)

    def reading(self, case: Case) -> Work:
        """One plate read and decoded, alone on the machine."""

        @contextmanager
        def ready() -> Iterator[Go]:
            path = self.plates(case).path(self.plates(case).frames[0])
            yield _bare(lambda: read_plate(path).rgb())

        return Work(READING, case, ready, warm=True)

    def stages(self, case: Case) -> list[Work]:
        """What a restoration does beside the network and reading, one frame each, alone on the machine."""

        @contextmanager
        def colours() -> Iterator[Go]:
            space, rgb = self.space(case), read_plate(self.plates(case).path(self.plates(case).frames[0])).rgb()
            yield _bare(lambda: space.encode(rgb))

        @contextmanager
        def writing() -> Iterator[Go]:
            plates, space = self.plates(case), self.space(case)
            plate = read_plate(plates.path(plates.frames[0]), frame=plates.frames[0])
            coded = space.encode(plate.rgb())
            coded[::7] += np.float32(0.01)  # what did not change is not stored anew
            with self.output() as out:
                yield _bare(lambda: write_plate(plate, out / "plate.1.exr", rgb={plate.views[0]: space.decode(coded)}))

        made = ((COLOURS, colours), (WRITING, writing))
        return [self.call(case), *(Work(what, case, ready, warm=True) for what, ready in made)]

    def call(self, case: Case) -> Work:
        """One frame restored from plates at hand, as while the window slides: all but its last frame are encoded."""

        @contextmanager
        def ready() -> Iterator[Go]:
            restorer, (window, middle) = self.own(case), self.window(case)
            restorer.forget()
            restorer.restore({n: picture for n, picture in window.items() if n < max(window)}, middle)
            yield _bare(lambda: restorer.restore(window, middle))
            restorer.forget()

        return Work(CALL, case, ready)

    def damaged(self, case: Case) -> npt.NDArray[np.float32]:
        """All frames of the case, (T, H, W, 3) model encoding."""
        plates, space = self.plates(case), self.space(case)
        return np.stack([space.encode(read_plate(plates.path(n)).rgb()) for n in plates.frames])

    def baseline(self, method: Baseline, case: Case) -> Work:
        """Another method on the same frames, at hand as arrays: neither reading nor writing is counted."""
        length = self.frames(case.size)

        @contextmanager
        def ready() -> Iterator[Go]:
            damaged = self.damaged(case)
            shot = Shot(damaged, np.zeros((*damaged.shape[:3], 4), np.float32))

            def go() -> dict[str, Any]:
                method.run(shot)
                return {OTHER: True}

            yield go

        return Work(method.name, case, ready, frames=length)


def _bare(call: Callable[[], Any]) -> Go:
    """The call with nothing told of it."""

    def go() -> None:
        call()

    return go
