"""The sidecar as it is read: later lines count, torn ones are passed over, bad ones are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from frdm_engine.errors import InputError
from frdm_engine.report.lines import Sidecar
from tests.report.painted import Painted

Make = Callable[..., Painted]


def test_lines_come_by_frame_and_the_later_one_of_two_counts(painted: Make) -> None:
    path = painted().sidecar
    lines = path.read_text().splitlines()
    again = json.loads(lines[0]) | {"seconds": 9.0}
    path.write_text("\n".join([*reversed(lines), json.dumps(again)]) + "\n")
    found = list(Sidecar(path))
    assert [line.frame for line in found] == [1001, 1002, 1003, 1004, 1005, 1006]
    assert found[0].seconds == 9.0
    assert found[0].views[""].largest == ((40, 0, 1, 48, 48), (10, 8, 6, 4, 24))
    assert found[0].views[""].kinds == ("scratch", "dirt")
    assert found[0].share["dirt"] == pytest.approx(24 / (64 * 48))


def test_torn_and_foreign_lines_are_counted_and_passed_over(painted: Make) -> None:
    path = painted().sidecar
    whole = path.read_text()
    path.write_text('[1]\n{"frame": 3}\n\n' + whole + whole.splitlines()[0][:80])
    sidecar = Sidecar(path)
    assert sidecar.frames == (1001, 1002, 1003, 1004, 1005, 1006)
    assert sidecar.torn == 3


def test_sidecars_that_name_no_class_of_a_repair_are_read(painted: Make) -> None:
    path = painted().sidecar
    line = json.loads(path.read_text().splitlines()[0])
    del line["views"][""]["kinds"]
    path.write_text(json.dumps(line) + "\n")
    assert next(iter(Sidecar(path))).views[""].kinds == ()


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("", "holds no frame yet"), ("x\n", "no frame")])
def test_what_is_no_sidecar_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "out.frdm.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=said) as error:
        Sidecar(path)
    assert str(path) in str(error.value)


def test_a_sidecar_that_changes_meanwhile_is_named(painted: Make) -> None:
    path = painted().sidecar
    sidecar = Sidecar(path)
    path.write_text("\n" + path.read_text())
    with pytest.raises(InputError, match="changed while it was read"):
        list(sidecar)
