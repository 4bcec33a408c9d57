"""The base of the writers of parameters and results."""

import textwrap
from collections.abc import Set as AbstractSet
from typing import ClassVar

from .graph import Graph, Node
from .imports import Imports
from .prose import Owner, Prose
from .shapes import Choice, Definition, Field, Nullable
from .words import sentence

WIDTH = 110
"""Characters of a line, as the project's formatter has it."""


class Writer:
    """Generates the definitions of one module with one use, as parameters or as results."""

    use: ClassVar[str]

    def __init__(self, graph: Graph, prose: Prose, module: str, imports: Imports) -> None:
        self._graph = graph
        self._prose = prose
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

    def _described(self, line: str, field: Field, owner: Owner) -> list[str]:
        """Return the lines of a field: its definition, and what it means if that is written somewhere."""
        name = line.partition(":")[0]
        text = self._prose.of_field(owner, name) or self._always(field)
        return [f"    {line}", *(docstring(text) if text else ())]

    def _always(self, field: Field) -> str | None:
        """Return what a field of one value means."""
        shape = self._graph.expand(field.shape)
        bare = shape.of if isinstance(shape, Nullable) else shape
        if not isinstance(bare, Choice) or len(bare.values) != 1 or isinstance(bare.values[0], bool):
            return None
        sure = field.required and bare is shape
        return f"Always `{bare.values[0]}`." if sure else f"Always `{bare.values[0]}` where it is present."

    def _docstring(self, definition: Definition, name: str) -> str:
        """Return the docstring of a definition: a part of another, or itself."""
        holder = self._graph.names.get(Node(definition.owner or "", self.use))
        return self._alone(name) if holder is None else f"`{'.'.join(definition.steps)}` of `{holder}`."

    def _alone(self, name: str) -> str:
        return f"{sentence(name)}."


def docstring(text: str, indent: int = 4) -> list[str]:
    """Return the lines of a docstring of one paragraph, wrapped at the line's width."""
    quote = 'r"""' if "\\" in text else '"""'
    margin = " " * indent
    return textwrap.wrap(
        f'{quote}{text}"""',
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
