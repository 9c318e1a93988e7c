"""FRDM, film restoration: ``Restorer`` mends damaged plates frame by frame; ``Settings`` says how.

>>> from frdm_engine import Restorer, Settings
>>> restorer = Restorer.from_pretrained("frdm-s", settings=Settings(fix=("dirt", "scratch")))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_engine.restore.finishing import Restored
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.settings import Settings

__all__ = ["Restored", "Restorer", "Settings", "__version__"]


def __getattr__(name: str) -> Any:
    """Loads torch and its company only when somebody restores."""
    if name == "Restored":
        from frdm_engine.restore.finishing import Restored

        return Restored
    if name == "Restorer":
        from frdm_engine.restore.restorer import Restorer

        return Restorer
    if name == "Settings":
        from frdm_engine.restore.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
