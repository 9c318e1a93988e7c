"""Versions: of this package, which ships with the engine, and of the wire, which is specified in PROTOCOL.md."""

from __future__ import annotations

__version__ = "0.1.0"

PROTOCOL = (1, 2)
"""(major, minor) of the wire. Ends of one major understand each other; see PROTOCOL.md, "Compatibility"."""

PROTOCOL_TEXT = "{}.{}".format(*PROTOCOL)
