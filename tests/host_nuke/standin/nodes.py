"""Nodes: their knobs, inputs and place in a group; groups and the root."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from tests.host_nuke.standin import callbacks, channels, expressions, knobs, mainthread, state, texts, undo
from tests.host_nuke.standin.knobs import Knob
from tests.host_nuke.standin.looks import Looks
from tests.host_nuke.standin.numeric import PARTS
from tests.host_nuke.standin.pictures import Pictures

INPUTS, HIDDEN_INPUTS, EXPRESSIONS, LINKINPUTS = 1, 2, 4, 8


class _Name(texts.String_Knob):
    """A node's name: unique within its group, letters, digits and underscores."""

    def Class(self) -> str:
        return "String_Knob"

    def _kept(self, text: str) -> str:
        return text if self._node is None else self._node._free_name(text)


class Node(Pictures, Looks):
    """One node. It is one object for good: callbacks compare by identity."""

    def __init__(self, kind: Any, group: Optional[Group]) -> None:
        self._kind = kind
        self._group = group
        self._knobs: Dict[str, Knob] = {}
        self._inputs: List[Optional[Node]] = []
        self._deleted = False
        self._failed = ""
        for knob in kind.knobs():
            self._put(knob)

    # knobs

    def _put(self, knob: Knob, *, user: bool = False) -> None:
        """Gives it a knob. (The stand-in's own.)"""
        self._knobs[knob.name()] = knob
        knob._node = self
        knob._user = user

    def _alive(self) -> None:
        """Raises ValueError where the node is deleted. (The stand-in's own.)"""
        if self._deleted:
            raise ValueError("A PythonObject is not attached to a node")

    def knob(self, p: Union[str, int], follow_link: bool = True) -> Optional[Knob]:
        """A knob by its name or number, or None."""
        self._alive()
        if isinstance(p, int):
            return list(self._knobs.values())[p] if p < len(self._knobs) else None
        return self._knobs.get(p)

    def __getitem__(self, name: str) -> Any:
        found = self.knob(name)
        if found is None:
            raise NameError(f"knob {name} does not exist")
        return found

    def knobs(self) -> Dict[str, Knob]:
        """All, by name."""
        self._alive()
        return dict(self._knobs)

    def allKnobs(self) -> List[Knob]:
        """All, in order, those without a name too."""
        return list(self._knobs.values())

    def numKnobs(self) -> int:
        """How many."""
        return len(self._knobs)

    def addKnob(self, knob: Knob) -> None:
        """Adds a knob of the user's.

        Raises:
            ValueError: a knob of that name is there already.
        """
        mainthread.check("Node.addKnob")
        self._alive()
        if knob.name() in self._knobs and knob.name():
            # Nuke is said to add a second one, which nothing can name; refused here.
            raise ValueError(f"{self.fullName()} has a knob {knob.name()} already")
        if not any(isinstance(one, texts.Tab_Knob) and one._user for one in self._knobs.values()) and not isinstance(
            knob, texts.Tab_Knob
        ):
            self._put(texts.Tab_Knob("User"), user=True)
        self._put(knob, user=True)
        undo.record(f"Add {knob.name()}", lambda: self._drop(knob), lambda: self._put(knob, user=True))
        state.now().modified = True

    def removeKnob(self, knob: Knob) -> None:
        """Takes a user's knob away.

        Raises:
            ValueError: it is none of the user's knobs of this node.
        """
        mainthread.check("Node.removeKnob")
        if self._knobs.get(knob.name()) is not knob or not knob._user:
            raise ValueError(f"{knob.name()} is no user knob of {self.fullName()}")
        self._drop(knob)
        undo.record(f"Remove {knob.name()}", lambda: self._put(knob, user=True), lambda: self._drop(knob))

    def _drop(self, knob: Knob) -> None:
        self._knobs.pop(knob.name(), None)

    def _user_knobs(self) -> List[Knob]:
        """Those that were added. (The stand-in's own.)"""
        return [one for one in self._knobs.values() if one._user]

    def _pressed(self, button: str) -> None:
        """A button without Python: reload and the like. (The stand-in's own.)"""
        self._kind.press(self, button)

    def _opened(self, first: Optional[int], last: Optional[int]) -> None:
        """A file knob has taken a name from a person. (The stand-in's own.)"""
        self._kind._opened(self, first, last)

    # names

    def Class(self) -> str:
        """Name of the class."""
        return str(self._kind.name)

    def name(self) -> str:
        """Name within its group."""
        self._alive()
        return str(self._knobs["name"].value())

    def fullName(self) -> str:
        """Name with its groups', from below the root."""
        above = self._group
        return self.name() if above is None or above._group is None else f"{above.fullName()}.{self.name()}"

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        """Renames it; a name that is taken gets a number.

        Raises:
            ValueError: the name holds what no name may.
        """
        mainthread.check("Node.setName")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{name!r} is no name of a node")
        self._knobs["name"].setValue(name)

    def _free_name(self, wanted: str) -> str:
        """The name, or with another number at its end if it is taken. (The stand-in's own.)"""
        if self._group is None:
            return wanted
        taken = {one._knobs["name"].value() for one in self._group._children if one is not self}
        if wanted not in taken:
            return wanted
        base, number = re.sub(r"\d+$", "", wanted), 1
        while f"{base}{number}" in taken:
            number += 1
        return f"{base}{number}"

    def parent(self) -> Any:
        """Its group."""
        return self._group

    def rootNode(self) -> Any:
        """The script."""
        return state.now().root

    # inputs

    def input(self, index: int) -> Optional[Node]:
        """What is connected there."""
        self._alive()
        found = self._inputs[index] if 0 <= index < len(self._inputs) else None
        return None if found is not None and found._deleted else found

    def inputs(self) -> int:
        """Number of the last connected input, and one."""
        return max((index + 1 for index in range(len(self._inputs)) if self.input(index) is not None), default=0)

    def setInput(self, i: int, node: Optional[Node]) -> bool:
        """Connects an input, or with None takes it off; whether that could be done."""
        mainthread.check("Node.setInput")
        self._alive()
        if not self.canSetInput(i, node):
            return False
        before = list(self._inputs)
        while len(self._inputs) <= i:
            self._inputs.append(None)
        self._inputs[i] = node
        after = list(self._inputs)
        undo.record(f"Connect {self.name()}", lambda: self._rewire(before), lambda: self._rewire(after))
        callbacks.knob_changed(self, knobs.Knob("inputChange"))
        return True

    def _rewire(self, inputs: List[Optional[Node]]) -> None:
        self._inputs = list(inputs)

    def canSetInput(self, i: int, node: Optional[Node]) -> bool:
        """Whether it has that input, and no loop comes of it."""
        if i < 0 or i >= self.maxInputs():
            return False
        if node is not None and node._group is not self._group:
            # Nodes of two groups cannot be connected.
            return False
        return node is None or (node is not self and self not in _above(node))

    def connectInput(self, i: int, node: Optional[Node]) -> bool:
        """The first free input from i on."""
        while self.input(i) is not None and i + 1 < self.maxInputs():
            i += 1
        return self.setInput(i, node)

    def maxInputs(self) -> int:
        """How many inputs it can have."""
        return int(self._kind.inputs(self)[1])

    def minInputs(self) -> int:
        """How many it has at least."""
        return int(self._kind.inputs(self)[0])

    def maximumInputs(self) -> int:
        """maxInputs()."""
        return self.maxInputs()

    def minimumInputs(self) -> int:
        """minInputs()."""
        return self.minInputs()

    def dependencies(self, what: int = INPUTS | HIDDEN_INPUTS | EXPRESSIONS, /) -> List[Node]:
        """Nodes it depends on directly: by inputs (hidden ones too) and by expressions."""
        self._alive()
        hidden = bool(self._knobs["hide_input"].value()) if "hide_input" in self._knobs else False
        found: List[Node] = []
        if what & (HIDDEN_INPUTS if hidden else INPUTS):
            found += [one for one in map(self.input, range(len(self._inputs))) if one is not None]
        if what & EXPRESSIONS:
            found += [one for one in self._named_by_expressions() if one is not self]
        return list(dict.fromkeys(found))

    def dependent(self, what: int = INPUTS | HIDDEN_INPUTS | EXPRESSIONS, /, forceEvaluate: bool = True) -> List[Node]:
        """Nodes that depend on it directly."""
        root = state.now().root
        return [one for one in root._all_nodes() if any(above is self for above in one.dependencies(what))]

    def _named_by_expressions(self) -> Iterator[Node]:
        for knob in self._knobs.values():
            text = knob.toScript() if knob.hasExpression() else ""
            if isinstance(knob, channels.Link_Knob):
                text = knob.getLink()
            if isinstance(knob, texts.EvalString_Knob):
                text = " ".join(re.findall(r"\[(?:value|knob) ([\w.]+)", knob.getText()))
            for word in re.findall(r"[A-Za-z_][\w]*(?:\.[A-Za-z_0-9]\w*)+", text):
                found = self._find_knob(word)
                if found is not None and found.node() is not state.now().root:
                    yield found.node()

    # looking up names, as expressions and Tcl do

    def _find_knob(self, path: str) -> Optional[Knob]:
        """A knob by its dotted name, seen from this node. (The stand-in's own.)"""
        return self._find(path)[0]

    def _find(self, path: str) -> Tuple[Optional[Knob], int]:
        words = path.split(".")
        here: Any = self
        if len(words) > 1:
            here = self._first(words[0])
            for word in words[1:]:
                if here is None:
                    return None, 0
                if here.knob(word) is not None:
                    break
                following = _step(here, word)
                if following is None:
                    break
                here = following
                words = words[1:]
            words = words[1:]
        if here is None or not words:
            return None, 0
        knob = here.knob(words[0])
        if len(words) > 1:
            return knob, PARTS.get(words[1], 0) if words[1] not in ("w", "h") else int(words[1] == "h")
        return knob, 0

    def _first(self, word: str) -> Optional[Node]:
        if word == "this":
            return self
        if word == "root":
            found: Optional[Node] = state.now().root
            return found
        stepped = _step(self, word) if word == "parent" or word.startswith("input") else None
        if stepped is not None:
            return stepped
        return self._group.node(word) if self._group is not None else None

    def _number_named(self, name: str, frame: float) -> float:
        """What an expression sees by a name. (The stand-in's own.)

        Raises:
            ExpressionError: nothing is named so.
        """
        if name in ("frame", "t", "x"):
            return frame
        knob, index = self._find(name)
        if knob is None:
            if name in ("width", "height"):
                return float(getattr(self, name)())
            raise expressions.ExpressionError(f"{self.fullName()}: nothing is named {name}")
        return knob._number_value(frame, index)

    @staticmethod
    def _session_frame() -> float:
        """The current frame. (The stand-in's own.)"""
        session = state.now()
        frame = session.current("frame")
        return float(session.root["frame"]._number_value(0.0)) if frame is None else float(frame)

    # as text

    def writeKnobs(self, flags: int = 0) -> str:
        """Its knobs as text, as scripts hold them."""
        from tests.host_nuke.standin import script

        return script.knob_lines(self)

    def readKnobs(self, s: str) -> None:
        """Takes such text."""
        from tests.host_nuke.standin import script

        mainthread.check("Node.readKnobs")
        script.read_knobs(self, s)

    def __repr__(self) -> str:
        return f"<{self.Class()} {'deleted' if self._deleted else self.fullName()}>"

    def __len__(self) -> int:
        return len(self._knobs)

    def __bool__(self) -> bool:
        return True


