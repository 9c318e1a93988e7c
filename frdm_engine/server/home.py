"""Where an engine keeps what must outlive it."""

from __future__ import annotations

import os
from pathlib import Path


def default_home() -> Path:
    """$XDG_STATE_HOME/frdm, or ~/.local/state/frdm: journal, keys, logs and spool."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "frdm"
