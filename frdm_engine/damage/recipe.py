"""Recipes: how damaged a plate gets, as data, and the named ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from frdm_engine.damage.dirt import DirtSettings
from frdm_engine.damage.fading import FadingSettings
from frdm_engine.damage.flicker import FlickerSettings
from frdm_engine.damage.gate import GateSettings
from frdm_engine.damage.grain import GrainSettings
from frdm_engine.damage.mould import MouldSettings
from frdm_engine.damage.scan import ScanSettings
from frdm_engine.damage.scratches import ScratchSettings
from frdm_engine.damage.settings import check, from_plain, span, to_plain
from frdm_engine.damage.splices import SpliceSettings
from frdm_engine.damage.stains import StainSettings
from frdm_engine.damage.tears import TearSettings
from frdm_engine.damage.weave import WeaveSettings
from frdm_engine.errors import SettingError


@dataclass(frozen=True)
class Recipe:
    """All that decides how a plate is damaged.

    Sizes are stated for a frame 854 pixels wide: a wider frame has proportionally larger defects, a narrower
    one is taken as cut from such a frame. `size_scale` is the span of a factor on all sizes, log-uniform.
    Each part's parameters, with units and sources, are told where it is made: `DirtSettings` and its like.
    """

    size_scale: tuple[float, float] = span((0.8, 2.2), 0.1, 20)
    dirt: DirtSettings = field(default_factory=DirtSettings)
    scratches: ScratchSettings = field(default_factory=ScratchSettings)
    stains: StainSettings = field(default_factory=StainSettings)
    mould: MouldSettings = field(default_factory=MouldSettings)
    splices: SpliceSettings = field(default_factory=SpliceSettings)
    tears: TearSettings = field(default_factory=TearSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    flicker: FlickerSettings = field(default_factory=FlickerSettings)
    grain: GrainSettings = field(default_factory=GrainSettings)
    weave: WeaveSettings = field(default_factory=WeaveSettings)
    fading: FadingSettings = field(default_factory=FadingSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def load(cls, name: str | Path) -> Recipe:
        """The preset of that name, or the recipe in that JSON file.

        Raises:
            SettingError: there is no such preset or file, or the file is no recipe.
        """
        if str(name) in PRESETS:
            return PRESETS[str(name)]
        try:
            return cls.from_json(Path(name).read_text(encoding="utf-8"))
        except OSError as error:
            presets = ", ".join(PRESETS)
            raise SettingError(f"{str(name)!r} is neither a damage recipe ({presets}) nor a file.") from error

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe written by `to_json`; what is left out keeps its default.

        Raises:
            SettingError: the text is no JSON, a name is unknown or a value does not fit.
        """
        try:
            plain = json.loads(text)
        except ValueError as error:
            raise SettingError(f"The damage recipe is not valid JSON: {error}.") from error
        return from_plain(cls, plain)

    def to_json(self) -> str:
        """This recipe as indented JSON."""
        return json.dumps(to_plain(self), indent=2) + "\n"


PRESETS = {
    "light": Recipe(
        size_scale=(0.8, 1.4),
        dirt=DirtSettings(density=7, burst=0.01, blotch=0.01, hair=0.03, faint=0.6),
        scratches=ScratchSettings(
            presence=0.35,
            running=(0.3, 1.0),
            standing=0.2,
            rain_presence=0.1,
            rain=(1, 6),
            scuff=0.03,
            cinch=0.004,
            opacity=(0.1, 0.6),
        ),
        stains=StainSettings(presence=0.1, alive=(0.3, 1.0), density=(0.04, 0.12)),
        mould=MouldSettings(presence=0.02, alive=(0.5, 2.0), dye=(0.15, 0.5)),
        splices=SpliceSettings(chance=1 / 400, height=(0.008, 0.03)),
        tears=TearSettings(chance=1 / 2000, length=(0.08, 0.3)),
        gate=GateSettings(presence=0.04, alive=(0.5, 1.0), length=(0.012, 0.05)),
        flicker=FlickerSettings(presence=0.25, strength=(0.006, 0.012)),
        grain=GrainSettings(strength=(0.0, 0.02)),
        weave=WeaveSettings(presence=0.2, jitter=(0.03, 0.2), sway=(0, 0.3)),
        fading=FadingSettings(presence=0.2, common=(0, 0.1), dye=(0, 0.2), stain=(0, 0.05)),
        scan=ScanSettings(presence=0.2, sigma=(0.3, 0.6), quality=(88, 97)),
    ),
    "medium": Recipe(
        dirt=DirtSettings(density=25),
        scratches=ScratchSettings(running=(0.5, 3.0), standing=0.4, rain_presence=0.25, rain=(2, 15)),
        stains=StainSettings(presence=0.3, alive=(0.4, 2.0)),
        mould=MouldSettings(presence=0.05, alive=(1.0, 4.0)),
        splices=SpliceSettings(chance=1 / 120),
        tears=TearSettings(chance=1 / 400),
        gate=GateSettings(presence=0.07),
        fading=FadingSettings(presence=0.3),
        scan=ScanSettings(presence=0.25),
    ),
    "heavy": Recipe(
        size_scale=(1.0, 2.5),
        dirt=DirtSettings(density=150, burst=0.05, burst_factor=(1.5, 3.0)),
        scratches=ScratchSettings(
            presence=1.0, running=(4, 14), standing=2.0, rain_presence=0.6, rain=(10, 60), scuff=1.0, cinch=0.15
        ),
        stains=StainSettings(presence=0.8, alive=(1.0, 6.0), density=(0.08, 0.35)),
        mould=MouldSettings(presence=0.25, alive=(2.0, 12.0), dye=(0.2, 0.95)),
        splices=SpliceSettings(chance=1 / 30),
        tears=TearSettings(chance=1 / 50, length=(0.15, 1.0)),
        gate=GateSettings(presence=0.2, alive=(1.0, 3.0)),
        flicker=FlickerSettings(presence=0.8, strength=(0.012, 0.05)),
        grain=GrainSettings(strength=(0.01, 0.04)),
        weave=WeaveSettings(presence=0.8, jitter=(0.1, 0.9), sway=(0, 1.5)),
        fading=FadingSettings(presence=0.6, common=(0, 0.4), dye=(0.1, 0.7), stain=(0, 0.3), gradient=0.4),
        scan=ScanSettings(presence=0.4, quality=(55, 92)),
    ),
    "archive-mixed": Recipe(),
}
