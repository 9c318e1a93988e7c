"""A small benchmark of all baselines and the embedded model, kept results included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm_engine.cli.demo_clip import make_clip
from frdm_engine.errors import CheckpointError, OutputError, SettingError
from frdm_engine.evaluation.baselines import BASELINES
from frdm_engine.evaluation.benchmark import Result, machine, run
from frdm_engine.evaluation.cases import Case, find_clips, make, plan_cases
from frdm_engine.evaluation.methods import CLEAN, INPUT, MEDIAN, Method, choose, slug
from frdm_engine.evaluation.picture import Pool
from frdm_engine.evaluation.scores import Judge, Outcome, Scores
from frdm_engine.plates.curves import linear_to_model

EVERY = (*map(slug, BASELINES), "ours")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip before damage, seven frames of 224 x 160."""
    folder = tmp_path_factory.mktemp("footage") / "photo"
    folder.mkdir()
    for number, light in enumerate(make_clip(7).clean):
        coded = np.rint(np.clip(linear_to_model(light.astype(np.float32)), 0, 1)[100:260, 200:424] * 255)
        assert cv2.imwrite(str(folder / f"{number}.png"), coded[..., ::-1].astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def cases(footage: Path) -> list[Case]:
    return plan_cases(find_clips([footage]), recipes=["heavy"], seeds=[3], frames=3)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def results(cases: list[Case], cache: Path) -> list[Result]:
    methods = choose(models=["frdm-s"], names=EVERY, steps=[1], device="cpu")
    return run(cases, methods, cache=cache)


def scores_of(results: Sequence[Result]) -> dict[str, Scores]:
    return {result.method.name: result.scores for result in results}


def test_every_method_is_measured(results: list[Result]) -> None:
    scores = scores_of(results)
    assert set(scores) == {CLEAN, *BASELINES, "frdm-s", "frdm-s at 1 step"}
    pixels = 3 * 160 * 224 * 3
    for name in (*BASELINES, "frdm-s"):
        errors = scores[name].errors
        assert errors["whole"].count == pixels == errors["damage"].count + errors["outside"].count
        assert errors["whole"].total == pytest.approx(errors["damage"].total + errors["outside"].total)
        assert errors["dirt"].count > 0
        assert scores[name].seconds.count in (3, 7)
    assert scores[CLEAN].steady.warping_ratio == 1
    assert scores[MEDIAN].pace == pytest.approx(1, rel=0.9)


def test_the_restorer_beats_the_input_in_damage_and_as_a_whole(results: list[Result]) -> None:
    scores = scores_of(results)
    for region in ("damage", "whole"):
        before, after = scores[INPUT].psnr(region), scores["frdm-s"].psnr(region)
        assert before is not None
        assert after is not None
        assert after > before + 1


def test_the_input_changes_nothing_and_an_oracle_leaves_the_rest_alone(results: list[Result]) -> None:
    scores = scores_of(results)
    assert scores[INPUT].altered.total == 0
    assert scores[INPUT].altered.count > 0
    assert scores["Telea with the true matte"].altered.total == 0
    assert scores[MEDIAN].altered.total > 0


def test_mattes_are_the_restorers_alone(results: list[Result]) -> None:
    scores = scores_of(results)
    dirt = scores["frdm-s"].found["dirt"]
    assert dirt.recall is not None
    assert dirt.recall > 0.2
    assert dirt.precision is not None
    assert scores[MEDIAN].found["dirt"].precision is None
    assert scores[MEDIAN].found["dirt"].recall is not None
    assert scores[MEDIAN].found["any"].precision is not None


def test_equal_steps_are_sampled_once(results: list[Result]) -> None:
    kept = {result.method.name: result.kept for result in results}
    assert not kept["frdm-s"]
    assert kept["frdm-s at 1 step"]


def test_results_are_kept_and_a_method_added_later_runs_alone(
    results: list[Result], cases: list[Case], cache: Path
) -> None:
    methods = choose(models=["frdm-s"], names=EVERY, steps=[1, 2], device="cpu")
    again = run(cases, methods, cache=cache)
    assert [result.method.name for result in again if not result.kept] == ["frdm-s at 2 steps"]
    assert scores_of(again).items() >= scores_of(results).items()


def test_another_seed_or_frame_is_measured_anew_and_torn_files_are_made_again(
    cases: list[Case], tmp_path: Path
) -> None:
    methods = choose(models=[], names=["input"])
    first = run(cases, methods, cache=tmp_path)
    assert not any(result.kept for result in run([replace(cases[0], seed=4)], methods, cache=tmp_path))
    for path in tmp_path.iterdir():
        path.write_text(path.read_text()[:-40])
    again = run(cases, methods, cache=tmp_path)
    assert not any(result.kept for result in again)
    for name, scores in scores_of(again).items():
        assert scores.errors == scores_of(first)[name].errors


def test_a_run_that_is_stopped_keeps_what_it_has(cases: list[Case], tmp_path: Path) -> None:
    methods = choose(models=[], names=["input", "temporal"])
    done = run(cases, methods, cache=tmp_path, stop=lambda: True)
    assert len(done) == 1
    assert [result.kept for result in run(cases, methods, cache=tmp_path)] == [True, False, False]


@pytest.mark.slow
def test_two_processes_come_to_the_same(cases: list[Case], tmp_path: Path) -> None:
    methods = choose(models=[], names=["input", "temporal"])
    two = [cases[0], replace(cases[0], seed=9)]
    apart = run(two, methods, cache=tmp_path / "a", jobs=2)
    alone = run(two, methods, cache=tmp_path / "b")
    assert [(r.case, r.method) for r in apart] == [(r.case, r.method) for r in alone]
    assert [r.scores.errors for r in apart] == [r.scores.errors for r in alone]


def test_scores_add_up_and_survive_json(cases: list[Case]) -> None:
    judge = Judge(make(cases[0]))
    damaged = judge.damaged
    whole = judge.scores(Outcome(damaged, seconds=1.0, timed=3), unit=Pool(2.0, 4))
    assert Scores.of(whole.plain()) == whole
    twice = whole + whole
    assert twice.psnr("damage") == pytest.approx(whole.psnr("damage"))
    assert twice.errors["damage"].count == 2 * whole.errors["damage"].count
    assert twice.found["dirt"].damaged == 2 * whole.found["dirt"].damaged
    assert twice.pace == pytest.approx(2 / 3)
    assert (Scores() + whole).errors == whole.errors


def test_a_perfect_result_has_no_error_and_finds_all(cases: list[Case]) -> None:
    judge = Judge(make(cases[0]))
    perfect = judge.scores(Outcome(judge.truth, mattes=judge.mattes), unit=Pool())
    assert perfect.errors["whole"].total == 0
    assert perfect.altered.total == 0
    assert perfect.steady.motion.total == 0
    assert all(found.recall in (None, 1) and found.precision in (None, 1) for found in perfect.found.values())


def test_methods_are_chosen_by_the_beginning_of_their_names() -> None:
    assert [m.name for m in choose(models=["frdm-s"], names=["rod"])] == [CLEAN, INPUT, "ROD fill with line repair"]
    medians = choose(models=[], names=["motion-compensated"])
    assert [m.role for m in medians] == ["clean", "input", "baseline", "baseline"]
    named = choose(models=["frdm-s"], also=[("no prompt", "frdm-s")], names=["ours"], steps=[2], tile=128)
    assert [m.role for m in named] == ["clean", "input", "ours", "steps", "tiles", "variant"]
    with pytest.raises(SettingError, match="'magic'; choose from ours, input"):
        choose(models=[], names=["magic"])
    with pytest.raises(SettingError, match="Two methods are called 'frdm-s'"):
        choose(models=["frdm-s"], also=[("frdm-s", "frdm-s")])
    with pytest.raises(CheckpointError):
        choose(models=["nonesuch"])


def test_a_cache_that_cannot_be_made_is_named(cases: list[Case], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(cases, [Method(INPUT, "", "input")], cache=tmp_path / "file" / "cache")


def test_the_machine_is_told_without_its_name() -> None:
    import platform

    assert "torch" in machine()
    assert platform.node() not in machine()
