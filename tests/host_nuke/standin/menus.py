"""Menus and toolbars, as data that tests can look at and invoke."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Union

from tests.host_nuke.standin import state

MENUS = ("Nuke", "Pane", "Nodes", "Properties", "Animation", "Viewer", "Node Graph", "Axis")


class MenuItem:
    """An entry."""

    def __init__(self, name: str, command: Any = None, shortcut: str = "", icon: str = "") -> None:
        self._name, self._command, self._shortcut, self._icon = name, command, shortcut, icon
        self._enabled = True

    def name(self) -> str:
        """What it says."""
        return self._name

    def icon(self) -> str:
        """File of its icon."""
        return self._icon

    def script(self) -> str:
        """What it runs, as text."""
        return self._command if isinstance(self._command, str) else repr(self._command)

    def shortcut(self) -> str:
        """Its key."""
        return self._shortcut

    def setEnabled(self, enabled: bool, recursive: bool = False) -> None:
        """Whether it can be chosen."""
        self._enabled = enabled

    def invoke(self) -> None:
        """Chooses it."""
        if isinstance(self._command, str):
            exec(self._command, {"nuke": __import__("nuke")})
        elif self._command is not None:
            self._command()


class _Entries:
    """What menus and toolbars have in common: entries by path, `A/B` for B in the menu A."""

    _items: List[MenuItem]

    def items(self) -> List[MenuItem]:
        """Its entries."""
        return list(self._items)

    def addMenu(
        self,
        name: str,
        icon: str = "",
        tooltip: str = "",
        index: int = -1,
        type: str = "",
        node: bool = False,
    ) -> Menu:
        """A menu in it, the one that is there or a new one."""
        first, _, rest = name.partition("/")
        found = self.findItem(first)
        if not isinstance(found, Menu):
            found = Menu(first, icon)
            self._place(found, index)
        return found.addMenu(rest, icon) if rest else found

    def addCommand(
        self,
        name: str,
        command: Union[str, Callable[[], Any], None] = None,
        shortcut: str = "",
        icon: str = "",
        tooltip: str = "",
        index: int = -1,
        readonly: bool = False,
        type: str = "",
        node: bool = False,
        shortcutContext: Optional[int] = None,
    ) -> MenuItem:
        """An entry in it; one of the same name is replaced."""
        menu, _, last = name.rpartition("/")
        if menu:
            return self.addMenu(menu).addCommand(last, command, shortcut, icon)
        self.removeItem(last)
        made = MenuItem(last, command, shortcut, icon)
        self._place(made, index)
        return made

    def _place(self, item: MenuItem, index: int) -> None:
        self._items.insert(len(self._items) if index < 0 else index, item)

    def addSeparator(self, index: int = -1) -> MenuItem:
        """A line."""
        made = MenuItem("")
        self._place(made, index)
        return made

    def findItem(self, name: str) -> Optional[MenuItem]:
        """An entry by its path, or None."""
        first, _, rest = name.partition("/")
        found = next((one for one in self._items if one.name() == first), None)
        if not rest:
            return found
        return found.findItem(rest) if isinstance(found, Menu) else None

    def menu(self, name: str) -> Optional[Menu]:
        """A menu by its path, or None."""
        found = self.findItem(name)
        return found if isinstance(found, Menu) else None

    def removeItem(self, name: str) -> None:
        """Takes it out."""
        self._items[:] = [one for one in self._items if one.name() != name]

    def clearMenu(self) -> None:
        """Takes all out."""
        self._items.clear()


class Menu(_Entries, MenuItem):
    """A menu."""

    def __init__(self, name: str, icon: str = "") -> None:
        super().__init__(name, icon=icon)
        self._items = []


class ToolBar(_Entries):
    """A toolbar."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._items = []

    def name(self) -> str:
        """What it is called."""
        return self._name


def menu(name: str) -> Menu:
    """nuke.menu: one of Nuke's menus. There are none in the terminal.

    Raises:
        RuntimeError: there is no such menu.
    """
    menus = _there()
    if name not in MENUS:
        raise RuntimeError(f"menu {name} not found")
    found: Menu = menus.setdefault(name, Menu(name))
    return found


def toolbar(name: str, create: bool = True) -> Optional[ToolBar]:
    """nuke.toolbar; `Nodes` shows the entries of the menu of that name."""
    menus = _there()
    key = f"toolbar {name}"
    if key not in menus:
        if not create and name != "Nodes":
            return None
        menus[key] = ToolBar(name)
        if name == "Nodes":
            menus[key]._items = menu("Nodes")._items
    found: ToolBar = menus[key]
    return found


def _there() -> Dict[str, Any]:
    session = state.now()
    if not session.gui:
        raise RuntimeError("not in GUI mode")
    return session.menus
