"""One run over the chosen clips: what is there already and fits is left, what lacks or is stale is restored."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence, Tuple

from frdm_resolve import engine, importing, marks, placement, render
from frdm_resolve.clips import Shot
from frdm_resolve.engine import Made
from frdm_resolve.errors import AdapterError, ClipError, PlacementError, StoppedError
from frdm_resolve.marks import Mark
from frdm_resolve.session import Open
from frdm_resolve.settings import Options

if TYPE_CHECKING:
    from fusionscript import Timeline, TimelineItem

Tell = Callable[[str, int, int, Optional[float]], None]
"""What is being done, frames done, of how many, seconds left if known."""


@dataclass(frozen=True)
class Outcome:
    """What became of a clip: `done`, `kept` (it was there and fits), `refused` or `failed`; and a sentence."""

    name: str
    state: str
    said: str


def restore(
    opened: Open,
    shots: Sequence[Shot],
    options: Options,
    *,
    tell: Tell = lambda what, done, total, left: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> List[Outcome]:
    """Restores clips one after the other; one that fails does not keep the others from it.

    Raises:
        ChoiceError: an option holds what it cannot.
        StoppedError: it was cancelled; what is placed stays.
    """
    options.check()
    found = []
    model = engine.model(options.connection) if shots else ""
    for shot in shots:
        try:
            with opened.answering():
                opened.check()
                found.append(_one(opened, shot, options, model, tell, cancelled))
        except StoppedError:
            raise
        except ClipError as error:
            found.append(Outcome(shot.name, "refused", str(error)))
        except AdapterError as error:
            found.append(Outcome(shot.name, "failed", str(error)))
    return found


def _one(opened: Open, shot: Shot, options: Options, model: str, tell: Tell, cancelled: Callable[[], bool]) -> Outcome:
    space = options.space(shot.media.space, shot.media.name)
    there, stale = existing(opened, shot, options, space, model)
    if there is not None:
        if there.way == "take" and shot.item is not None:
            index = placement.take_of(shot.item, there.result)
            if shot.item.GetSelectedTakeIndex() != index:
                shot.item.SelectTakeByIndex(index)
                return Outcome(shot.name, "kept", f"{shot.name}: its restored take was there, and is selected again.")
        return Outcome(shot.name, "kept", f"{shot.name} is restored already with these settings.")
    first, end = shot.wide(options.handles)
    digest = _digest(shot, options, space, first, end)
    folder = _folder(opened, shot, options, digest, model)
    name = _plain(Path(shot.media.path).stem.split("[")[0].rstrip("._-%") or shot.name)
    if shot.media.direct:
        source, number = shot.media.pattern, shot.media.number + first
    else:
        source, number = render.source(
            opened, shot.media, first, end, folder / "source", tell=tell, cancelled=cancelled
        )
    output = str(folder / f"{name}.%07d.exr")
    made = engine.run(
        connection=options.connection,
        source=source,
        output=output,
        frames=(number, number + end - first - 1),
        settings=options.settings(),
        colourspace=space,
        label=shot.name,
        tell=lambda done, total, left: tell(shot.name, done, total, left),
        cancelled=cancelled,
    )
    _place(opened, shot, options, digest, output, number, first, end, made)
    was = f", in place of {stale} older" if stale else ""
    where = {"take": "as a take", "track": "on a track above", "bin": f"in the bin {marks.BIN}"}[options.place]
    return Outcome(shot.name, "done", f"{shot.name}: {end - first} frames restored and placed {where}{was}.")


def _place(
    opened: Open,
    shot: Shot,
    options: Options,
    digest: str,
    files: str,
    number: int,
    first: int,
    end: int,
    made: Made,
) -> None:
    """Imports, places and marks a result; where one of these fails the project is as it was."""
    result, made_bin = importing.bring(opened, files, number, shot.media, first, end - first)
    mark = Mark(
        run=uuid.uuid4().hex,
        way=options.place,
        digest=digest,
        settings={name: value for name, value in asdict(options).items() if name not in ("connection", "folder")},
        clip=shot.media.unique,
        item=shot.item.GetUniqueId() if shot.item is not None else "",
        first=first,
        end=end,
        result=result.unique,
        files=files,
        number=number,
        job=made.job,
        model=made.model,
        engine=made.engine,
        made_bin=made_bin,
    )
    note = f"Restored by FRDM {made.engine}, job {made.job[:8]}, model {made.model[:8]}"
    placed = None
    try:
        if options.place == "take":
            placed = placement.as_take(opened, shot, result, first)
        elif options.place == "track":
            placed = placement.on_track(opened, shot, result, first)
        if placed is not None:
            mark = replace(mark, before=placed.before, selector=placed.selector, made_track=placed.made_track)
            marks.put(placed.item, mark, length=shot.duration, note=note)
        marks.put(result.clip, mark, length=result.frames, note=note)
    except AdapterError:
        if placed is not None:
            undo(opened, opened.line(), placed.item, mark)
        importing.discard(opened, [result.clip], made_bin)
        raise


def undo(opened: Open, line: Timeline, item: TimelineItem, mark: Mark) -> None:
    """Takes one placement off a timeline: the take, or the item and the track that was made for it.

    Raises:
        PlacementError: it is still there.
    """
    if mark.way == "take":
        if item.GetMarkerByCustomData(mark.text()):
            marks.drop(item, mark)
        index = placement.take_of(item, mark.result)
        if index and item.GetSelectedTakeIndex() == index:
            item.SelectTakeByIndex(placement.take_of(item, mark.before) or placement.take_of(item, mark.clip) or 1)
        if index:
            item.DeleteTakeByIndex(index)
        if placement.take_of(item, mark.result):
            raise PlacementError(
                f"Resolve does not delete the restored take of {item.GetName()}; unlock its track and try again."
            )
        placement.close_selector(item, mark.selector)
        return
    unique = item.GetUniqueId()
    track = next((at for at, one in marks.items(line) if one.GetUniqueId() == unique), 0)
    placement.delete(opened, line, [item])
    if mark.made_track and track and not line.GetItemListInTrack("video", track):
        line.DeleteTrack("video", track)


def existing(opened: Open, shot: Shot, options: Options, space: str, model: str) -> Tuple[Optional[Mark], int]:
    """The result that fits, or None; and how many there are that do not. ``model`` is the engine's, if it is known."""
    stale = 0
    for item, mark in _results(opened, shot):
        if mark.way != options.place:
            continue
        fits = mark.first <= shot.first and shot.end <= mark.end and _whole(mark)
        fits = fits and mark.digest == _digest(shot, options, space, mark.first, mark.end)
        fits = fits and mark.settings.get("handles") == options.handles
        fits = fits and (not model or mark.model == model)
        if fits and item is not None and mark.way == "track":
            fits = placement.in_sync(item, shot, mark.first, opened.line())
        if fits:
            return mark, stale
        stale += 1
    return None, stale


