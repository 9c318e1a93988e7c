"""Validation: the same windows, held apart from training, measured as the restorer would, at a bounded price."""

from __future__ import annotations

import json
import signal
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.footage import Footage
from frdm_engine.data.patches import Batch, PatchStream
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.training.loop import Schedule, Training
from frdm_engine.training.presets import Preset
from frdm_engine.training.validation import Validation, _add, _figures, fixed_batches, measure, split

CPU = torch.device("cpu")
MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}


def sources(count: int) -> list[Footage]:
    return [Footage(f"clip-{n}", "CC0", "video", (9, 90, 90), ((0, 9),), 1, "x") for n in range(count)]


def test_sources_are_held_apart_by_name() -> None:
    train, apart = split(sources(200), share=0.1)
    assert len(train) + len(apart) == 200
    assert 8 <= len(apart) <= 32
    # Whatever joins, a source stays on its side.
    assert {s.name for s in apart} <= {s.name for s in split(sources(400), share=0.1)[1]}


@pytest.mark.parametrize("count", [2, 3, 5])
def test_there_is_always_something_on_both_sides(count: int) -> None:
    for share in (0.0, 0.1, 1.0):
        train, apart = split(sources(count), share=share)
        assert train
        assert apart


def test_windows_do_not_depend_on_the_seed(footage: Path, stream: Any) -> None:
    library, one, other = ClipLibrary.open(footage), stream(), stream()
    other.seed = 99
    first, second = (fixed_batches(of, library, None, count=2) for of in (one, other))
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.patches.window, b.patches.window)
    assert not torch.equal(first[0].patches.clean, first[1].patches.clean)


def test_a_perfect_answer_and_none(batch: Batch) -> None:
    """Planes that find nothing change nothing; planes that find the truth mend all of it."""
    clean = batch.patches.clean[0].numpy()
    damaged = clean.copy()
    truth = np.zeros((4, *clean.shape[1:]), np.float32)
    truth[0, 10:20, 30:40] = 1
    damaged[:, 10:20, 30:40] = 1 - damaged[:, 10:20, 30:40].round()
    none: defaultdict[str, float] = defaultdict(float)
    _add(none, damaged, damaged, clean, np.full_like(truth[:2], -9), clean, truth)
    figures = _figures(none)
    assert figures["whole_psnr"] == figures["whole_psnr_before"]
    assert (figures["changed"], figures["dirt_recall"]) == (0, 0)
    assert "dirt_precision" not in figures
    perfect: defaultdict[str, float] = defaultdict(float)
    _add(perfect, damaged, damaged, clean, 18 * truth[:2] - 9, clean, truth)
    figures = _figures(perfect)
    assert (figures["changed"], figures["dirt_recall"], figures["dirt_precision"]) == (0, 1, 1)
    assert figures["dirt_psnr"] == pytest.approx(100)
    assert figures["dirt_psnr_before"] < 40


def test_what_was_taken_back_before_counts_as_mended(batch: Batch) -> None:
    """A stain has a gain of its own, without a matte to find it by."""
    clean = batch.patches.clean[0].numpy()
    truth = np.zeros((4, *clean.shape[1:]), np.float32)
    truth[2, 10:40, 10:40] = 1
    stained = (clean - 0.1 * truth[2]).astype(np.float32)
    sums: defaultdict[str, float] = defaultdict(float)
    _add(sums, stained, clean, 0 * clean, np.full_like(truth[:2], -9), clean, truth)
    figures = _figures(sums)
    assert figures["stain_psnr"] == pytest.approx(100)
    assert figures["stain_psnr_before"] == pytest.approx(20, abs=0.1)
    assert not {"stain_recall", "stain_precision", "damage_recall"} & figures.keys()
    assert figures["changed"] == 0


def test_measuring_twice_is_the_same_and_draws_no_chance(batch: Batch) -> None:
    model = FilmRestorer(**MODEL)
    state = torch.get_rng_state()
    assert measure(model, [batch], device=CPU) == measure(model, [batch], device=CPU)
    assert torch.equal(state, torch.get_rng_state())


def test_before_is_the_damage_itself(batch: Batch) -> None:
    error = (batch.patches.evidence.centre - batch.patches.clean).square().mean()
    figures = measure(FilmRestorer(**MODEL), [batch], device=CPU)
    assert figures["whole_psnr_before"] == pytest.approx(float(-10 * torch.log10(error)), abs=1e-3)
    assert figures["damage_psnr_before"] < figures["whole_psnr_before"]


def test_its_price_is_bounded(batch: Batch) -> None:
    validation = Validation([batch], every_minutes=0.0, share=0.05)
    assert validation.due()
    took = validation(FilmRestorer(**MODEL), device=CPU)["validation_seconds"]
    left = validation._next - time.monotonic()
    assert left == pytest.approx(19 * took, rel=0.1)
    assert not validation.due()
    assert not Validation([batch], every_minutes=1.0).due()


def test_a_run_writes_it_into_the_log_and_trains_the_same(tmp_path: Path, repeated: PatchStream, batch: Batch) -> None:
    preset = Preset(model=MODEL, patch=64, frames=1, rate=3e-3, warmup=1)

    def run(name: str, validation: Validation | None) -> Training:
        torch.manual_seed(5)
        made = Training(tmp_path / name, preset, device=CPU)
        seen: list[float] = []

        def report(line: dict[str, float]) -> None:
            seen.append(line["step"])
            if line["step"] == 3 and not line.get("validation"):
                signal.raise_signal(signal.SIGINT)

        schedule = Schedule(minutes=10, total_minutes=1e9, log_every=1)
        made.run(repeated, schedule, workers=0, report=report, validate=validation)
        return made

    with_it, without = run("a", Validation([batch], every_minutes=0.0)), run("b", None)
    lines = [json.loads(line) for line in (tmp_path / "a/log.jsonl").read_text().splitlines()]
    measured = [line for line in lines if line.get("validation") is True]
    assert measured
    assert {"whole_psnr", "whole_psnr_before", "changed", "dirt_recall", "step", "minutes"} <= measured[0].keys()
    assert all(
        torch.equal(a, b)
        for a, b in zip(with_it.model.state_dict().values(), without.model.state_dict().values(), strict=True)
    )
