"""Cost follows what is asked for: no tile is looked at for what is broad, and nothing is seen from afar but dirt."""

from __future__ import annotations

import numpy as np
import pytest

from frdm_engine.errors import SettingError
from frdm_engine.restore import plans as planning
from frdm_engine.restore.finishing import Masks
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.tiles import Held
from tests.restore.on_disk import Array, Make, Pictures
from tests.restore.results import alike

BROAD = [
    Settings(fix=("flicker",)),
    Settings(fix=("stain",)),
    Settings(fix=("stain", "flicker"), strength=3.0),
    Settings(strength=0.0),
]


@pytest.fixture
def unlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a tile is an error, and so is encoding a frame."""

    def look(*_: object) -> None:
        raise SettingError("Somebody looked.")

    monkeypatch.setattr(Held, "look", look)
    monkeypatch.setattr(Restorer, "_encoded", look)


def flickering(pictures: Pictures) -> dict[int, Array]:
    window = pictures(72, 100, range(9))
    return window | {4: window[4] + np.float32(0.03)}


@pytest.mark.parametrize("settings", BROAD, ids=lambda settings: f"{'+'.join(settings.fix)}-{settings.strength:g}")
@pytest.mark.parametrize("masked", [False, True], ids=["free", "protected"])
def test_what_is_broad_comes_out_the_same_without_a_look_at_any_tile(
    restorer: Make, pictures: Pictures, monkeypatch: pytest.MonkeyPatch, settings: Settings, masked: bool
) -> None:
    window = flickering(pictures)
    protect = np.zeros((72, 100), np.float32)
    protect[:, :40] = 1
    protected, stains = protect if masked else None, 0.0 if "stain" in settings.fix else None
    made = restorer(bias=-1e4, stains=stains, settings=settings, small_side=96).restore(window, 4, protect=protected)
    monkeypatch.setattr(Restorer, "_asks_for_tiles", lambda self, masks: True)
    slow = restorer(bias=-1e4, stains=stains, settings=settings, small_side=96).restore(window, 4, protect=protected)
    alike(made, slow)
    assert (made.sampled, slow.sampled) == (0.0, 1.0)
    assert made.alpha.any() == (settings.strength > 0)


@pytest.mark.parametrize("settings", BROAD, ids=lambda settings: f"{'+'.join(settings.fix)}-{settings.strength:g}")
def test_nothing_is_encoded_for_it(restorer: Make, pictures: Pictures, unlooked: None, settings: Settings) -> None:
    window = flickering(pictures)
    used = restorer(settings=settings)
    for number in (3, 4, 5):
        used.restore(window, number)
    assert not used.kept.encoded
    with pytest.raises(SettingError, match="looked"):  # a hole that the artist names is filled from what tiles show
        used.restore(window, 4, force=np.ones((72, 100), np.float32))


def test_only_dirt_is_looked_for_from_afar(restorer: Make, pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "NEAREST", 12)
    window = pictures(61, 91, range(1, 6))
    sizes = {}
    for fix in (("dirt",), ("scratch",), ("scratch", "stain", "dirt")):
        used = restorer(settings=Settings(fix=fix))
        used.look(window, 3, Masks(None, None, None))
        sizes[fix] = len(used.kept.encoded[""][0])
    assert list(sizes.values()) == [3, 1, 3]


def test_switches_may_change_while_frames_are_kept(restorer: Make, pictures: Pictures) -> None:
    """Each frame comes out as from a restorer that never did anything else."""
    window = flickering(pictures)
    used = restorer()
    for fix in (("flicker",), ("dirt", "flicker"), ("scratch",), ("stain",), ("dirt",)):
        used.settings = Settings(fix=fix)
        alike(used.restore(window, 4), restorer(settings=Settings(fix=fix)).restore(window, 4))