def _results(opened: Open, shot: Shot) -> List[Tuple[Optional[TimelineItem], Mark]]:
    found: List[Tuple[Optional[TimelineItem], Mark]] = []
    if shot.item is None:
        for clip in marks.clips(opened.pool):
            found += [
                (None, mark)
                for mark in marks.read(clip)
                if mark.way == "bin" and mark.clip == shot.media.unique and mark.result == clip.GetUniqueId()
            ]
        return found
    unique = shot.item.GetUniqueId()
    for clip in marks.clips(opened.pool):
        found += [(None, mark) for mark in marks.read(clip) if mark.way == "bin" and mark.item == unique]
    found += [
        (shot.item, mark)
        for mark in marks.read(shot.item)
        if mark.way == "take" and placement.take_of(shot.item, mark.result)
    ]
    for _, item in marks.items(opened.line()):
        found += [(item, mark) for mark in marks.read(item) if mark.way == "track" and mark.item == unique]
    return found


def _whole(mark: Mark) -> bool:
    return all(Path(mark.files % (mark.number + at)).is_file() for at in range(mark.end - mark.first))


def _digest(shot: Shot, options: Options, space: str, first: int, end: int) -> str:
    """Of everything that decides the pixels, beside the model; 32 digits."""
    media = shot.media
    if media.direct:
        paths = [Path(media.pattern % (media.number + frame)) for frame in range(first, end)]
    else:
        paths = [Path(media.path)]
    files = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise ClipError(
                f"{path} of {media.name} cannot be read ({error.strerror}); bring it back first."
            ) from error
        files.append((path.name, stat.st_size, stat.st_mtime_ns))
    facts = [asdict(options.settings()), space, media.path, first, end, files]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _folder(opened: Open, shot: Shot, options: Options, digest: str, model: str) -> Path:
    # Another model has a folder of its own: an older result in the project goes on showing its own pixels.
    root = Path(options.folder).expanduser() if options.folder else Path.home() / "FRDM"
    name = "_".join(part for part in (_plain(shot.name.split("[")[0]), digest[:12], model[:8]) if part)
    folder = root.absolute() / _plain(opened.name) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClipError(f"{folder} cannot be made ({error.strerror}); choose another folder for results.") from error
    return folder


def _plain(name: str) -> str:
    """A name for files and folders on every system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-") or "clip"
