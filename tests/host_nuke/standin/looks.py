"""How a node looks: selection, place, panel."""

from __future__ import annotations

from typing import Any

from tests.host_nuke.standin import callbacks, knobs, mainthread, state


class Looks:
    """The part of a node that the artist sees."""

    def isSelected(self: Any) -> bool:
        """Whether it is selected."""
        return bool(self["selected"].value())

    def setSelected(self: Any, selected: bool) -> None:
        """Selects it too, or takes it off."""
        self["selected"].setValue(selected)

    def selectOnly(self: Any) -> None:
        """Selects it alone."""
        for one in self._group._children if self._group is not None else []:
            one["selected"].setValue(one is self)

    def xpos(self: Any) -> int:
        """Place in the graph."""
        return int(self["xpos"].value())

    def ypos(self: Any) -> int:
        """Place in the graph."""
        return int(self["ypos"].value())

    def setXYpos(self: Any, x: int, y: int) -> None:
        """Places it."""
        self["xpos"].setValue(x)
        self["ypos"].setValue(y)

    def screenWidth(self: Any) -> int:
        """Size in the graph."""
        return 80

    def screenHeight(self: Any) -> int:
        """Size in the graph."""
        return 18

    def showControlPanel(self: Any, forceFloat: bool = False) -> None:
        """Opens its panel."""
        mainthread.check("Node.showControlPanel")
        state.now().panels.append(self.fullName())
        callbacks.knob_changed(self, knobs.Knob("showPanel"))

    def hideControlPanel(self: Any) -> None:
        """Closes it."""
        mainthread.check("Node.hideControlPanel")
        if self.fullName() in state.now().panels:
            state.now().panels.remove(self.fullName())

    def shown(self: Any) -> bool:
        """Whether its panel is open."""
        return self.fullName() in state.now().panels

    def redraw(self: Any) -> None:
        """Draws it anew."""
        mainthread.check("Node.redraw")

    def autoplace(self: Any) -> None:
        """Finds a place for it."""
        mainthread.check("Node.autoplace")
