"""How a probe is asked and how it answers."""

from __future__ import annotations

import json
import sys
from typing import Any

from frdm_engine.doctor.child import SIGN


def asked() -> dict[str, Any]:
    """What `child.ask` wants to know."""
    what: dict[str, Any] = json.loads(sys.argv[1])
    return what


def tell(**facts: Any) -> None:
    """Facts that are sure by now; the process may die of the next step."""
    print(SIGN + json.dumps(facts), flush=True)
