"""What `frdm_engine.plates` offers."""

from frdm_engine import plates


def test_the_public_names_are_pinned() -> None:
    assert sorted(plates.__all__) == [
        "ColourSpace",
        "Plate",
        "Sequence",
        "Shots",
        "cut_score",
        "find_cuts",
        "finite_mask",
        "is_cut",
        "parse_frames",
        "read_mask",
        "read_plate",
        "resolve",
        "small_frame",
        "write_image",
        "write_plate",
    ]
    assert all(hasattr(plates, name) for name in plates.__all__)
