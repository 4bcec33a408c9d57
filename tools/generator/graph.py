"""The types to generate, their names, and the module of each.

A definition has up to two faces: what the API returns (a model) and what a caller passes (a TypedDict). Each
face that a method reaches is a node. A node without a rule is placed in the lowest of its users' modules.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property

from .description import DescriptionError
from .parse import Parser
from .rules import PARAM, RESULT, Rules, as_param, package_of
from .shapes import Array, Definition, Nullable, Object, Ref, Shape, Table, Union, nullable, union
from .words import camel, snake, words

SPELLINGS = {"MCP": "Mcp", "Json": "JSON", "Api": "API", "Url": "URL"}
ENDINGS = ("Resource", "Object")


@dataclass(frozen=True)
class Node:
    """One face of a definition."""

    key: str
    face: str


class Graph:
    """All nodes that are reachable from the roots."""

    def __init__(self, parser: Parser, rules: Rules) -> None:
        self.parser = parser
        self.rules = rules
        self.modules: dict[Node, str] = {}
        self.names: dict[Node, str] = {}
        self._roots: dict[Node, set[str]] = defaultdict(set)
        self._users: dict[Node, set[Node]] = defaultdict(set)
        self._named: dict[Node, str] = {}
        self._kept: set[str] = set()
        self._placing: set[Node] = set()
        self._order = {module: place for place, module in enumerate(rules.modules)}
        self._merged = cache(self._expand)

    def add_root(self, shape: Shape, face: str, module: str) -> None:
        """Register a shape that *module* needs."""
        if isinstance(shape, Ref):
            self._kept.add(shape.key)
        for key in shape.refs():
            self._roots[Node(key, face)].add(module)

    def add_named_root(self, definition: Definition, face: str, module: str, name: str) -> None:
        """Register a definition that *module* holds under a name of its own."""
        node = Node(definition.key, face)
        self._roots[node].add(module)
        self._named[node] = name

    def close(self) -> None:
        """Collect, place and name all reachable nodes."""
        reached: dict[Node, None] = {}
        waiting = list(self._roots)
        while waiting:
            node = waiting.pop()
            if node in reached:
                continue
            reached[node] = None
            for key in self.definition(node).refs():
                child = Node(key, node.face)
                self._users[child].add(node)
                waiting.append(child)
        for node in reached:
            if self.is_emitted(node.key):
                self._place(self.shared(node))
        for node in self.modules:
            self.names[node] = self._name(node)
        self._check_names()

    def definition(self, node: Node) -> Definition:
        """Return the definition of a node."""
        return self.parser.definitions[node.key]

    def shared(self, node: Node) -> Node:
        """Return the node that represents both faces where a definition has no object, so that both are equal."""
        shape = self.definition(node).shape
        return node if self._has_object(shape) else Node(node.key, RESULT)

    def is_emitted(self, key: str) -> bool:
        """Return whether a definition gets a name in Python; otherwise it is expanded where it is used."""
        shape = self.parser.definitions[key].shape
        if isinstance(shape, Object):
            return True
        if key in self.rules.names or key in self.rules.pins or any(node.key == key for node in self._named):
            return True
        users = {user.key for face in (RESULT, PARAM) for user in self._users[Node(key, face)]}
        wanted = key in self._kept or len(users) > 1
        return isinstance(shape, Union) and self._has_object(shape) and wanted

    def expand(self, shape: Shape) -> Shape:
        """Replace definitions without a name in Python by their shapes."""
        return self._merged(shape)

    def leaves(self, shape: Shape) -> Shape:
        """Flatten all unions inside a union."""
        shape = self.expand(shape)
        if isinstance(shape, Union):
            return union([self._open(member) for member in shape.members], shape.tag)
        return shape

    def is_public(self, node: Node) -> bool:
        """Return whether a node's package exports its name; objects inside others are not exported."""
        definition = self.definition(node)
        return definition.owner is None or node.key in self.rules.names or node in self._named

    def is_told_apart(self, key: str) -> bool:
        """Return whether a definition is one of several objects of a union, so that its constants discriminate."""
        return key in self._told_apart

    def twin(self, module: str) -> str:
        """Return the module of the parameter forms of a module's types."""
        twin = self.rules.twins.get(module, f"{module}_param")
        return twin if twin in self._order else module

    @cached_property
    def _told_apart(self) -> set[str]:
        found: set[str] = set()

        def look(shape: Shape) -> None:
            if isinstance(shape, Union):
                opened = self.leaves(shape)
                keys = {key for each in opened.children() for key in each.refs()}
                objects = {key for key in keys if isinstance(self.parser.definitions[key].shape, Object)}
                found.update(objects if len(objects) > 1 else ())
            for child in shape.children():
                look(child)

        for definition in self.parser.definitions.values():
            look(definition.shape)
        return found

    def _open(self, shape: Shape) -> Shape:
        if isinstance(shape, Ref) and isinstance(self.parser.definitions[shape.key].shape, Union):
            return self.leaves(self.parser.definitions[shape.key].shape)
        return shape

    def _expand(self, shape: Shape) -> Shape:
        if isinstance(shape, Ref) and not self.is_emitted(shape.key):
            return self.expand(self.parser.definitions[shape.key].shape)
        if isinstance(shape, Nullable):
            return nullable(self.expand(shape.of))
        if isinstance(shape, Array):
            return Array(self.expand(shape.item))
        if isinstance(shape, Table):
            return Table(self.expand(shape.value))
        if isinstance(shape, Union):
            return union([self.expand(member) for member in shape.members], shape.tag)
        return shape

    def _has_object(self, shape: Shape) -> bool:
        if isinstance(shape, Object):
            return True
        return any(
            isinstance(self.parser.definitions[key].shape, Object)
            or self._has_object(self.parser.definitions[key].shape)
            for key in shape.refs()
        )

    def _place(self, node: Node) -> None:
        if node in self.modules or node in self._placing:
            return
        self._placing.add(node)
        homes = {pinned} if (pinned := self._pinned(node)) else self._homes(node, set())
        self._placing.discard(node)
        if not homes:  # part of a cycle: placed once another part is
            return
        module = min(homes, key=self._order.__getitem__)
        if not all(self.rules.may_use(home, module) for home in homes):
            module = self.twin("shared/common") if node.face == PARAM else "shared/common"
        self.modules[node] = module

    def _pinned(self, node: Node) -> str | None:
        module = self.rules.moved_to(node.key) or self.rules.pin(node.key)
        if module is None:
            return None
        return self.twin(module) if node.face == PARAM else module

    def _homes(self, node: Node, seen: set[Node]) -> set[str]:
        """Return the modules of a node's users, looking through users that are expanded where they are used."""
        both = not self._has_object(self.definition(node).shape)
        homes: set[str] = set()
        for each in (Node(node.key, RESULT), Node(node.key, PARAM)) if both else (node,):
            if each in seen:
                continue
            seen.add(each)
            homes |= self._roots.get(each, set())
            for user in self._users.get(each, ()):
                if not self.is_emitted(user.key):
                    homes |= self._homes(user, seen)
                    continue
                self._place(self.shared(user))
                if home := self.modules.get(self.shared(user)):
                    homes.add(home)
        return homes

    def _name(self, node: Node) -> str:
        if node in self._named:
            return self._named[node]
        definition = self.definition(node)
        if definition.owner is None:
            return self.rules.name(node.key, node.face) or self._usual_name(node)
        if (name := self.rules.name(node.key, node.face)) is not None:
            return name
        owner = Node(definition.owner, node.face)
        inner = "".join(camel(step) for step in definition.steps)
        module = self.modules[node].rpartition("/")[2]
        holder = self.names.get(owner) or self._name(owner)
        return inner if snake(holder) == module else holder + inner

    def _usual_name(self, node: Node) -> str:
        schemas = self.parser.description.schemas
        name = "".join(SPELLINGS.get(word, word) for word in words(node.key.replace("_", "")))
        if not name.isidentifier():
            raise DescriptionError(f"schema {node.key!r} needs a name in the map")
        for ending in ENDINGS if node.face == RESULT else ():
            if name.endswith(ending) and node.key.removesuffix(ending) not in schemas:
                name = name.removesuffix(ending)
        if node.face == RESULT and isinstance(self.definition(node).shape, Object | Union):
            if not name.endswith("Param"):
                return name
            bare = name.removesuffix("Param")
            return f"{bare}Input" if node.key.removesuffix("Param") in schemas else bare
        return as_param(name) if node.face == PARAM else name

    def _check_names(self) -> None:
        taken: dict[tuple[str, str], Node] = {}
        for node, name in self.names.items():
            place = package_of(self.modules[node]) if self.is_public(node) else self.modules[node]
            other = taken.setdefault((place, name), node)
            if other != node:
                raise DescriptionError(
                    f"{node.key} ({node.face}) and {other.key} ({other.face}) are both called {name} in types/{place}"
                )
