"""The index of a reel: totals, links, what needs attention; and a restoration that was really made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from frdm_engine.errors import InputError, SequenceError
from frdm_engine.report import data_path, page_path, write, write_reel
from frdm_engine.report.finding import reel_path, sidecars
from tests.report.painted import Painted

Make = Callable[..., Painted]


def test_totals_links_and_states(painted: Make, tmp_path: Path) -> None:
    good, bad, part = painted("a b/#1"), painted("bad"), painted("part")
    write(good.sidecar, good.run)
    write(bad.sidecar, bad.told(failures=[{"frame": 1001, "error": "No."}]))
    write(part.sidecar, part.told(frames="1001-1008"))
    page = write_reel([data_path(one.sidecar) for one in (good, bad, part)], page=tmp_path / "reel.html")
    data = json.loads((tmp_path / "reel.json").read_text(encoding="utf-8"))
    assert data["totals"] == {
        "shots": 3,
        "failed": 1,
        "unfinished": 1,
        "frames": 18,
        "asked": 20,
        "repairs": 21,
        "seconds": pytest.approx(3 * 5.1),
        "failures": 1,
    }
    assert [entry["state"] for entry in data["shots"]] == ["done", "failed", "unfinished"]
    for entry, made in zip(data["shots"], (good, bad, part), strict=True):
        assert (tmp_path / unquote(entry["page"])) == page_path(made.sidecar)
        assert (tmp_path / unquote(entry["data"])).is_file()
    text = page.read_text(encoding="utf-8")
    assert "1 failure in 1 shot" in text
    attention = text[text.index("What needs attention") : text.index("</section>")]
    assert attention.count("<li>") == 2
    assert 'href="a%20b/%231/out/out.report.html"' in text


def test_what_is_no_report_is_named(painted: Make, tmp_path: Path) -> None:
    (tmp_path / "x.report.json").write_text("{}")
    with pytest.raises(InputError, match=r"x\.report\.json is no shot's report"):
        write_reel([tmp_path / "x.report.json"], page=tmp_path / "reel.html")
    with pytest.raises(InputError, match="no shot to list"):
        write_reel([], page=tmp_path / "reel.html")
    assert not (tmp_path / "reel.html").exists()


def test_shots_are_found_by_sidecar_pattern_file_and_folder(painted: Make, tmp_path: Path) -> None:
    one, two = painted("one"), painted("two")
    out = one.sidecar.parent
    for spec in (one.sidecar, out / "out.####.exr", out / "out.1003.exr", out):
        assert sidecars([str(spec)]) == (one.sidecar,)
    assert sidecars([str(tmp_path), str(out)]) == (one.sidecar, two.sidecar)
    assert reel_path([one.sidecar, two.sidecar]) == tmp_path / "reel.html"


def test_what_leads_to_no_shot_is_named(painted: Make, tmp_path: Path) -> None:
    made = painted()
    with pytest.raises(SequenceError, match="nothing"):
        sidecars([str(tmp_path / "nothing.####.exr")])
    with pytest.raises(InputError, match="holds no sidecar"):
        sidecars([str(made.folder / "plate")])
    with pytest.raises(InputError, match="is not there"):
        sidecars([str(made.folder / "plate" / "plate.####.exr")])