class Group(Node):
    """A node with nodes inside; an argument of `with` for what is made there."""

    def __init__(self, kind: Any, group: Optional[Group]) -> None:
        self._children: List[Node] = []
        super().__init__(kind, group)

    def begin(self) -> Group:
        """Nodes are made in it from now on."""
        state.now().context.append({"group": self})
        return self

    def end(self) -> None:
        """No longer."""
        context = state.now().context
        for index in range(len(context) - 1, -1, -1):
            if context[index].get("group") is self and "node" not in context[index]:
                del context[index]
                return

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()

    def nodes(self) -> List[Node]:
        """Those inside, the newest first."""
        self._alive()
        return list(reversed(self._children))

    def numNodes(self) -> int:
        """How many."""
        return len(self._children)

    def node(self, s: str) -> Optional[Node]:
        """One inside, by its name, with dots for those within groups."""
        self._alive()
        name, _, rest = s.partition(".")
        found = next((one for one in self._children if one.name() == name), None)
        if not rest:
            return found
        return found.node(rest) if isinstance(found, Group) else None

    def output(self) -> Optional[Node]:
        """The Output inside."""
        return next((one for one in self._children if one.Class() == "Output"), None)

    def _all_nodes(self) -> List[Node]:
        """Those inside, and inside of those. (The stand-in's own.)"""
        found: List[Node] = []
        for one in self._children:
            found.append(one)
            if isinstance(one, Group):
                found += one._all_nodes()
        return found

    def selectedNodes(self) -> List[Node]:
        """Those inside that are selected, the newest first."""
        return [one for one in self.nodes() if one.isSelected()]


