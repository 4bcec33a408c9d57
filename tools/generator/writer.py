"""The base of the writers of parameters and results."""

from collections.abc import Set as AbstractSet
from typing import ClassVar

from .graph import Graph, Node
from .imports import Imports
from .shapes import Definition
from .words import sentence


class Writer:
    """Generates the definitions of one module with one use, as parameters or as results."""

    use: ClassVar[str]

    def __init__(self, graph: Graph, module: str, imports: Imports) -> None:
        self._graph = graph
        self._module = module
        self._imports = imports
        self.seen: set[Node] = set()
        """The nodes that the last annotations refer to."""

    def _named(self, key: str) -> Node:
        """Return the node of a schema that an annotation refers to, and import its name."""
        node = self._graph.shared(Node(key, self.use))
        self.seen.add(node)
        home = self._graph.modules[node]
        if home != self._module:
            self._imports.add(f"ai_client.types.{home.replace('/', '.')}", self._graph.names[node])
        return node

    def _quoted(self, text: str, later: AbstractSet[Node]) -> str:
        """Quote an annotation that refers to a definition in *later*."""
        return f'"{text.replace(chr(34), chr(39))}"' if self.seen & later else text

    def _docstring(self, definition: Definition, name: str) -> str:
        """Return the docstring of a definition: a part of another, or itself."""
        holder = self._graph.names.get(Node(definition.owner or "", self.use))
        return self._alone(name) if holder is None else f"`{'.'.join(definition.steps)}` of `{holder}`."

    def _alone(self, name: str) -> str:
        return f"{sentence(name)}."
