"""The package's public names."""

from frdm_engine import damage


def test_public_names_are_pinned() -> None:
    assert damage.__all__ == ["CLASSES", "KINDS", "PRESETS", "Damager", "Labelled", "Processed", "Recipe", "Templates"]
    assert damage.CLASSES == ("dirt", "scratch", "stain", "flicker")
    assert damage.KINDS == (
        "dust",
        "blotch",
        "hair",
        "sparkle",
        "scratch",
        "standing scratch",
        "stain",
        "mould",
        "splice",
        "tear",
        "flicker",
    )
