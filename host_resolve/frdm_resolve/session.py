"""Reaching Resolve, from a script it runs itself and from outside, and saying plainly what is missing."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Tuple, TypeVar

from frdm_resolve.errors import SessionError

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Resolve, Timeline

MODULE = "DaVinciResolveScript"
UNTITLED = "Untitled Project"
OLDEST = (19, 1)
"""Resolve that reads source times and subframe offsets, without which a retime goes unseen."""
PYTHON_IS_STUDIO = (21, 1)
"""From here on the free version runs no Python scripts at all."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Session:
    """A Resolve that answers. `bmd` is its module, for windows; None where there are none."""

    resolve: Resolve
    product: str
    version: Tuple[int, ...]
    bmd: Any = None


@dataclass(frozen=True)
class Open:
    """The project and timeline that are open. The artist may open others meanwhile: then `check` tells."""

    session: Session
    project: Project
    pool: MediaPool
    timeline: Optional[Timeline]
    name: str
    unique: str

    def check(self) -> None:
        """Raises SessionError where another project is open by now, or Resolve is gone."""
        now = self.session.resolve.GetProjectManager()
        found = now.GetCurrentProject() if now else None
        if not found:
            raise SessionError(
                "Resolve no longer answers; start it again, open the project, and run FRDM Restore again."
            )
        if found.GetUniqueId() != self.unique:
            raise SessionError(
                f"The project {self.name} is no longer the open one; open it and run FRDM Restore again: what is "
                "restored already is kept."
            )

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Calls within come to nothing where Resolve quits or shows a message: then SessionError tells, not Python."""
        try:
            yield
        except (AttributeError, TypeError):
            self.check()
            raise

    def line(self) -> Timeline:
        """The timeline.

        Raises:
            SessionError: none is open.
        """
        if not self.timeline:
            raise SessionError("No timeline is open; open one in the Edit page, then run FRDM Restore again.")
        return self.timeline


def folders(system: str, environment: Mapping[str, str]) -> Tuple[Path, Path]:
    """The scripting folder and the library of an installation, which RESOLVE_SCRIPT_API and _LIB overrule."""
    if system == "win32":
        data = Path(environment.get("PROGRAMDATA") or "C:\\ProgramData")
        api = data / "Blackmagic Design" / "DaVinci Resolve" / "Support" / "Developer" / "Scripting"
        programs = Path(environment.get("ProgramFiles") or "C:\\Program Files")
        library = programs / "Blackmagic Design" / "DaVinci Resolve" / "fusionscript.dll"
    elif system == "darwin":
        api = Path("/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting")
        library = Path("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so")
    else:
        root = Path("/opt/resolve")
        if not root.is_dir() and Path("/home/resolve").is_dir():
            root = Path("/home/resolve")
        api, library = root / "Developer" / "Scripting", root / "libs" / "Fusion" / "fusionscript.so"
    return (
        Path(environment.get("RESOLVE_SCRIPT_API") or api),
        Path(environment.get("RESOLVE_SCRIPT_LIB") or library),
    )


def connect(given: Optional[Mapping[str, Any]] = None) -> Session:
    """Resolve, as it was put into a script's names (`given`), or from outside.

    Raises:
        SessionError: it cannot be reached, or is the free version or too old; the sentence says which.
    """
    names = given or {}
    bmd = names.get("bmd")
    resolve = names.get("resolve") or names.get("app")
    if not resolve:
        bmd = bmd or _module()
        resolve = bmd.scriptapp("Resolve")
    if not resolve:
        raise SessionError(
            "Resolve gives scripts no access: start DaVinci Resolve Studio, set Preferences > System > General > "
            "External scripting using to Local, and run this again (the free version takes no scripts from outside)."
        )
    return _looked_at(resolve, bmd)


def _looked_at(resolve: Resolve, bmd: Any) -> Session:
    # The name comes before any other call: on the free version a gated one opens a window that stops all others.
    product = resolve.GetProductName()
    if not product:
        raise SessionError("Resolve does not answer; close any message it shows, or start it again.")
    version = tuple(int(part) for part in resolve.GetVersion()[:3] if str(part).isdigit())
    told = ".".join(str(part) for part in version)
    if "studio" not in product.lower():
        raise SessionError(
            f"{product} {told} is the free version, whose scripts can neither reach FRDM's windows nor place results; "
            "use DaVinci Resolve Studio, or restore the files with `frdm restore` and import the result by hand."
        )
    if version < OLDEST:
        raise SessionError(f"{product} {told} is too old for FRDM; 19.1 is the first that tells a clip's speed.")
    return Session(resolve, product, version, bmd)


def _module() -> Any:
    api, library = folders(sys.platform, os.environ)
    modules = api / "Modules"
    if not (modules / f"{MODULE}.py").is_file():
        raise SessionError(
            f"Resolve's scripting is not at {modules}; install DaVinci Resolve Studio, or name its folder "
            "Developer/Scripting in RESOLVE_SCRIPT_API."
        )
    if not library.is_file():
        raise SessionError(f"Resolve's library is not at {library}; name it in RESOLVE_SCRIPT_LIB.")
    os.environ.setdefault("RESOLVE_SCRIPT_API", str(api))
    os.environ.setdefault("RESOLVE_SCRIPT_LIB", str(library))
    if str(modules) not in sys.path:
        sys.path.append(str(modules))
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        version = "{}.{}".format(*sys.version_info[:2])
        raise SessionError(
            f"Python {version} cannot load Resolve's library {library} ({error}); use a 64-bit Python that your "
            "Resolve supports, as its Developer/Scripting/README.txt tells."
        ) from error


def opened(session: Session, *, timeline: bool = True) -> Open:
    """The open project.

    Raises:
        SessionError: there is none, or it has no name yet, or no timeline is open where one is needed.
    """
    manager = session.resolve.GetProjectManager()
    project = manager.GetCurrentProject() if manager else None
    if not project:
        raise SessionError("No project is open; open one, then run FRDM Restore again.")
    name = project.GetName()
    if not name or name == UNTITLED:
        raise SessionError(
            "The project has no name yet, so results could not be found again; save it with File > Save Project As, "
            "then run FRDM Restore again."
        )
    found = Open(session, project, project.GetMediaPool(), project.GetCurrentTimeline(), name, project.GetUniqueId())
    if timeline:
        found.line()
    return found


def can(thing: Any, method: str) -> bool:
    """Whether an object of Resolve has a method; hasattr() is always true there."""
    return method in dir(thing)
