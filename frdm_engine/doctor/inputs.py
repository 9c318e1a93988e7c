"""The model and the colour config that plates would be restored with."""

from __future__ import annotations

import os
from pathlib import Path

from frdm_engine.doctor.child import ask
from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning


def model(asked: Asked) -> Finding:
    """The model's files are there and whole."""
    told = ask("model", limit_s=asked.limit_s, model=asked.model)
    if told.end or "error" in told.facts:
        return failure(
            "model",
            told.facts.get("error", told.end).rstrip("."),
            "name another with --model, or install FRDM again for the one it ships",
        )
    facts = told.facts
    return ok("model", f"{facts['name']}, {facts['parameters']:,} parameters, SHA-256 {facts['sha256'][:12]}...")


def colour(asked: Asked) -> Finding:
    """The OCIO config can be read, and has a working space that keeps values."""
    told = ask("colour", limit_s=asked.limit_s)
    config = told.facts.get("config", "")
    named = os.environ.get("OCIO")
    if named and "://" not in named and not Path(named).is_file():
        return failure(
            "OCIO config",
            f"$OCIO names {named}, which is not there",
            "mount or restore it, name the right one in OCIO, or unset OCIO for the built-in ACES studio config",
        )
    if told.end or "error" in told.facts:
        return failure(
            "OCIO config",
            f"{config or named or 'OpenImageIO'} cannot be read: {told.facts.get('error', told.end)}",
            "mend it or name another in OCIO; without OCIO the built-in ACES studio config is used",
        )
    if "unfit" in told.facts:
        return warning(
            "OCIO config",
            f"{config}: {told.facts['unfit']}",
            "give the config a scene_linear role, or name plates' spaces as linear, srgb, cineon or adx10",
        )
    return ok("OCIO config", f"{config}, {told.facts['spaces']} spaces, works in {told.facts['linear']}")
