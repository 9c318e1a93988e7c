"""The package's public names."""

from frdm_engine import damage


def test_public_names_are_pinned() -> None:
    assert damage.__all__ == ["CLASSES", "PRESETS", "Damager", "Recipe", "Templates"]
    assert damage.CLASSES == ("dirt", "scratch", "stain", "flicker")
