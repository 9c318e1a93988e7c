"""What is timed and measured: plates as asked for, turns, arithmetic, verdicts, the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from frdm_engine.errors import InputError, RestoreError, SettingError
from frdm_engine.evaluation.speed import page, reach
from frdm_engine.evaluation.speed.cases import HD, K4, K8, SIZES, Case, parse_sizes
from frdm_engine.evaluation.speed.ceilings import CONVOLUTION, ceilings
from frdm_engine.evaluation.speed.clock import Go, Measured, Work, measure
from frdm_engine.evaluation.speed.film import COMPRESSIONS, make_film, there_and_back
from frdm_engine.evaluation.speed.findings import Findings
from frdm_engine.evaluation.speed.memory import LONG, SHORT, MemoryFindings, Peak, planned, take
from frdm_engine.evaluation.speed.profiles import flops_of, functions, operators
from frdm_engine.evaluation.speed.studio import IN_PROCESS, NETWORK, Studio
from frdm_engine.model.checkpoint import Loaded
from frdm_engine.plates import read_plate
from frdm_engine.restore.restorer import Restorer
from tests.networks import tiny_network

SMALL = Case(160, 96)


@pytest.fixture(scope="module")
def photo() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(30, 220, (64, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(Loaded("tiny", tiny_network(bias=2.0), "0" * 64), device=torch.device("cpu"))


@pytest.fixture
def studio(tmp_path: Path, photo: npt.NDArray[np.uint8], restorer: Restorer) -> Studio:
    return Studio(tmp_path, photo, restorer, lambda size: 3)


def test_sizes_are_read_and_refused() -> None:
    assert parse_sizes("all") == tuple(tuple(map(int, size.split("x"))) for size in SIZES)
    assert parse_sizes(" 1920x1080,1920X1080, 854x480") == (HD, (854, 480))
    for wrong in ("", "1080p", "32x32", "1920x", "-4x900"):
        with pytest.raises(SettingError, match="--sizes"):
            parse_sizes(wrong)


def test_films_move_have_grain_and_as_much_damage_as_is_asked(photo: npt.NDArray[np.uint8]) -> None:
    films = {
        level: make_film(photo, width=160, height=96, frames=3, level=level).pictures
        for level in ("clean", "light", "heavy")
    }
    clean = [picture.astype(np.float32) for picture in films["clean"]]
    assert np.abs(clean[1] - clean[0]).mean() > 0.01
    again = make_film(photo, width=160, height=96, frames=3, level="clean").pictures
    assert all(np.array_equal(a, b) for a, b in zip(again, films["clean"], strict=True))
    touched = {
        level: np.mean(
            [
                (np.abs(a.astype(np.float32) - b) > 0.05).any(axis=-1).mean()
                for a, b in zip(pictures, clean, strict=True)
            ]
        )
        for level, pictures in films.items()
    }
    assert touched["clean"] == 0
    assert touched["light"] < touched["heavy"]
    assert touched["heavy"] > 0.02


def test_plates_are_stored_as_asked(photo: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    film = make_film(photo, width=160, height=96, frames=2, level="heavy")
    for compression in COMPRESSIONS:
        plates = film.write(tmp_path / compression, compression=compression)
        stored = oiio.ImageBuf(str(plates.path(1001))).spec().get_string_attribute("compression")
        assert stored.startswith(compression)
        back = read_plate(plates.path(1001))
        assert back.dtype == np.float16
        assert np.array_equal(back.rgb(), film.pictures[0].astype(np.float32)) == (compression != "dwaa")


def test_long_plates_run_there_and_back(photo: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    assert [there_and_back(index, 3) for index in range(8)] == [0, 1, 2, 1, 0, 1, 2, 1]
    assert [there_and_back(index, 1) for index in range(3)] == [0, 0, 0]
    plates = make_film(photo, width=160, height=96, frames=3, level="clean").write(tmp_path / "in", length=9)
    assert len(plates.frames) == 9
    assert plates.path(1005).samefile(plates.path(1001))
    assert not plates.path(1002).samefile(plates.path(1001))


def test_everything_is_timed_in_turns() -> None:
    order: list[str] = []

    def work(name: str, warm: bool) -> Work:
        @contextmanager
        def ready() -> Iterator[Go]:
            def go() -> dict[str, str]:
                order.append(name)
                return {"name": name}

            yield go

        return Work(name, SMALL, ready, frames=2, warm=warm)

    both = measure([work("a", True), work("b", False)], rounds=3)
    assert order == ["a", "a", "b", "a", "b", "a", "b"]
    assert [len(one.seconds) for one in both] == [3, 3]
    assert both[1].facts == {"name": "b"}
    order.clear()
    some = measure([work("a", False), work("b", False)], rounds=3, stop=lambda: bool(order))
    assert [one.what for one in some] == ["a"]


def test_ratios_are_taken_round_by_round() -> None:
    slow, fast = Measured("slow", SMALL, (2.0, 6.0, 3.0)), Measured("fast", SMALL, (1.0, 2.0, 2.0))
    assert slow.over(fast).rounds == (2.0, 3.0, 1.5)
    assert slow.over(fast).words() == "2.000 (1.500 to 3.000)"
    assert slow.median == 3.0
    assert slow.spread == pytest.approx(4 / 3)


def test_kernels_do_the_arithmetic_that_is_counted_for_them() -> None:
    for work in ceilings(torch.device("cpu"), torch.float32, quick=True)[::2]:
        with work.ready() as go, FlopCounterMode(display=False) as counter:
            told = go()
        assert told is not None
        assert counter.get_total_flops() == told["flops"] * work.frames


def test_the_network_alone_is_one_frame_s_work(studio: Studio) -> None:
    restorer, (window, middle) = studio.restorer, studio.window(SMALL)
    before = restorer.restore(window, middle)
    go = restorer.rehearse(window, middle)
    assert flops_of(go) == flops_of(go) > 1e6
    assert flops_of(studio.own(replace(SMALL, steps=2)).rehearse(window, middle)) > flops_of(go)
    alone = flops_of(go)
    for frames in (3, 8):  # it is timed over several frames, and its arithmetic told of one
        assert replace(studio, frames={SMALL.size: frames}.__getitem__).arithmetic(SMALL) == alone
    torch.set_num_threads(2)  # tiles side by side, in threads of their own: as much is counted
    try:
        assert flops_of(go) == alone
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    listed = operators(go, restorer.device)
    assert any("conv" in name for name, _ in listed)
    assert 0.3 < sum(share for _, share in listed) <= 1
    restorer.forget()
    known = dict(functions(lambda: restorer.restore(window, middle)))
    assert 0 < known["restorer._sample"] <= known["restorer.restore"] <= 1
    restorer.forget()
    assert np.array_equal(restorer.restore(window, middle).picture, before.picture)


def test_a_restoration_is_timed_from_files_to_files(studio: Studio) -> None:
    works = [studio.in_process(SMALL), studio.network(SMALL), studio.reading(SMALL), *studio.stages(SMALL)]
    measured = measure(works, rounds=1)
    assert len(measured) == len(works)
    assert measured[0].facts["sampled"] == 1
    assert not [path for path in studio.folder.iterdir() if path.name.startswith("out-")]


def found(*measured: Measured, **changed: object) -> Findings:
    plain = Findings(measured, {}, {}, (), (), (), {}, Case(*HD), 1, False)
    return replace(plain, **changed)  # type: ignore[arg-type]


def test_verdicts_say_what_was_reached_what_not_and_what_was_not_measured() -> None:
    heavy = Case(*HD)
    findings = found(
        Measured(CONVOLUTION, Case(), (1.0, 1.0), facts={"flops": 2e9, "kernel": "small"}),
        Measured(CONVOLUTION, Case(), (1.0, 1.0), facts={"flops": 4e9, "kernel": "large"}),
        Measured(NETWORK, heavy, (10.0, 10.0)),
        Measured(IN_PROCESS, heavy, (11.0, 12.0), facts={"sampled": 1.0}),
        Measured(IN_PROCESS, replace(heavy, level="clean"), (9.0, 9.0), facts={"sampled": 0.0}),
        flops={heavy: 20_000_000_000},
    )
    verdicts = {verdict.bar: verdict for verdict in findings.verdicts()}
    assert verdicts[reach.END_TO_END.says].reached is True
    assert verdicts[reach.END_TO_END.says].figure == "1.150 (1.100 to 1.200)"
    assert verdicts[reach.RATE.says].figure == "0.500 (0.500 to 0.500)"
    assert verdicts[reach.CLEAN.says].reached is False
    assert verdicts[reach.LARGE.says].reached is None
    assert verdicts[reach.GPU.says].remark == "no GPU here"


def peak(case: Case, *, frames: int, most: int) -> Peak:
    return Peak(case, frames, 24 * 2**30, 10**8, most, (most,), 9, 10**9)


def test_memory_is_judged_beyond_the_frames_in_the_window(restorer: Restorer) -> None:
    four, small = Case(*K4), Case(96, 64)
    window = 9 * 19 * four.pixels
    findings = MemoryFindings(
        (
            peak(four, frames=3, most=window + 10**9),
            peak(small, frames=SHORT, most=10**9),
            peak(small, frames=LONG, most=2 * 10**9),
        ),
        planned(restorer, (K4, K8), (24 * 2**30, 8 * 2**30)),
    )
    verdicts = {verdict.bar: verdict for verdict in findings.verdicts()}
    assert verdicts[reach.HOST.says].figure == "1.000 GB"
    assert verdicts[reach.HOST.says].remark.startswith("1.00 GB with the network's own tensors")
    assert verdicts[reach.LENGTH.says].reached is False
    assert verdicts[reach.DEVICE_24.says].reached is True
    for plan in findings.plans.values():
        assert plan is None or plan.device_bytes <= (plan.budget_bytes or 0)


def test_the_memory_of_a_process_is_taken(studio: Studio, tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    tiny_network(bias=2.0).save_pretrained(tmp_path / "tiny")
    plates = studio.plates(SMALL)
    one = take(plates, SMALL, frames=2, model=str(tmp_path / "tiny"), device="cpu", vram=2**33)
    assert len(one.course) == 2
    assert 5 * 10**7 < one.loaded <= one.peak < 4 * 10**9
    assert one.window == 3
    assert one.device_alone is not None
    assert 0 < one.device_alone < one.peak
    assert one.host == one.peak - one.window_bytes - one.device_alone
    with pytest.raises(RestoreError, match="neither an embedded model"):
        take(plates, SMALL, frames=2, model=str(tmp_path / "none"), device="cpu", vram=2**33)


def test_the_page_holds_what_both_commands_found(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    told = dict.fromkeys(("command", "frdm", "model", "precision", "device", "machine"), "x")
    heavy = Case(*HD)
    speed = found(Measured(NETWORK, heavy, (10.0,)), Measured(IN_PROCESS, heavy, (11.0,), facts={"sampled": 1.0}))
    speed = replace(
        speed, plans={HD: Restorer(Loaded("tiny", tiny_network(), "0" * 64), device=torch.device("cpu")).plan(*HD)}
    )
    memory = MemoryFindings((peak(heavy, frames=3, most=10**10),))
    for part, one in (("speed", speed), ("memory", memory)):
        plain = page.facts(one.tables(), one.verdicts(), told=told, measured=[])
        written = page.write(tmp_path / "out", part, plain, json_file=tmp_path / f"{part}.json", docs=tmp_path / "docs")
        assert json.loads((tmp_path / f"{part}.json").read_text()) == json.loads(written[0].read_text())
    text = (tmp_path / "docs" / "speed.md").read_text()
    assert "## By frame size" in text
    assert "## Host memory" in text
    assert text.count(reach.END_TO_END.says) == text.count(reach.HOST.says) == 1
    assert "](images/speed-sizes.svg)" in text
    assert (tmp_path / "docs" / "images" / "speed-memory.svg").read_text().startswith("<?xml")
    (tmp_path / "out" / "memory.json").write_text("{}")
    with pytest.raises(InputError, match="delete it"):
        page.write(tmp_path / "out", "speed", plain, json_file=None, docs=None)
