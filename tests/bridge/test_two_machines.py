"""Two machines without a shared folder: a job is streamed, encrypted, over a wire that delays, loses and breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Job, run
from tests.bridge.wire import Wire
from tests.restore.on_disk import contents

pytestmark = pytest.mark.slow
FRAMES = range(1001, 1021)
PATIENCE_S = 400.0
ROOT = Path(__file__).parents[2]


@contextmanager
def wired(**options: float) -> Iterator[Wire]:
    try:
        wire = Wire(**options)
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")
    try:
        yield wire
    finally:
        wire.close()


@contextmanager
def serving(wire: Wire, folder: Path, model: Path) -> Iterator[Path]:
    """`frdm serve` on the first machine, with no folder open to jobs; yields its connection file."""
    (folder / "run").mkdir(mode=0o700, parents=True)
    command = [sys.executable, "-m", "frdm_engine", "serve", "--listen", f"tcp://{wire.addresses[0]}:5750"]
    command += ["--home", str(folder / "home"), "--model", str(model), "--device", "cpu", "--threads", "1"]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "run")}
    with (folder / "serve.log").open("wb") as log:
        engine = subprocess.Popen(wire.inside(0, *command), env=environment, stdout=log, stderr=log, cwd=ROOT)
    file = folder / "run" / "frdm" / "engine.json"
    try:
        until(file.exists, engine)
        yield file
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.wait(PATIENCE_S)


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        assert process.poll() is None, f"it ended with {process.returncode}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, model: Path, shoot: Callable[..., Sequence]) -> tuple[Path, Path]:
    """Twenty plates, and what `frdm restore` makes of them on the spot."""
    folder = tmp_path_factory.mktemp("film")
    source = shoot(folder / "in", FRAMES, height=256, width=320)
    restorer = Restorer.from_pretrained(model, device="cpu", settings=Settings(strength=16.0))
    run(Job(source, Sequence.output(folder / "expected", frames=FRAMES, like=source), tuple(FRAMES)), restorer)
    return folder / "in", folder / "expected"


@pytest.mark.parametrize(
    ("delay_s", "loss", "cut_s"), [(0.0, 0.0, 0.0), (0.05, 0.01, 0.0), (0.0, 0.0, 10.0)], ids=["clean", "lossy", "cut"]
)
def test_a_streamed_job_is_bit_identical(
    film: tuple[Path, Path], model: Path, tmp_path: Path, delay_s: float, loss: float, cut_s: float
) -> None:
    source, expected = film
    with wired(delay_s=delay_s, loss=loss) as wire, serving(wire, tmp_path, model) as connection:
        command = [sys.executable, "-m", "tests.bridge.stream_job", str(connection), str(source), str(tmp_path / "out")]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'bridge'}:{ROOT}"}
        began = time.monotonic()
        with (tmp_path / "client.log").open("wb") as log:
            client = subprocess.Popen(wire.inside(1, *command), env=environment, stdout=log, stderr=log, cwd=ROOT)
        if cut_s:
            until(lambda: b"frame_ready" in (tmp_path / "client.log").read_bytes(), client)
            wire.cut = True
            time.sleep(cut_s)
            wire.cut = False
        assert client.wait(PATIENCE_S) == 0, (tmp_path / "client.log").read_text()
        seconds = time.monotonic() - began
    said = (tmp_path / "client.log").read_text().splitlines()
    assert said[-1] == "restored"
    numbers = [int(line.split()[1]) for line in said if len(line.split()) == 2]
    assert numbers == list(range(1, len(numbers) + 1))
    assert contents(tmp_path / "out") == contents(expected)
    assert not list((tmp_path / "home" / "spool").iterdir())
    assert not list((tmp_path / "out").glob(".*"))
    share = 100 * wire.lost / max(wire.lost + wire.carried, 1)
    print(f"20 frames in {seconds:.1f} s, {wire.carried} packets carried, {share:.1f} % lost")
