"""A result on the disk becomes a clip in the bin FRDM, with rate, timecode and colour space of its original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Tuple

from frdm_resolve import marks, timecode
from frdm_resolve.clips import Media, media_of
from frdm_resolve.errors import AdapterError, ImportFailedError
from frdm_resolve.session import Open

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem


def on_disk(pattern: str, number: int, count: int, *, what: str) -> None:
    """Raises ImportFailedError where one of the files is not there or is empty."""
    for frame in range(number, number + count):
        path = Path(pattern % frame)
        if not path.is_file() or path.stat().st_size == 0:
            raise ImportFailedError(f"{what}: {path} is not there, though it was said to be done; run it again.")


def bring(opened: Open, pattern: str, number: int, source: Media, first: int, count: int) -> Tuple[Media, bool]:
    """Imports `count` files of a result whose first shows the frame `first` of the source; and whether the bin is new.

    Raises:
        ImportFailedError: the clip is not what it must be; it is taken out again.
        SessionError: another project is open by now.
    """
    opened.check()
    on_disk(pattern, number, count, what=source.name)
    pool = opened.pool
    folder, made = _bin(pool)
    current = pool.GetCurrentFolder()
    try:
        pool.SetCurrentFolder(folder)
        before = {one.GetUniqueId() for one in folder.GetClipList() or []}
        pool.ImportMedia([{"FilePath": pattern, "StartIndex": number, "EndIndex": number + count - 1}])
        # The answer proves nothing: the bin is looked at.
        found = [one for one in folder.GetClipList() or [] if one.GetUniqueId() not in before]
    finally:
        pool.SetCurrentFolder(current)
    try:
        if len(found) != 1:
            raise ImportFailedError(
                f"Resolve imported {len(found)} clips of {pattern} in place of one; see that this machine's Resolve "
                "reads that folder, and that Show Individual Frames is off in the Media Storage."
            )
        return _checked(found[0], source, first, count), made
    except AdapterError:
        discard(opened, found, made)
        raise


def discard(opened: Open, clips: List[MediaPoolItem], made: bool) -> None:
    """Takes clips that were just imported out again, and the bin where it was made for them."""
    if clips:
        opened.pool.DeleteClips(clips)
    if made:
        empty_bin(opened.pool)


def empty_bin(pool: MediaPool) -> None:
    """Removes the bin FRDM where nothing lies in it."""
    for folder in pool.GetRootFolder().GetSubFolderList() or []:
        if folder.GetName() == marks.BIN and not folder.GetClipList() and not folder.GetSubFolderList():
            pool.DeleteFolders([folder])


def _bin(pool: MediaPool) -> Tuple[Folder, bool]:
    root, current = pool.GetRootFolder(), pool.GetCurrentFolder()
    for folder in root.GetSubFolderList() or []:
        if folder.GetName() == marks.BIN:
            return folder, False
    pool.AddSubFolder(root, marks.BIN)
    pool.SetCurrentFolder(current)  # a new bin becomes the current one
    for folder in root.GetSubFolderList() or []:
        if folder.GetName() == marks.BIN:
            return folder, True
    raise ImportFailedError(f"Resolve makes no bin {marks.BIN}; make one in the media pool, then run this again.")


def _checked(clip: MediaPoolItem, source: Media, first: int, count: int) -> Media:
    found = media_of(clip)
    if found.frames != count:
        raise ImportFailedError(f"Resolve imported {found.frames} of {count} frames of {found.path}; run it again.")
    if found.rate != source.rate:
        clip.SetClipProperty("FPS", timecode.shown(source.rate))
    code = source.code(first)
    if clip.GetClipProperty("Start TC") != code:
        clip.SetClipProperty("Start TC", code)
    if source.space and found.space != source.space:
        clip.SetClipProperty("Input Color Space", source.space)
    found = media_of(clip)
    if found.rate != source.rate:
        raise ImportFailedError(
            f"Resolve leaves {found.name} at {timecode.shown(found.rate)} frames a second and does not take "
            f"{timecode.shown(source.rate)}, those of its original; set the rate in Clip Attributes by hand."
        )
    if found.code(0) != code:
        raise ImportFailedError(f"Resolve gives {found.name} the timecode {found.code(0)} and does not take {code}.")
    if source.space and found.space != source.space:
        raise ImportFailedError(
            f"Resolve does not take the input colour space {source.space} of the original for {found.name}; set it "
            "in the clip's context menu by hand."
        )
    return found
