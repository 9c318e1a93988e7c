"""Runs methods over cases, one result a file, so that a run that was stopped goes on where it was.

A result is kept under the hash of all that decides it: the case, the method with its model, the code of both and of
the measures. Methods can thus be added later, and nothing stale is taken for a result.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import platform
import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch

from frdm_engine.errors import OutputError
from frdm_engine.evaluation.cases import Case, make
from frdm_engine.evaluation.methods import MEDIAN, Method
from frdm_engine.evaluation.picture import Pool
from frdm_engine.evaluation.scores import Judge, Scores

FORMAT = 1
"""Raised when kept results are to be made again although no code that decides them changed."""


@dataclass(frozen=True)
class Result:
    """What one method came to on one case; ``kept`` if it lay there from before."""

    case: Case
    method: Method
    scores: Scores
    kept: bool


def run(
    cases: Sequence[Case],
    methods: Sequence[Method],
    *,
    cache: Path,
    jobs: int = 1,
    on_result: Callable[[Result], None] = lambda result: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Every method on every case, cases shared among ``jobs`` processes; ends early, in good order, on ``stop``.

    Raises:
        OutputError: the cache cannot be written.
        FrdmError: a clip cannot be read or a frame cannot be restored.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{cache} cannot be made ({error.strerror}); choose another --out.") from error
    done: list[Result] = []

    def take(result: Result) -> None:
        done.append(result)
        on_result(result)

    if jobs == 1:
        for case in cases:
            for result in _work(case, methods, cache):
                take(result)
                if stop():
                    return done
        return done
    threads = max(1, _cores() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_settle, initargs=(threads,)) as pool:
        due = [pool.submit(_whole, case, tuple(methods), cache) for case in cases]
        for future in as_completed(due):
            for result in future.result():
                take(result)
            if stop():
                pool.shutdown(wait=True, cancel_futures=True)
                break
    order = {case: index for index, case in enumerate(cases)}
    return sorted(done, key=lambda result: (order[result.case], methods.index(result.method)))


def _whole(case: Case, methods: Sequence[Method], cache: Path) -> list[Result]:
    return list(_work(case, methods, cache))


def _settle(threads: int) -> None:
    """A worker leaves Ctrl-C to its parent, and the cores to its siblings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _work(case: Case, methods: Sequence[Method], cache: Path) -> Iterator[Result]:
    """Results of one case; its pixels are made when the first is missing."""
    judge: Judge | None = None
    unit = Pool()
    for method in methods:
        facts = {"format": FORMAT, "case": case.record(), "method": method.record()}
        path = cache / f"{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]}.json"
        scores = _kept(path)
        kept = scores is not None
        if scores is None:
            if judge is None:
                judge = Judge(make(case))
                # Timed anew beside whatever is timed: machines are not equally busy on two days.
                timed = Method(MEDIAN, "", "baseline").run(judge.made)
                unit = Pool(timed.seconds, timed.timed)
            scores = judge.own() if method.role == "clean" else judge.scores(method.run(judge.made), unit=unit)
            _keep(path, facts | {"scores": scores.plain()})
        yield Result(case, method, scores, kept)


def _kept(path: Path) -> Scores | None:
    """The scores a file holds; None if it is not there or was cut short: it is then simply made again."""
    if not path.exists():
        return None
    try:
        return Scores.of(json.loads(path.read_text(encoding="utf-8"))["scores"])
    except (ValueError, TypeError, KeyError):
        return None


def _keep(path: Path, facts: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); free space or choose another --out."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """The machine in words that name nobody: cores, kind of processor, accelerator, libraries."""
    words = [f"{_cores()} CPU core{'' if _cores() == 1 else 's'} ({platform.machine()}"]
    words[0] += f", {torch.backends.cpu.get_cpu_capability()})"
    words.append(torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU")
    words.append(f"torch {torch.__version__.partition('+')[0]}, OpenCV {cv2.__version__}")
    return ", ".join(words)
