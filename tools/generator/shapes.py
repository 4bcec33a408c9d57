"""Shapes: the few kinds of schemas that become Python types, independent of how a schema expresses them."""

from collections.abc import Iterator
from dataclasses import dataclass


class Shape:
    """A type in a request or response."""

    def children(self) -> "Iterator[Shape]":
        """Yield the shapes directly inside it."""
        for value in vars(self).values():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Field):
                    yield part.shape
                elif isinstance(part, Shape):
                    yield part

    def refs(self) -> Iterator[str]:
        """Yield the keys of the definitions that it refers to."""
        if isinstance(self, Ref):
            yield self.key
        for child in self.children():
            yield from child.refs()


@dataclass(frozen=True)
class Anything(Shape):
    """Any JSON value."""


@dataclass(frozen=True)
class Scalar(Shape):
    """A builtin type: `str`, `int`, `float`, `bool`, or `file`."""

    name: str


@dataclass(frozen=True)
class Choice(Shape):
    """One of a few literal values."""

    values: tuple[str | int | bool, ...]


@dataclass(frozen=True)
class Array(Shape):
    """A list."""

    item: Shape


@dataclass(frozen=True)
class Table(Shape):
    """An object with arbitrary keys."""

    value: Shape


@dataclass(frozen=True)
class Ref(Shape):
    """A definition, by its key."""

    key: str


@dataclass(frozen=True)
class Union(Shape):
    """One of several shapes, discriminated by the property *tag* where there is one."""

    members: tuple[Shape, ...]
    tag: str | None = None


@dataclass(frozen=True)
class Nullable(Shape):
    """A shape, or null."""

    of: Shape


@dataclass(frozen=True)
class Field:
    """One property of an object."""

    name: str
    shape: Shape
    required: bool


@dataclass(frozen=True)
class Object(Shape):
    """An object with named properties."""

    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return a property by name, or `None`."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Definition:
    """A shape with a key of its own: a named schema, a method's parameters, or an object inside one of these."""

    key: str
    shape: Shape
    owner: str | None = None
    steps: tuple[str, ...] = ()

    def refs(self) -> Iterator[str]:
        """Yield the keys of the definitions that it refers to."""
        yield from self.shape.refs()


def nullable(shape: Shape) -> Shape:
    """Return the shape, or null; idempotent."""
    return shape if isinstance(shape, Nullable | Anything) else Nullable(shape)


def union(members: list[Shape], tag: str | None = None) -> Shape:
    """Return the union of shapes, without duplicates and nested unions."""
    flat: list[Shape] = []
    null = False
    for member in members:
        if isinstance(member, Nullable):
            null = True
        bare = member.of if isinstance(member, Nullable) else member
        tag = tag or (bare.tag if isinstance(bare, Union) else None)
        for part in bare.members if isinstance(bare, Union) else (bare,):
            if part not in flat:
                flat.append(part)
    flat = _one_choice(flat)
    joined = flat[0] if len(flat) == 1 else Union(tuple(flat), tag)
    return nullable(joined) if null else joined


def _one_choice(members: list[Shape]) -> list[Shape]:
    """Merge all literals into one choice."""
    choices = [member for member in members if isinstance(member, Choice)]
    if len(choices) < 2:  # noqa: PLR2004 - nothing to join
        return members
    joined = Choice(tuple(dict.fromkeys(value for choice in choices for value in choice.values)))
    rest = [member for member in members if member not in choices]
    return [*rest, joined]
