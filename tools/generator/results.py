"""Generate the types of results: pydantic models."""

import keyword
import re
from collections.abc import Set as AbstractSet

import pydantic

from .graph import Node
from .prose import Owner
from .rules import RESULT
from .shapes import (
    Anything,
    Array,
    Choice,
    Field,
    Nullable,
    Object,
    Ref,
    Scalar,
    Shape,
    Table,
    Union,
)
from .words import python_name
from .writer import Writer

BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "object", "str"})
TAGS = ("type", "object", "role", "event", "mode")


class ResultWriter(Writer):
    """Generates the models of one module."""

    use = RESULT

    def write(self, node: Node, later: AbstractSet[Node]) -> str:
        """Return the code of one definition; references to definitions in *later* are quoted."""
        definition, name = self._graph.definition(node), self._graph.names[node]
        if not isinstance(definition.shape, Object):
            return self.alias(name, definition.shape)
        self._imports.add("ai_client._models.base", "BaseModel")
        mixins = self._graph.rules.mixin(node.key)
        bases = [self._imports.add(*each.rsplit(".", 1)) for each in mixins]
        header = f"class {name}({', '.join([*bases, 'BaseModel'])}):"
        lines = [header, f'    """{self._docstring(definition, name)}"""', ""]
        own = [field for field in definition.shape.fields if field.name not in mixins.values()]
        fields = sorted(own, key=lambda field: not _is_plain(field))
        exact = self._graph.is_told_apart(node.key)
        hidden = BUILTINS & {field.name for field in fields}
        owner = Owner(self._module, (name,), is_param=False)
        for field in fields:
            line = self._field(
                field, later, exact=exact, secret=self._graph.rules.is_secret(node.key, field.name)
            )
            lines += self._described(self._reach(line, hidden) if hidden else line, field, owner)
        return "\n".join(lines)

    def alias(self, name: str, shape: Shape) -> str:
        """Return an alias for a shape that is not an object."""
        self._imports.add("typing", "TypeAlias")
        opened = self._graph.leaves(shape)
        return f"{name}: TypeAlias = {self.annotation(opened, strict=True)}"

    def annotation(self, shape: Shape, *, strict: bool = False) -> str:
        """Return a shape as a type annotation; with *strict*, unknown literals are invalid."""
        match shape:
            case Nullable(of):
                return f"{self.annotation(of, strict=strict)} | None"
            case Ref(key):
                return self._reference(key, strict=strict)
            case Scalar(name):
                return "bytes" if name == "file" else name
            case Choice(values):
                literal = f"{self._imports.add('typing', 'Literal')}[{', '.join(map(repr, values))}]"
                return literal if strict else self._open(literal)
            case Array(item):
                return f"list[{self.annotation(item)}]"
            case Table(value):
                return f"dict[str, {self.annotation(value)}]"
            case Union():
                return self._union(shape, strict=strict)
            case _:
                return "object"

    def _reference(self, key: str, *, strict: bool) -> str:
        node = self._named(key)
        name = self._graph.names[node]
        shape = self._graph.definition(node).shape
        return self._open(name) if isinstance(shape, Choice) and not strict else name

    def _open(self, literal: str) -> str:
        return f"{self._imports.add('ai_client._models.unions', 'Open')}[{literal}]"

    def _union(self, shape: Union, *, strict: bool) -> str:
        opened = self._graph.leaves(shape)
        if not isinstance(opened, Union):
            return self.annotation(opened, strict=strict)
        if Scalar("str") in opened.members:  # next to `str`, literals add nothing to a result's type
            opened = Union(tuple(each for each in opened.members if not self._is_text(each)), opened.tag)
            rest = self._members(opened, strict=strict)
            return f"str | {rest}" if rest else "str"
        return self._members(opened, strict=strict)

    def _members(self, shape: Union, *, strict: bool) -> str:
        objects = [each for each in shape.members if self._object(each)]
        tag = self._tag(shape, objects)
        if tag is None:
            return " | ".join(self.annotation(each, strict=strict) for each in shape.members)
        joined = " | ".join(self.annotation(each) for each in objects)
        annotated, one_of = (
            self._imports.add("typing", "Annotated"),
            self._imports.add("ai_client._models.unions", "OneOf"),
        )
        others = [self.annotation(each, strict=strict) for each in shape.members if each not in objects]
        return " | ".join([*others, f'{annotated}[{joined}, {one_of}("{tag}")]'])

    def _tag(self, shape: Union, objects: list[Shape]) -> str | None:
        """Return the property that discriminates the objects of a union, if there is one."""
        if len(objects) < 2:  # noqa: PLR2004 - one object needs no tag
            return None
        parts = [found for each in objects if (found := self._object(each))]
        for tag in (shape.tag, *TAGS):
            if tag and all((field := part.field(tag)) and self._is_tag(field) for part in parts):
                return tag
        return None

    def _is_tag(self, field: Field) -> bool:
        bare = field.shape.of if isinstance(field.shape, Nullable) else field.shape
        return isinstance(self._graph.expand(bare), Choice)

    def _is_text(self, shape: Shape) -> bool:
        if isinstance(shape, Ref):
            shape = self._graph.parser.definitions[shape.key].shape
        return shape == Scalar("str") or isinstance(shape, Choice)

    def _object(self, shape: Shape) -> Object | None:
        if isinstance(shape, Ref):
            found = self._graph.parser.definitions[shape.key].shape
            return found if isinstance(found, Object) else None
        return None

    def _field(self, field: Field, later: AbstractSet[Node], *, exact: bool, secret: bool) -> str:
        shape = self._graph.expand(field.shape)
        bare = shape.of if isinstance(shape, Nullable) else shape
        strict = exact and isinstance(bare, Choice) and len(bare.values) == 1
        self.seen.clear()
        text = self._quoted(self.annotation(shape, strict=strict), later)
        default = None if _is_plain(field) else "None"
        if default and not isinstance(shape, Nullable | Anything):
            text = f'{text[:-1]} | None"' if text.startswith('"') else f"{text} | None"
        name = python_name(field.name)
        if keyword.iskeyword(name) or hasattr(pydantic.BaseModel, name):
            name += "_"
        options = [f"default={default}"] if default else []
        if name != field.name:
            options.append(f'alias="{field.name}"')
        if secret:
            options.append("repr=False")
        if options in ([], ["default=None"]):
            return f"{name}: {text} = {default}" if default else f"{name}: {text}"
        self._imports.add("pydantic", "Field")
        return f"{name}: {text} = Field({', '.join(options)})"

    def _reach(self, line: str, hidden: AbstractSet[str]) -> str:
        """Qualify builtins by their module where a field of the class has the same name."""
        name, colon, annotation = line.partition(":")
        found = re.sub(rf"(?<![\w.\"'])({'|'.join(sorted(hidden))})(?![\w\"'])", r"builtins.\1", annotation)
        if found != annotation:
            self._imports.add_module("builtins")
        return f"{name}{colon}{found}"


def _is_plain(field: Field) -> bool:
    """Return whether a field is always present and never null."""
    return field.required and not isinstance(field.shape, Nullable | Anything)
