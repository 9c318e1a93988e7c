"""Making, finding, deleting and connecting nodes."""

from __future__ import annotations

from typing import Any, Callable, List, Optional

from tests.host_nuke.standin import callbacks, classes, mainthread, script, state, undo
from tests.host_nuke.standin.nodes import Group, Node


def group() -> Group:
    """The group that nodes are made in now."""
    found: Group = state.now().current("group") or state.now().root
    return found


def make(kind: str, within: Group, name: str = "") -> Node:
    """A new node, with no callback called.

    Raises:
        RuntimeError: there is no such class.
    """
    mainthread.check(f"Making a {kind}")
    of = classes.of(kind)
    node: Node = of.python(of, within)
    base = name or kind.rstrip("0123456789") + "1"
    node.knobs()["name"]._restore(node._free_name(base))
    for knob_name, value in state.now().knob_defaults.items():
        klass, _, own = knob_name.partition(".")
        knob = node.knob(own)
        if klass == kind and knob is not None:
            knob.fromScript(value)
    within._children.append(node)
    undo.record(f"Create {node.name()}", lambda: _take(node), lambda: _put(node))
    state.now().modified = state.now().stirred = True
    return node


def _take(node: Node) -> None:
    parent = node.parent()
    if node in parent._children:
        parent._children.remove(node)
    node._deleted = True


def _put(node: Node) -> None:
    """Back again, as undo does: onCreate is called for "created or undeleted" nodes."""
    node._deleted = False
    node.parent()._children.append(node)
    callbacks.call_safely("OnCreate", node)


def createNode(typ: str, knobs: str = "", inpanel: bool = True) -> Node:
    """As the artist does: the new node is connected below what is selected, is selected alone, and shows its panel.

    Raises:
        RuntimeError: there is no such class.
    """
    session, within = state.now(), group()
    chosen = within.selectedNodes()
    made = make(typ, within)
    if knobs:
        made.readKnobs(knobs)
    for index, one in enumerate(chosen[: max(1, made.minInputs())]):
        if made.canSetInput(index, one):
            made.setInput(index, one)
    made.selectOnly()
    callbacks.call_safely("OnUserCreate", made)
    callbacks.call_safely("OnCreate", made)
    if inpanel and session.gui:
        made.showControlPanel()
    return made


class NodeConstructor:
    """nuke.nodes.Blur and the like: makes a node, by arguments of its knobs, and connects nothing."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self, **told: Any) -> Node:
        """Arguments are knobs; `inputs` is a list of nodes.

        Raises:
            RuntimeError: there is no such class.
            NameError: it has no such knob.
        """
        inputs = told.pop("inputs", [])
        made = make(self._kind, group(), str(told.pop("name", "")))
        for index, one in enumerate(inputs):
            made.setInput(index, one)
        for name, value in told.items():
            if isinstance(value, str):
                made[name].fromScript(value)
            else:
                made[name].setValue(value)
        callbacks.call_safely("OnCreate", made)
        return made


class Nodes:
    """nuke.nodes."""

    def __getattr__(self, kind: str) -> NodeConstructor:
        if kind.startswith("__"):
            raise AttributeError(kind)
        return NodeConstructor(kind)


def delete(n: Optional[Node]) -> None:
    """Deletes a node; onDestroy first, for what is inside of it too."""
    mainthread.check("nuke.delete")
    if n is None:
        return
    node = n
    node._alive()
    for one in [*(node._all_nodes() if isinstance(node, Group) else []), node]:
        callbacks.call_safely("OnDestroy", one)
    name = node.name()
    _take(node)
    for other in state.now().root._all_nodes():
        for index, above in enumerate(other._inputs):
            if above is node:
                # What hung below hangs on what was above, as in Nuke.
                before, after = list(other._inputs), list(other._inputs)
                after[index] = node._inputs[0] if node._inputs else None
                other._rewire(after)
                undo.record("Connect", _rewirer(other, before), _rewirer(other, after))
    undo.record(f"Delete {name}", lambda: _put(node), lambda: _take(node))
    state.now().modified = state.now().stirred = True


def _rewirer(node: Node, inputs: List[Optional[Node]]) -> Callable[[], None]:
    return lambda: node._rewire(inputs)


def allNodes(filter: Optional[str] = None, group: Optional[Group] = None, recurseGroups: bool = False) -> List[Node]:
    """Nodes of the group that is current (or told), newest first; of a class if told, with those in groups if told."""
    within = group or _current()
    found = list(reversed(within._all_nodes())) if recurseGroups else within.nodes()
    return [one for one in found if filter is None or one.Class() == filter]


def _current() -> Group:
    return group()


def toNode(s: str) -> Optional[Node]:
    """A node by its name, seen from the group that is current; `root` is the script."""
    words = s.split(".")
    if words[0] == "root":
        root: Group = state.now().root
        return root.node(".".join(words[1:])) if len(words) > 1 else root
    if words[0] == "this":
        node = state.now().current("node")
        return node if len(words) == 1 else node.node(".".join(words[1:]))
    found = _current().node(s)
    return found if found is not None else None


def selectedNodes(filter: Optional[str] = None) -> List[Node]:
    """Those that are selected in the current group, the newest first."""
    return [one for one in _current().selectedNodes() if filter is None or one.Class() == filter]


def selectedNode() -> Node:
    """One that is selected.

    Raises:
        ValueError: none is.
    """
    found = selectedNodes()
    if not found:
        raise ValueError("No node selected")
    return found[0]


def nodeCopy(s: str) -> None:
    """Copies the selected nodes into a file, or `%clipboard%`."""
    mainthread.check("nuke.nodeCopy")
    text = script.written(_current(), selectedNodes())
    if s == "%clipboard%":
        state.now().clipboard = text
        return
    with open(s, "w", encoding="utf-8") as file:
        file.write(text)


def nodePaste(s: str) -> Optional[Node]:
    """Pastes from a file or `%clipboard%`; what was pasted is selected, its newest given back."""
    mainthread.check("nuke.nodePaste")
    if s == "%clipboard%":
        text = state.now().clipboard
    else:
        with open(s, encoding="utf-8") as file:
            text = file.read()
    within = _current()
    for one in within._children:
        one["selected"].setValue(False)
    made = script.read(text, within)
    for one in made:
        if one.parent() is within:
            one["selected"].setValue(True)
    return made[-1] if made else None
