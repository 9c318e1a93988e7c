"""The error tree: what ends the command line with which code, and what the errors carry."""

from __future__ import annotations

import copy

import pytest

from frdm_engine import errors

CODES = {
    "FrdmError": 1,
    "InputError": 2,
    "SequenceError": 2,
    "PlateError": 2,
    "ColourError": 2,
    "MaskError": 2,
    "SettingError": 2,
    "CheckpointError": 2,
    "OutputError": 2,
    "NoRoomError": 2,
    "RestoreError": 3,
    "GaveUpError": 3,
    "TrainingError": 3,
    "DeviceError": 4,
    "AccessError": 2,
    "ConflictError": 2,
    "UnknownJobError": 2,
    "ServerError": 5,
    "BusyError": 5,
    "SpoolError": 5,
    "JournalError": 5,
    "WorkerError": 5,
}


def tree() -> dict[str, type[errors.FrdmError]]:
    found = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.FrdmError)}
    return found


def test_the_tree_is_what_the_table_says() -> None:
    assert {name: kind.exit_code for name, kind in tree().items()} == CODES


@pytest.mark.parametrize("name", sorted(CODES))
def test_the_module_docstring_shows_every_error(name: str) -> None:
    assert name in (errors.__doc__ or "")


@pytest.mark.parametrize("name", ["SequenceError", "PlateError", "ColourError", "MaskError", "SettingError"])
def test_bad_input_can_be_caught_as_one(name: str) -> None:
    assert issubclass(tree()[name], errors.InputError)


def test_a_restore_error_names_frame_tile_cause_and_remedy() -> None:
    error = errors.RestoreError(
        "the GPU has 1.2 GB left", frame=1047, tile=(512, 0, 256, 128), remedy="ask for a smaller --memory"
    )
    assert str(error) == (
        "Frame 1047, tile 256x128 at (512, 0), could not be restored: the GPU has 1.2 GB left; "
        "ask for a smaller --memory."
    )
    assert (error.frame, error.tile, error.remedy) == (1047, (512, 0, 256, 128), "ask for a smaller --memory")


def test_a_restore_error_survives_the_way_out_of_a_worker_process() -> None:
    error = errors.RestoreError("it broke", frame=-3, remedy="try again")
    again = copy.copy(error)  # goes the way pickle does
    assert (str(again), again.frame, again.tile, again.remedy) == (str(error), -3, None, "try again")
