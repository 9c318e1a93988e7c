"""Path mapping is text alone, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from frdm_bridge.jobs import PathRule
from frdm_bridge.paths import is_absolute, to_client, to_engine

RULES = (
    PathRule(client="P:\\show", engine="/mnt/show"),
    PathRule(client="/Volumes/show", engine="/mnt/show"),
    PathRule(client="/Volumes/show/reel3/", engine="/fast/reel3"),
    PathRule(client="\\\\server\\show", engine="/mnt/show"),
)


@pytest.mark.parametrize(
    ("client", "engine"),
    [
        ("/Volumes/show/a/p.%04d.exr", "/mnt/show/a/p.%04d.exr"),
        ("/Volumes/show/reel3/p.exr", "/fast/reel3/p.exr"),
        ("/Volumes/show/reel33/p.exr", "/mnt/show/reel33/p.exr"),
        ("/Volumes/showreel/p.exr", "/Volumes/showreel/p.exr"),
        ("/Volumes/show", "/mnt/show"),
        ("p:/SHOW/a/p.exr", "/mnt/show/a/p.exr"),
        ("\\\\SERVER\\show\\a", "/mnt/show/a"),
        ("/elsewhere/x", "/elsewhere/x"),
    ],
)
def test_the_longest_rule_counts(client: Any, engine: Any) -> None:
    assert to_engine(client, RULES) == engine


def test_the_way_back() -> None:
    assert to_client("/fast/reel3/p.exr", RULES) == "/Volumes/show/reel3/p.exr"
    assert to_client("/mnt/show/a/p.exr", RULES[:1]) == "P:\\show\\a\\p.exr"
    assert to_client("/mnt/show/a", ()) == "/mnt/show/a"


def test_what_is_absolute() -> None:
    assert all(is_absolute(path) for path in ("/a", "C:\\a", "c:/a", "\\\\s\\a"))
    assert not any(is_absolute(path) for path in ("a", "./a", "C:a", ""))
