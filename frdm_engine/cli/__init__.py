"""The command line, `frdm`: see `app`."""

from __future__ import annotations

import gc


def main() -> None:
    """Runs `frdm`. Until a command begins nothing made is garbage, and looking for some takes a tenth of the time."""
    gc.disable()
    from frdm_engine.cli import app

    app.main()
