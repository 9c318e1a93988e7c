"""The application itself."""

from __future__ import annotations

from typing import Any, List, Optional

from tests.host_resolve.standin.manager import ProjectManager
from tests.host_resolve.standin.remote import Remote, call
from tests.host_resolve.standin.storage import MediaStorage

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")


class Resolve(Remote):
    """What scriptapp("Resolve") gives."""

    KEYFRAME_MODE_ALL = 0
    KEYFRAME_MODE_COLOR = 1
    KEYFRAME_MODE_SIZING = 2
    CACHE_AUTO_ENABLED = -1
    CACHE_DISABLED = 0
    CACHE_ENABLED = 1

    def __init__(self) -> None:
        super().__init__()
        self._manager = ProjectManager()
        self._storage = MediaStorage(self._manager)
        self._fusion: Any = None

    @call
    def GetProjectManager(self) -> ProjectManager:
        return self._manager

    @call
    def GetMediaStorage(self) -> MediaStorage:
        return self._storage

    @call
    def Fusion(self) -> Any:
        return self._fusion

    @call
    def GetProductName(self) -> str:
        return self._session.product

    @call
    def GetVersion(self) -> List[Any]:
        return [*self._session.version, 5, ""]

    @call
    def GetVersionString(self) -> str:
        return "{}.{}.{}.0005".format(*self._session.version)

    @call
    def GetCurrentPage(self) -> Optional[str]:
        return self._session.page if self._session.gui else None

    @call
    def OpenPage(self, pageName: str) -> bool:
        if pageName not in PAGES or not self._session.gui:
            return False
        self._session.page = pageName
        return True

    @call
    def Quit(self) -> None:
        self._session.violations.append("Quit ended the artist's session")
        self._session.running = False
