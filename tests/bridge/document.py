"""PROTOCOL.md's second half and the golden bytes, from the messages' own bounds.

`PYTHONPATH=bridge python -m tests.bridge.document` writes both anew.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from frdm_bridge import jobs, messages
from frdm_bridge.codec import encode
from frdm_bridge.fields import ABOUT, KIND, plain_record
from tests.bridge.portable.samples import ID, SAMPLES, buffers_of, reply_to

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "bridge" / "PROTOCOL.md"
GOLDEN = Path(__file__).parent / "golden.json"
START = "## Messages\n"
RECORDS = (jobs.JobSpec, jobs.Settings, jobs.PathRule, jobs.JobSummary, jobs.Health, jobs.DeviceState)


def table(shape: Any) -> str:
    """The fields of a message or record: name, type and bounds, default, meaning."""
    lines = ["| field | takes | default | what |", "|---|---|---|---|"]
    for one in fields(shape):
        default = "" if one.default is MISSING else f"`{json.dumps(one.metadata[KIND].plain(one.default))}`"
        if one.name == "settings":
            default = "all defaults"
        lines.append(f"| `{one.name}` | {one.metadata[KIND].words()} | {default} | {one.metadata[ABOUT]} |")
    return "\n".join(lines) if len(lines) > 2 else "No fields."


def section(sample: messages.Message) -> str:
    """A message's own section: who sends it, its fields, its errors' place and an example."""
    kind = type(sample)
    answers = messages.REQUESTS.get(kind)
    way = "event" if isinstance(sample, messages.Event) else "answer"
    if answers is not None:
        way = "request, answered by " + " or ".join(f"`{answer.TYPE}`" for answer in answers)
    if kind is messages.Chunk:
        way = "request, answered by `credit` or `stored`; also the answer to `fetch`"
    if kind is messages.Error:
        way = "answer to any request"
    example = json.dumps({"type": kind.TYPE, "body": plain_record(sample)}, ensure_ascii=False)
    about = " ".join((kind.__doc__ or "").split())
    return f"### {kind.TYPE}\n\n{about} ({way})\n\n{table(kind)}\n\n```json\n{example}\n```\n"


def second_half() -> str:
    """Everything from "Messages" on."""
    parts = [START, "The examples leave out the header's `id`, `reply_to` and `version`.\n"]
    parts += [section(sample) for sample in SAMPLES]
    parts.append("## Records\n")
    for shape in RECORDS:
        parts.append(f"### {shape.__name__}\n\n{' '.join((shape.__doc__ or '').split())}\n\n{table(shape)}\n")
    return "\n".join(parts)


def golden() -> dict[str, list[str]]:
    """The frames of every sample: magic and header as text, buffers as hexadecimal digits."""
    found = {}
    for sample in SAMPLES:
        frames = encode(sample, id=ID, reply_to=reply_to(sample), buffers=buffers_of(sample))
        found[sample.TYPE] = [frames[0].decode(), frames[1].decode(), *(frame.hex() for frame in frames[2:])]
    return found


def main() -> None:
    """Write both anew; the difference is what a reviewer looks at."""
    text = PROTOCOL.read_text("utf-8")
    PROTOCOL.write_text(text[: text.index("\n" + START) + 1] + second_half(), encoding="utf-8")
    GOLDEN.write_text(json.dumps(golden(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
