"""What the node shows: where its files are, which frames are there, how it stands. All of it in the main thread."""

from __future__ import annotations

from typing import Iterable, Tuple

import nuke

from frdm_nuke import cache, ranges
from frdm_nuke.cache import Cache
from frdm_nuke.graph import LACKING, LACKING_FILE, MATTE, RESULT, WRITES
from frdm_nuke.pixels import inner, raw, unrecorded
from frdm_nuke.settings import Wish

READS = {RESULT: RESULT, MATTE: MATTE, LACKING: LACKING_FILE}


def branches(wish: Wish) -> Tuple[str, str]:
    """Folders within the node's own: at full size, and for proxies (empty: there are none)."""
    own = wish.digest if wish.keep_old else ""
    return own, "" if wish.scale == 1.0 else "/".join(filter(None, (own, f"proxy_{wish.scale:g}")))


def point(group: nuke.Node, wish: Wish) -> None:
    """Lets every inner node name the files of this wish. The artist's folder goes in as written, tokens and all."""
    folder, leaf = raw(group["cache_folder"]), str(group["frdm_leaf"].value())
    full, proxy = branches(wish)
    with unrecorded():
        for name, role in (*((f"{role}_write", role) for role in WRITES), *READS.items()):
            node = inner(group, name)
            _set(node, "file", cache.text(folder, leaf, full, role))
            _set(node, "proxy", cache.text(folder, leaf, proxy, role) if proxy else "")
        for name in READS:
            _cover(inner(group, name), wish.span)


def _set(node: nuke.Node, knob: str, value: str) -> None:
    # Only what changes: each change makes Nuke look for the files again.
    if raw(node[knob]) != value:
        node[knob].setValue(value)


def caches(group: nuke.Node, wish: Wish) -> Tuple[Tuple[str, Cache], ...]:
    """Each view with its cache."""
    pattern = nuke.filename(inner(group, "plate_write")) or ""
    return tuple((view, Cache.of(pattern, view)) for view in wish.views)


def has(group: nuke.Node, frames: Iterable[int], span: Tuple[int, int], stale: Iterable[int] = ()) -> None:
    """Shows these frames as restored, some of them as stale, and has Nuke read their files anew."""
    there = sorted(frames)
    first, last = (min(there[0], span[0]), max(there[-1], span[1])) if there else span
    first_time = not group["frdm_have"].isAnimated()
    with unrecorded():
        group["frdm_have"].fromScript(ranges.curve(there))
        group["frdm_stale"].fromScript(ranges.curve(stale))
        for name in (RESULT, MATTE):
            read = inner(group, name)
            if there and (first_time or (read["first"].value(), read["last"].value()) != (first, last)):
                # Opens the file, so that size and channels are those of the results.
                read["file"].fromUserText(f"{raw(read['file'])} {first}-{last}")  # type: ignore[attr-defined]
            read["reload"].execute()  # type: ignore[attr-defined]
        for name in READS:
            _cover(inner(group, name), (first, last))


def _cover(read: nuke.Node, span: Tuple[int, int]) -> None:
    """Sets the range of a Read inside: with those of the plate it is the range of the node."""
    for knob, frame in zip(("first", "last"), span):
        if read[knob].value() != frame:
            read[knob].setValue(frame)


def say(group: nuke.Node, sentence: str) -> None:
    """Puts a sentence where the artist looks: the knob status, and by it the node's label."""
    with unrecorded():
        group["status"].setValue(sentence)
