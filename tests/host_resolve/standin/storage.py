"""Media storage: the disk as Resolve lists it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

from tests.host_resolve.standin.clips import MediaPoolItem
from tests.host_resolve.standin.manager import ProjectManager
from tests.host_resolve.standin.media import STILLS, SUFFIXES, pattern_of, runs
from tests.host_resolve.standin.remote import Remote, call


class MediaStorage(Remote):
    """Volumes and folders; numbered files are shown as one entry."""

    def __init__(self, manager: ProjectManager) -> None:
        super().__init__()
        self._manager = manager

    @call
    def GetMountedVolumeList(self) -> List[str]:
        return ["/"]

    @call
    def GetSubFolderList(self, folderPath: str) -> List[str]:
        return sorted(str(one) for one in Path(folderPath).iterdir() if one.is_dir())

    @call
    def GetFileList(self, folderPath: str) -> List[str]:
        listed: List[str] = []
        for path in sorted(Path(folderPath).iterdir()):
            if path.suffix.lower() not in SUFFIXES:
                continue
            pattern = pattern_of(str(path)) if path.suffix.lower() in STILLS else None
            if pattern is None:
                listed.append(str(path))
                continue
            head, tail = pattern.split("%", 1)
            digits, ext = tail.split("d", 1)
            for run in runs(pattern):
                name = f"{head}[%{digits}d-%{digits}d]{ext}" % (run.start, run.stop - 1)
                if name not in listed:
                    listed.append(name)
        return listed

    @call
    def AddItemListToMediaPool(self, items: Any, *args: str) -> List[MediaPoolItem]:
        project = self._manager._current
        if project is None:
            return []
        listed = list(items) if isinstance(items, list) else [items, *args]
        return project._pool.ImportMedia(listed) or []

    @call
    def RevealInStorage(self, path: str) -> bool:
        return Path(path).exists()
