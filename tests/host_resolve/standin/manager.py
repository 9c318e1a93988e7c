"""The project manager: projects of one folder of the database."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from tests.host_resolve.standin.project import UNTITLED, Project
from tests.host_resolve.standin.remote import Remote, call


class ProjectManager(Remote):
    """Projects by name; one is open."""

    def __init__(self) -> None:
        super().__init__()
        self._projects: List[Project] = []
        self._current: Optional[Project] = None

    def _find(self, name: str) -> Optional[Project]:
        return next((one for one in self._projects if one._name == name), None)

    def _switch(self, project: Project) -> None:
        """Objects of the project that was open come to nothing from here on."""
        if self._current is not None:
            self._current._open = False
        project._open = True
        self._current = project

    def _blocked(self) -> bool:
        """A project that was never saved has to be saved first, and only a person can."""
        if self._current is not None and self._current._name == UNTITLED:
            self._session.show_modal("Save Current Project")
            return True
        return False

    @call
    def GetCurrentProject(self) -> Optional[Project]:
        return self._current

    @call
    def CreateProject(self, projectName: str, mediaLocationPath: Optional[str] = None) -> Optional[Project]:
        if self._find(projectName) is not None or self._blocked():
            return None
        made = Project(self, projectName)
        self._projects.append(made)
        self._switch(made)
        return made

    @call
    def LoadProject(self, projectName: str) -> Optional[Project]:
        found = self._find(projectName)
        if found is None or self._blocked():
            return None
        self._switch(found)
        return found

    @call
    def SaveProject(self) -> bool:
        """Measured: one without a name cannot be saved. It is False with an interface, and without one it hangs."""
        project = self._current
        if project is None:
            return False
        if project._name == UNTITLED:
            if not self._session.gui:
                raise TimeoutError("SaveProject of a project without a name never returns with -nogui")
            self._session.show_modal("Save Current Project")
            return False
        for item in [one for one in project._unsaved if not one._lost()]:
            item._track.items.remove(item)
        project._unsaved = []
        project._saves += 1
        return True

    @call
    def CloseProject(self, project: Project) -> bool:
        if project is not self._current:
            return False
        self._session.violations.append(f"CloseProject threw what was unsaved in {project._name} away")
        project._open = False
        self._current = None
        return True

    @call
    def DeleteProject(self, projectName: str) -> bool:
        found = self._find(projectName)
        if found is None or found is self._current:
            return False
        self._projects.remove(found)
        return True

    @call
    def GetProjectListInCurrentFolder(self) -> List[str]:
        return [one._name for one in self._projects]

    @call
    def GetFolderListInCurrentFolder(self) -> List[str]:
        return []

    @call
    def GotoRootFolder(self) -> bool:
        return True

    @call
    def GetCurrentFolder(self) -> str:
        return ""

    @call
    def GetCurrentDatabase(self) -> Dict[str, Any]:
        return {"DbType": "Disk", "DbName": "Local Database"}
