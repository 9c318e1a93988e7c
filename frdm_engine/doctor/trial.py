"""The restoration that proves the rest: real files, the real model, the real device."""

from __future__ import annotations

import tempfile

from frdm_engine.doctor.child import ask
from frdm_engine.doctor.finding import Asked, Finding, failure, ok

NAME = "restoration"


def restoration(asked: Asked) -> Finding:
    """Some frames in ten seconds, from files to files; they are removed again."""
    try:
        with tempfile.TemporaryDirectory(prefix="frdm-doctor-", ignore_cleanup_errors=False) as folder:
            told = ask(
                "restoration",
                limit_s=asked.limit_s,
                scratch=folder,
                folder=folder,
                device=asked.device,
                model=asked.model,
                vram=asked.vram,
            )
    except OSError as error:
        return failure(NAME, f"no room for a trial ({error.strerror})", "free space, or set TMPDIR to another folder")
    facts = told.facts
    if told.late:
        return failure(NAME, told.end, "end what else uses the machine, or give it longer with --limit SECONDS")
    if "error" in facts or told.end:
        said = str(facts.get("error", told.end)).rstrip(".").replace(folder, "the trial's folder")
        return failure(
            NAME, said, "mend what is named here and above; else report it with `frdm doctor --bundle FILE.zip`"
        )
    if facts["harmed"]:
        return failure(
            NAME,
            f"{facts['harmed']} pixels outside of the matte were changed",
            "do not use this machine; report it with `frdm doctor --bundle FILE.zip`",
        )
    pace = facts["seconds"] / facts["frames"]
    count = f"{facts['frames']} frame{'' if facts['frames'] == 1 else 's'}"
    found = f"{count} of 192 x 108 on {facts['device']}, {pace:.2f} s each"
    return ok(NAME, f"{found}, {100 * facts['changed']:.2f} % of pixels changed and no other")
