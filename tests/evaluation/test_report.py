"""Reports: bars judged rightly, the same numbers in JSON and Markdown, pictures that do not change by themselves."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from frdm_engine.errors import OutputError
from frdm_engine.evaluation.bars import BARS
from frdm_engine.evaluation.benchmark import Result
from frdm_engine.evaluation.cases import KIND_GROUPS, Case, Clip
from frdm_engine.evaluation.mattes import MatteCounts
from frdm_engine.evaluation.methods import CLEAN, INPUT, MEDIAN, Method
from frdm_engine.evaluation.motion import Steadiness
from frdm_engine.evaluation.picture import Pool, Ratio
from frdm_engine.evaluation.report import Report, save, save_json
from frdm_engine.evaluation.scores import Scores
from frdm_engine.evaluation.tables import Column, Table, shown
from frdm_engine.evaluation.texture import Seams

COUNT = 3000
REGIONS = ("whole", "damage", "outside", "fast", "fast damage", *KIND_GROUPS)
TELEA = "Telea with the true matte"


def scores(decibel: float, **more: object) -> Scores:
    """Scores of a method that reaches so many dB everywhere."""
    pool = Pool(COUNT * 10 ** (-decibel / 10), COUNT)
    found = dict.fromkeys(("any", "dirt"), MatteCounts(found=100, right=90, damaged=100, recalled=95))
    made = Scores(
        errors=dict.fromkeys(REGIONS, pool),
        ssim=Pool(0.9, 1),
        altered=Pool(3, 1000),
        found=found,
        steady=Steadiness(Pool(1.02, 10), Pool(1.0, 10), Pool(0.5, 10), Pool(0.1, 10)),
        seams=Seams(Pool(300.0, 300), Pool(990.0, 1000)),
        detail=Ratio(0.99, 1.0),
        seconds=Pool(6.0, 3),
        unit=Pool(3.0, 3),
    )
    return replace(made, **more)  # type: ignore[arg-type]


METHODS = {
    CLEAN: Method(CLEAN, "the clean clip", "clean"),
    INPUT: Method(INPUT, "as it is", "input"),
    MEDIAN: Method(MEDIAN, "a median", "baseline"),
    TELEA: Method(TELEA, "told where", "oracle"),
    "mine": Method("mine", "this one", "ours"),
    "mine at 4 steps": Method("mine at 4 steps", "", "steps"),
    "no prompt": Method("no prompt", "a part off", "variant"),
}


def report(ours: Scores, *, recipes: tuple[str, ...] = ("archive-mixed",), clips: tuple[str, ...] = ("a",)) -> Report:
    others = {
        CLEAN: Scores(steady=Steadiness(Pool(1.0, 10), Pool(1.0, 10), Pool(0.5, 10), Pool(0.0, 10))),
        INPUT: scores(15.0),
        MEDIAN: scores(20.0),
        TELEA: scores(24.0),
        "mine": ours,
        "mine at 4 steps": scores(26.1),
        "no prompt": scores(25.0),
    }
    results = [
        Result(Case(Clip(clip, Path(clip), 16), 0, 16, 2, recipe, 1), METHODS[name], one, False)
        for recipe in recipes
        for clip in clips
        for name, one in others.items()
    ]
    return Report(tuple(results), command="frdm bench quality", machine="a machine", version="1.2", code="abc")


@pytest.fixture(autouse=True)
def _cases_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clip, "fingerprint", "0")


def test_a_restorer_that_is_good_at_all_reaches_every_bar() -> None:
    verdicts = report(scores(26.0)).verdicts()
    assert [verdict.bar.says for verdict in verdicts if verdict.reached is not True] == []
    assert len(verdicts) == len(BARS) == 15


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"altered": Pool(6, 1000)}, "Undamaged pixels"),
        ({"found": {"dirt": MatteCounts(found=100, right=80, damaged=100, recalled=95)}}, "Dirt rightly found"),
        ({"found": {"dirt": MatteCounts(found=100, right=90, damaged=100, recalled=89)}}, "Dirt found"),
        ({"seams": Seams(Pool(309.0, 300), Pool(1000.0, 1000))}, "Seam score"),
        ({"seams": Seams(Pool(291.0, 300), Pool(1000.0, 1000))}, "Seam score"),
        ({"steady": Steadiness(Pool(1.06, 10), Pool(1.0, 10), Pool(0.5, 10), Pool(0.1, 10))}, "Warping error"),
        ({"steady": Steadiness(Pool(1.0, 10), Pool(1.0, 10), Pool(0.53, 10), Pool(0.1, 10))}, "tOF"),
    ],
)
def test_a_bar_that_is_missed_is_said_to_be(change: dict[str, object], missed: str) -> None:
    made = report(scores(26.0, **change))
    failed = [verdict for verdict in made.verdicts() if verdict.reached is not True]
    assert [verdict.bar.says.startswith(missed) for verdict in failed] == [True]
    assert failed[0].describe().startswith("NOT REACHED")
    assert made.markdown(images={}).count("| **no** |") == 1
    assert "14 of 15 bars reached" in made.markdown(images={})


@pytest.mark.parametrize(
    ("region", "decibel", "missed"),
    [
        ("dirt", 24.9, "PSNR in dirt"),
        ("hair", 24.9, "PSNR in hair"),
        ("scratches", 24.9, "PSNR in scratches"),
        ("stains", 18.9, "PSNR in stains"),
        ("standing scratches", 22.9, "PSNR in standing scratches"),
        ("fast damage", 23.9, "PSNR in damage where motion is fast"),
        ("damage", 25.8, "dB that the default steps"),
    ],
)
def test_every_kind_has_its_own_bar(region: str, decibel: float, missed: str) -> None:
    good = scores(26.0)
    weak = replace(good, errors=good.errors | {region: Pool(COUNT * 10 ** (-decibel / 10), COUNT)})
    failed = [verdict.bar.says for verdict in report(weak).verdicts() if verdict.reached is not True]
    assert [says.startswith(missed) for says in failed] == [True]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    bare = report(Scores(errors={"whole": Pool(0.1, 10)}))
    told = {verdict.bar.says: verdict for verdict in bare.verdicts()}
    hair = told["PSNR in hair: 1 dB over the best baseline, oracles included"]
    assert hair.reached is None
    assert hair.describe().startswith("not measured")
    alone = Report(bare.results[1:2], command="", machine="", version="", code="")
    assert all(verdict.reached is None for verdict in alone.verdicts())


def test_json_and_markdown_hold_the_same_numbers(tmp_path: Path) -> None:
    made = report(scores(26.0), recipes=("light", "archive-mixed"), clips=("a", "b"))
    save_json(tmp_path / "r.json", made.plain())
    held = json.loads((tmp_path / "r.json").read_text())
    markdown = made.markdown(images={"kinds": "kinds.svg"})
    assert set(held["tables"]) == {
        "reach", "overall", "kinds", "kinds-all", "severity", "clips-whole", "clips-damage", "fast", "mattes", "steady",
        "steps", "variants",
    }  # fmt: skip
    for table in held["tables"].values():
        assert f"## {table['title']}\n" in markdown
        for row in table["rows"]:
            cells = [shown(cell, column["unit"]) for cell, column in zip(row, table["columns"], strict=True)]
            assert "| " + " | ".join(cells) + " |" in markdown
    assert markdown.startswith("# Benchmark\n\n```sh\nfrdm bench quality\n```\n")
    assert "![By kind of damage, archive-mixed](kinds.svg)" in markdown
    assert len(held["results"]) == len(made.results)


def test_only_the_main_recipe_counts_for_the_bars() -> None:
    made = report(scores(26.0), recipes=("heavy", "archive-mixed"))
    worse = [
        replace(r, scores=scores(16.0)) if r.case.recipe == "heavy" and r.method.role == "ours" else r
        for r in made.results
    ]
    mixed = replace(made, results=tuple(worse))
    assert all(verdict.reached for verdict in mixed.verdicts())
    severity = next(table for table in mixed.tables() if table.key == "severity")
    assert [round(cell, 3) for cell in severity.rows[-2][1:] if isinstance(cell, float)] == [16, 16, 26, 26]


def test_cells_are_shown_for_readers() -> None:
    assert [shown(None, "dB"), shown(math.inf, "dB"), shown(0.00123, "share"), shown(2.5, "times")] == [
        "–", "exact", "0.12 %", "2.5 ×",
    ]  # fmt: skip
    table = Table("k", "T", "", (Column("a", "text"), Column("b")), (("x", math.inf),))
    assert table.plain()["rows"] == [["x", "exact"]]
    assert table.markdown() == "## T\n\n| a | b |\n|---|---:|\n| x | exact |\n"


def test_pictures_are_small_and_the_same_every_time() -> None:
    pytest.importorskip("matplotlib")
    from frdm_engine.evaluation.plots import draw

    made = report(scores(26.0), recipes=("light", "archive-mixed"))
    pictures = draw(made.tables())
    assert set(pictures) == {"kinds", "severity", "overall", "steps"}
    assert draw(made.tables()) == pictures
    for svg in pictures.values():
        assert svg.startswith("<?xml")
        assert len(svg) < 60_000
    assert "standing scratches" in pictures["kinds"]
    assert draw(report(scores(20.0)).tables())["kinds"] != pictures["kinds"]


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save(tmp_path / "file" / "report.md", "")