class Root(Group):
    """The script."""

    def fullName(self) -> str:
        return "root"

    def name(self) -> str:
        """File of the script; `Root` where it has none."""
        return str(self["name"].value()) or "Root"

    def setFrame(self, frame: float) -> None:
        """Goes to a frame."""
        self["frame"].setValue(frame)

    def fps(self) -> int:
        """Frames a second, whole."""
        return int(self["fps"].value())

    def realFps(self) -> float:
        """Frames a second."""
        return float(self["fps"].value())

    def firstFrame(self) -> int:
        """Of the project."""
        return int(self["first_frame"].value())

    def lastFrame(self) -> int:
        """Of the project."""
        return int(self["last_frame"].value())

    def modified(self) -> bool:
        """Whether it has changed since it was saved."""
        return state.now().modified

    def setModified(self, modified: bool) -> None:
        """Says so."""
        state.now().modified = modified

    def setProxy(self, proxy: bool) -> None:
        """Proxy mode."""
        self["proxy"].setValue(proxy)

    def addView(self, name: str, *_: Any) -> None:
        """Another view."""
        self["views"].setValue("\n".join([*views(), name]))

    def deleteView(self, name: str) -> None:
        """One view less."""
        self["views"].setValue("\n".join(one for one in views() if one != name))


class Gizmo(Group):
    """A group kept in a file of its own. The stand-in makes none."""


def views() -> List[str]:
    """Names of the script's views."""
    return str(state.now().root["views"].value()).split()


def _step(node: Any, word: str) -> Any:
    if word == "parent":
        return node.parent()
    if re.fullmatch(r"input\d*", word):
        return node.input(int(word[5:] or 0))
    return node.node(word) if isinstance(node, Group) else None


def _above(node: Node) -> List[Node]:
    found: List[Node] = []
    waiting: List[Node] = [node]
    while waiting:
        one = waiting.pop()
        for more in (one.input(index) for index in range(len(one._inputs))):
            if more is not None and more not in found:
                found.append(more)
                waiting.append(more)
    return found
