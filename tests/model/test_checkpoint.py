"""A model on disk comes back bit for bit, or one sentence says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from frdm_engine.errors import CheckpointError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FORMAT, FilmRestorer
from frdm_engine.model.folder import CONFIG, TENSORS, digest, embedded, find

TENSOR = "encoder.first.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    FilmRestorer(width=16, features=16, prompt_dim=32).save_pretrained(made)
    return made


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | changes))


def retensor(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(folder / TENSORS)
    change(tensors)
    save_file(tensors, folder / TENSORS)


def refused(folder: Path, *says: str) -> None:
    """Loading fails with one sentence that holds all of `says`."""
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    text = str(caught.value)
    for part in says:
        assert part in text
    assert text.endswith(".")
    assert text.count("\n") == 0


def test_round_trip(folder: Path, tmp_path: Path) -> None:
    model = FilmRestorer(width=16, features=16, prompt_dim=32, limits={"radius": 3, "small_side": 64})
    made = tmp_path / "other"
    model.save_pretrained(made)
    assert sorted(path.name for path in made.iterdir()) == sorted((CONFIG, TENSORS))
    ours, theirs = load(made), FilmRestorer.from_pretrained(made, low_cpu_mem_usage=False)
    assert ours.name == "other"
    assert not ours.model.training
    for back in (ours.model, theirs):
        assert back.limits == model.limits
        assert back.state_dict().keys() == model.state_dict().keys()
        for name, value in model.state_dict().items():
            assert torch.equal(back.state_dict()[name], value), name
            assert back.state_dict()[name].dtype == torch.float32


@pytest.mark.parametrize("normed", [False, True])
def test_models_with_and_without_norms_are_kept(normed: bool, tmp_path: Path) -> None:
    model = FilmRestorer(width=8, features=8, prompt_dim=16, normed=normed)
    assert any("between" in name for name in model.state_dict()) is normed
    model.save_pretrained(tmp_path / "made")
    if not normed:  # as models were before there were norms
        config = json.loads((tmp_path / "made" / CONFIG).read_text())
        (tmp_path / "made" / CONFIG).write_text(json.dumps({k: v for k, v in config.items() if k != "normed"}))
    back = load(tmp_path / "made").model
    assert all(torch.equal(back.state_dict()[name], value) for name, value in model.state_dict().items())


def test_limits_and_switches_are_kept_with_the_weights(tmp_path: Path) -> None:
    FilmRestorer(width=8, features=8, prompt_dim=16, frequency=False, limits={"halo": 48}).save_pretrained(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    wanted = {"radius": 2, "multiple": 32, "halo": 48, "small_side": 192, "default_steps": 1}
    assert config["limits"] == wanted
    assert config["format"] == FORMAT
    assert config["classes"] == ["dirt", "scratch", "stain", "flicker"]
    loaded = load(tmp_path).model
    assert loaded.denoiser.frequency is None
    assert vars(loaded.limits) == wanted


def test_half_precision_weights_are_taken(folder: Path) -> None:
    def halve(tensors: dict[str, Tensor]) -> None:
        tensors |= {name: value.half() for name, value in tensors.items()}

    retensor(folder, halve)
    assert load(folder).model.encoder.first.weight.dtype == torch.float32


def test_find_by_folder_and_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(folder) == ("mine", folder)
    monkeypatch.chdir(folder)
    assert find(".")[0] == "mine"
    for name, path in embedded().items():
        assert find(name) == (name, path)
        assert (path / TENSORS).is_file()


def test_an_unknown_name_lists_the_embedded_models(tmp_path: Path) -> None:
    listed = re.escape(", ".join(embedded()) or "none")
    with pytest.raises(CheckpointError, match=rf"'frdm-z' is neither an embedded model \({listed}\) nor a folder"):
        load("frdm-z")
    with pytest.raises(CheckpointError, match=r"nor a folder with config\.json"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["{", "", "[]", "7", '"FilmRestorer"'])
def test_a_broken_config_is_named(text: str, folder: Path) -> None:
    (folder / CONFIG).write_text(text)
    refused(folder, str(folder / CONFIG))


def test_a_config_that_is_not_text_is_named(folder: Path) -> None:
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00{")
    refused(folder, str(folder / CONFIG), "cannot be read as JSON")


def test_another_class_is_named(folder: Path) -> None:
    edit(folder, _class_name="UNet2DModel")
    refused(folder, str(folder / CONFIG), "not of a FilmRestorer")


@pytest.mark.parametrize("number", [0, FORMAT - 1, FORMAT + 1, None, "1"])
def test_another_format_is_named(number: object, folder: Path) -> None:
    edit(folder, format=number)
    refused(folder, str(folder), f"checkpoint format {number}", f"this version reads {FORMAT}")


@pytest.mark.parametrize(
    "changes",
    [
        {"width": "16"},
        {"width": -16},
        {"prompt_dim": None},
        {"limits": {"reach": 3}},
        {"limits": [2]},
        {"sharpness": 1},
    ],
    ids=str,
)
def test_a_config_that_describes_no_network_is_named(changes: dict[str, Any], folder: Path) -> None:
    edit(folder, **changes)
    refused(folder, str(folder / CONFIG))


def test_a_missing_tensor_is_named(folder: Path) -> None:
    retensor(folder, lambda tensors: tensors.pop(TENSOR))
    refused(folder, str(folder / TENSORS), TENSOR, "nothing")


def test_an_extra_tensor_is_named(folder: Path) -> None:
    retensor(folder, lambda tensors: tensors.update({"encoder.third.weight": torch.zeros(3)}))
    refused(folder, str(folder / TENSORS), "encoder.third.weight")


def test_a_tensor_of_another_shape_is_named(folder: Path) -> None:
    retensor(folder, lambda tensors: tensors.update({TENSOR: torch.zeros(48, 64, 3, 2)}))
    refused(folder, str(folder / TENSORS), TENSOR, "(48, 64, 3, 2)", "(48, 64, 3, 3)")


def test_tensors_of_another_configuration_are_named(folder: Path) -> None:
    edit(folder, width=24)
    refused(folder, str(folder / TENSORS), "another configuration")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_named(value: float, folder: Path) -> None:
    retensor(folder, lambda tensors: tensors[TENSOR].view(-1)[5:6].fill_(value))
    refused(folder, str(folder / TENSORS), TENSOR, "not finite")


@pytest.mark.parametrize("size", [0, 7, 400, -1])
def test_truncated_tensors_are_named(size: int, folder: Path) -> None:
    path = folder / TENSORS
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    refused(folder, str(path), "cannot be read as safetensors")


def test_absent_tensors_are_named(folder: Path) -> None:
    (folder / TENSORS).unlink()
    refused(folder, str(folder / TENSORS))


def test_a_pickle_in_place_of_tensors_is_not_opened(folder: Path) -> None:
    (folder / TENSORS).write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.")
    refused(folder, str(folder / TENSORS), "cannot be read as safetensors")


def test_the_digest_changes_with_a_bit(folder: Path) -> None:
    before = load(folder).sha256
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert before == digest(folder)
    for name in (CONFIG, TENSORS):
        data = bytearray((folder / name).read_bytes())
        data[-2] ^= 1
        (folder / name).write_bytes(data)
        assert digest(folder) != before
        data[-2] ^= 1
        (folder / name).write_bytes(data)
        assert digest(folder) == before
    (folder / TENSORS).unlink()
    with pytest.raises(CheckpointError, match=re.escape(str(folder / TENSORS))):
        digest(folder)
