"""What the colourist asks for: the same record from the window and from the command line, kept between runs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

from frdm_bridge import Settings
from frdm_bridge.errors import MessageError
from frdm_bridge.jobs import CLASSES
from frdm_resolve.clips import WAYS_IN
from frdm_resolve.errors import ChoiceError

WAYS_OUT = ("take", "track", "bin")
SPACES: Dict[str, str] = {
    "ACES": "ACES2065-1",
    "ACES (AP0) Linear": "ACES2065-1",
    "ACEScct": "ACEScct",
    "ACEScg": "ACEScg",
    "DaVinci WG": "Linear DaVinci WideGamut",
    "DaVinci WG/Linear": "Linear DaVinci WideGamut",
    "DaVinci WG/Intermediate": "DaVinci Intermediate WideGamut",
    "Rec.709 Gamma 2.4": "Gamma 2.4 Rec.709 - Texture",
    "Cineon Film Log": "cineon",
    "Linear": "linear",
    "sRGB": "srgb",
}
"""Resolve's names of input colour spaces, and the engine's for the same."""


@dataclass(frozen=True)
class Options:
    """One restoration as it is asked for."""

    fix: Tuple[str, ...] = CLASSES
    strength: float = 1.0
    grain: float = 1.0
    seed: int = 0
    steps: int = 0
    """0: the model's own number."""
    clips: str = "current"
    """One of WAYS_IN."""
    value: str = ""
    """The colour or flag."""
    names: Tuple[str, ...] = ()
    place: str = "track"
    """One of WAYS_OUT."""
    handles: int = 0
    colourspace: str = "auto"
    """auto: as the clip's input colour space says, else as the file says; or a name of the engine's."""
    folder: str = ""
    """Where results go; empty: FRDM in the home folder."""
    connection: str = ""
    """The engine's connection file; empty: this user's own engine."""

    def settings(self) -> Settings:
        """As the engine takes them.

        Raises:
            ChoiceError: a value is none that the engine takes.
        """
        try:
            return Settings(
                fix=self.fix, strength=self.strength, grain=self.grain, seed=self.seed, steps=self.steps or None
            )
        except MessageError as error:
            raise ChoiceError(str(error)) from error

    def check(self) -> None:
        """Raises ChoiceError where an option holds what it cannot."""
        if not self.fix:
            raise ChoiceError("Nothing is to be repaired; choose dirt, scratches, stains or flicker.")
        if self.clips not in WAYS_IN:
            raise ChoiceError(f"There is no choice {self.clips!r}; choose one of {', '.join(WAYS_IN)}.")
        if self.place not in WAYS_OUT:
            raise ChoiceError(f"A result cannot go to {self.place!r}; choose one of {', '.join(WAYS_OUT)}.")
        if self.handles < 0:
            raise ChoiceError(f"Handles of {self.handles} frames are not possible; give 0 or more.")
        self.settings()

    def space(self, told: str, name: str) -> str:
        """The engine's colour space for a clip whose input colour space Resolve tells.

        Raises:
            ChoiceError: Resolve tells one that the engine has no name for.
        """
        if self.colourspace != "auto" or not told:
            return self.colourspace
        if told not in SPACES:
            raise ChoiceError(
                f"{name} has the input colour space {told}, unknown to FRDM; choose its colour space by hand."
            )
        return SPACES[told]


def path(environment: Optional[Mapping[str, str]] = None, system: str = sys.platform) -> Path:
    """The file that settings are kept in."""
    given = os.environ if environment is None else environment
    if system == "win32":
        return Path(given.get("APPDATA") or Path.home()) / "frdm" / "resolve.json"
    if system == "darwin":
        return Path.home() / "Library" / "Preferences" / "frdm" / "resolve.json"
    return Path(given.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "frdm" / "resolve.json"


def load(file: Path) -> Options:
    """The options of the last run, or the first ones; what a file does not hold rightly is not taken from it."""
    try:
        plain: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return Options()
    found = Options()
    for one in fields(Options):
        value = plain.get(one.name) if isinstance(plain, dict) else None
        value = tuple(value) if isinstance(value, list) else value
        usual = getattr(found, one.name)
        if isinstance(value, type(usual)) or (isinstance(usual, float) and isinstance(value, int)):
            changed: Any = {one.name: value}
            found = replace(found, **changed)
    try:
        found.check()
    except ChoiceError:
        return Options()
    return found


def save(options: Options, file: Path) -> None:
    """Keeps options for the next run. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(file.name + ".new")
    aside.write_text(json.dumps(asdict(options), indent=1), "utf-8")
    aside.replace(file)
