"""Processes that hang, crash or talk nonsense are findings; so are looks that never end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from frdm_engine.doctor.child import SIGN, ask, run
from frdm_engine.doctor.examination import GRACE_S, Examination, _within
from frdm_engine.doctor.finding import Asked, Finding, ok

ONE, HALF = SIGN + '{"a": 1}', SIGN + '{"a": 2, "b"'


def python(code: str, *, limit_s: float = 60.0) -> tuple[dict[str, object], str, bool]:
    told = run([sys.executable, "-c", code], limit_s=limit_s)
    return told.facts, told.end, told.late


def test_one_that_hangs_is_ended_and_what_it_said_before_counts() -> None:
    began = time.monotonic()
    code = f"import time\nprint({ONE!r}, flush=True)\ntime.sleep(600)"
    assert python(code, limit_s=3) == ({"a": 1}, "it did not end within 3 s", True)
    assert time.monotonic() - began < 60


def test_one_that_crashes_is_explained() -> None:
    assert python("import os\nos.abort()")[1] == "it was ended by SIGABRT"
    assert python("raise SystemExit('no luck')")[1] == "no luck"
    assert python("raise SystemExit(7)")[1] == "it ended with code 7 and said nothing"
    assert run(["/no/such/python"], limit_s=9).end == "/no/such/python cannot be run (No such file or directory)"


def test_what_libraries_print_is_passed_over() -> None:
    code = f"print('hello')\nprint({ONE!r})\nprint({HALF!r})"
    assert python(code) == ({"a": 1}, "", False)


def test_a_probe_is_asked_and_answers() -> None:
    told = ask("modules", limit_s=300, find=["json", "no_such_module"], load=["json", "no_such_module"])
    assert told.end == ""
    assert told.facts["origin"]["no_such_module"] is None
    assert told.facts["loaded"] == ["json"]
    assert told.facts["broken"] == {"no_such_module": "ModuleNotFoundError: No module named 'no_such_module'"}


def test_a_look_that_never_ends_or_breaks_down_is_a_failure(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def endless() -> Finding:
        return ok("pipe", (tmp_path / "pipe").read_text())  # nobody ever writes into it

    found = _within("pipe", endless, limit_s=0.2)
    assert (found.status, found.found) == ("failure", "nothing came of it within 0.2 s")
    broken = _within("sum", lambda: ok("sum", str(1 // 0)), limit_s=GRACE_S)
    assert broken.found.startswith("this check broke down: ZeroDivisionError: integer division or modulo by zero")
    # Lets the thread go.
    (tmp_path / "pipe").open("w").close()


def test_every_check_has_its_own_name_and_needs_an_earlier_one(tmp_path: Path) -> None:
    asked = Asked(home=tmp_path, read=(tmp_path / "a",), write=(tmp_path / "b",), listen="tcp://127.0.0.1:1")
    names: list[str] = []
    for check in Examination(asked).checks():
        assert check.name not in names
        assert set(check.needs) <= set(names)
        names.append(check.name)
    assert f"read {tmp_path / 'a'}" in names


def test_nothing_heavy_is_needed_to_start() -> None:
    heavy = ("torch", "diffusers", "numpy", "cv2", "OpenImageIO", "zmq", "safetensors", "fileseq", "frdm_bridge")
    code = (
        "import sys\n"
        f"for name in {heavy!r}:\n    sys.modules[name] = None\n"
        "from frdm_engine.cli import main\nsys.argv = ['frdm', 'doctor', '--only', 'Python,keys']\nmain()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "all is well"
