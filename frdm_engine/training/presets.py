"""Named trainings: network and schedule as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from frdm_engine.damage import PRESETS as RECIPES
from frdm_engine.damage import Recipe
from frdm_engine.data.patches import Stage
from frdm_engine.errors import SettingError

DENSE = replace(RECIPES["heavy"], flicker=RECIPES["light"].flicker, stains=RECIPES["medium"].stains)
"""Much to learn from in each patch, and little of what drowns it."""

CURRICULUM = (
    Stage(0.15, (RECIPES["light"], RECIPES["medium"])),
    Stage(0.4, (RECIPES["medium"], RECIPES["archive-mixed"])),
)
"""What is learned first: damage that leaves most of each patch sound, for matte and fill to go by."""


def _stained(times: float) -> tuple[Recipe, ...]:
    """Damage with stains that many times as dense as usual."""

    def denser(recipe: Recipe) -> Recipe:
        low, high = recipe.stains.density
        return replace(recipe, stains=replace(recipe.stains, density=(min(1.0, times * low), min(1.0, times * high))))

    return denser(RECIPES["medium"]), denser(RECIPES["archive-mixed"]), denser(RECIPES["archive-mixed"])


STRONG_FIRST = tuple(Stage(until, _stained(times)) for until, times in ((0.1, 3.0), (0.2, 2.4), (0.3, 1.8), (0.4, 1.4)))
"""Stains at their usual density alone are never learned; strong ones are, within minutes, and the knack stays."""

SWITCHES = ("frame_fusion", "global_prompt", "frequency", "global_residual")
"""Modules of the network that can be left out, as ``FilmRestorer`` names them."""

PARTS = ("broad", "local")
"""What can be trained alone: the low-resolution pass, which owns stains; or all else, which owns dirt and scratches."""


@dataclass(frozen=True)
class Preset:
    """How a model of that name is built and trained."""

    model: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``FilmRestorer``."""
    recipes: tuple[Recipe, ...] = (DENSE, RECIPES["heavy"], RECIPES["archive-mixed"], RECIPES["archive-mixed"])
    """Damage of a window is drawn from one of these; one may repeat to be drawn more often."""
    curriculum: tuple[Stage, ...] = CURRICULUM
    """Earlier stages, in order, with recipes of their own; a training that begins from weights leaves them out."""
    patch: int = 128
    """Side of a patch, pixels."""
    frames: int = 2
    """Damaged windows a batch."""
    patches: int = 3
    """Patches from each of them."""
    broad: int = 4
    """Small whole frames more, for what is broad."""
    rate: float = 6e-4
    """Peak learning rate of AdamW."""
    muon: float = 0.0
    """The same of Muon, for the kernels of convolutions but the last; 0: AdamW has these too."""
    warmup: int = 200
    """Steps until that peak."""
    branches: float = 4.0
    """Factor on the learning rate of branches that start silent: prompt, frequency module, trust."""
    later: float = 0.15
    """Share of batches that train a later step of sampling instead of the first look."""
    gentle: float = 0.25
    """Share of the rate for a training that begins from weights: more spoils what they know first."""
    only: str = ""
    """One of ``PARTS``, if that part alone is trained."""
    anew: bool = False
    """Whether the low-resolution pass forgets what it knew, and gets norms; all else begins from the weights given."""

    @property
    def off(self) -> tuple[str, ...]:
        """Modules this preset leaves out, in the order of ``SWITCHES``."""
        return tuple(name for name in SWITCHES if not self.model.get(name, True))

    def only_local(self) -> Preset:
        """This preset for all but the low-resolution pass: no small frame is drawn that has no patches."""
        return replace(self, broad=0, only="local")

    def only_broad(self, *, anew: bool = False) -> Preset:
        """This preset for the low-resolution pass alone, all else kept as it is: what is broad is learned from many
        small frames, and needs strong stains first, whatever weights it begins from, or ``anew``."""
        return replace(
            self,
            recipes=_stained(1.0),
            curriculum=STRONG_FIRST,
            frames=0,
            patches=0,
            broad=6,
            rate=8e-4,
            muon=2e-3 if anew else 7e-4,
            gentle=1.0,
            only="broad",
            anew=anew,
        )

    def without(self, names: Iterable[str]) -> Preset:
        """This preset with some of ``SWITCHES`` off.

        Raises:
            SettingError: a name is none of them.
        """
        names = tuple(names)
        for name in names:
            if name not in SWITCHES:
                raise SettingError(f"--without {name!r} is no module; choose from {', '.join(SWITCHES)}.")
        return replace(self, model=self.model | dict.fromkeys(names, False))


PRESETS: dict[str, Preset] = {
    "frdm-s": Preset(model={"width": 32, "features": 32, "prompt_dim": 64, "normed": True}),
    "frdm-b": Preset(
        model={"width": 80, "features": 64, "prompt_dim": 192, "normed": True}, frames=8, patches=4, rate=4e-4
    ),
}
