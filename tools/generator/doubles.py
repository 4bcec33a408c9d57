"""Types of a beta that equal a type of the released API: they become aliases of it instead of classes."""

from functools import partial

from .graph import Graph, Node
from .shapes import Array, Field, Nullable, Object, Ref, Shape, Table, Union


class Doubles:
    """The nodes that are aliases, and their originals."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._originals = {
            node: other
            for node in graph.modules
            if (other := self._namesake(node)) and self._may_name(node, other)
        }
        while different := [each for each in self._originals.items() if not self._say_the_same(*each)]:
            for node, _ in different:
                del self._originals[node]

    def original(self, node: Node) -> Node | None:
        """Return the node that *node* is an alias of, or `None`."""
        return self._originals.get(node)

    def _namesake(self, node: Node) -> Node | None:
        """Return the node whose schema has the same name without the prefix of a beta."""
        for prefix, modules in self._graph.rules.second_names.items():
            key = node.key.removeprefix(prefix)
            if key != node.key and key in self._graph.parser.definitions:
                other = self._graph.shared(Node(key, node.face))
                return other if self._graph.modules.get(other) in modules else None
        return None

    def _may_name(self, node: Node, other: Node) -> bool:
        told_apart = [self._graph.is_told_apart(each.key) for each in (node, other)]
        return told_apart[0] == told_apart[1] and not self._graph.rules.is_special(node.key)

    def _say_the_same(self, node: Node, other: Node) -> bool:
        shapes = [self._graph.definition(each).shape for each in (node, other)]
        return self._renamed(shapes[0], node.face) == self._renamed(shapes[1], node.face)

    def _renamed(self, shape: Shape, face: str) -> Shape:
        """Expand shapes without a name in Python, and refer to the originals instead of aliases."""
        rename = partial(self._renamed, face=face)
        match self._graph.leaves(shape):
            case Ref(key):
                node = self._graph.shared(Node(key, face))
                return Ref(self._originals.get(node, node).key)
            case Object(fields):
                return Object(tuple(Field(each.name, rename(each.shape), each.required) for each in fields))
            case Union(members, tag):
                return Union(tuple(map(rename, members)), tag)
            case Nullable(of):
                return Nullable(rename(of))
            case Array(item):
                return Array(rename(item))
            case Table(value):
                return Table(rename(value))
            case other:
                return other
