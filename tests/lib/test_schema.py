"""Strict JSON schemas of types, and the way back from a text."""

import dataclasses
import enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field, RootModel, TypeAdapter
from typing_extensions import TypedDict

from ai_client.lib._schema import format_of, partial_json, strict_schema

T = TypeVar("T")


class Unit(enum.Enum):
    """Of temperature."""

    C = "celsius"
    F = "fahrenheit"


class Inner(BaseModel):
    """Inside another."""

    unit: Unit
    note: str | None = None


class Outer(BaseModel):
    """Holds others in every way."""

    inner: Inner
    many: list[Inner]
    either: Inner | int
    told: Inner = Field(description="Beside a reference")
    kind: Literal["a", "b"]
    maybe: Inner | None = Field(default=None, description="May be left out")


class Node(BaseModel):
    """Holds others of its kind."""

    value: int
    children: list["Node"] = Field(description="Below it")
    next: "Node | None" = None


class Hen(BaseModel):
    """Lays."""

    egg: "Egg" = Field(description="That she lays")


class Egg(BaseModel):
    """Hatches."""

    hen: Hen = Field(description="That comes out of it")


class Cat(BaseModel):
    """Purrs."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """Barks."""

    kind: Literal["dog"]


class Box(BaseModel, Generic[T]):
    """Holds one thing."""

    thing: T


@dataclasses.dataclass
class Point:
    """A place."""

    x: int
    y: int = 0


class Movie(TypedDict):
    """A film."""

    title: str


def nodes(schema: Any) -> list[dict[str, Any]]:
    """Give every object of a schema, itself included."""
    if isinstance(schema, list):
        return [found for each in schema for found in nodes(each)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for each in schema.values() for found in nodes(each))]


@pytest.mark.parametrize("model", [Inner, Outer, Node, Box[int], Box[list[Inner]], Cat])
def test_like_the_official_sdk(model: type[BaseModel]) -> None:
    """For models without defaults and tagged unions the schema is the official SDK's."""
    assert strict_schema(model) == to_strict_json_schema(model)


@pytest.mark.parametrize(
    "target", [Inner, Outer, Node, Hen, Point, Movie, Box[Point], list[Inner], Cat | Dog]
)
def test_every_object_is_closed(target: Any) -> None:
    """Every object says what it holds: all required, no others, no default, no reference with something beside it."""
    schema = dict(format_of(target).schema)
    objects = [node for node in nodes(schema) if node.get("type") == "object"]
    assert objects
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    for node in nodes(schema):
        assert "$ref" not in node or len(node) == 1
        assert "default" not in node


def test_what_stands_beside_a_reference() -> None:
    """A description beside a reference is laid over what it refers to."""
    told = strict_schema(Outer)["properties"]["told"]
    assert told["description"] == "Beside a reference"
    assert told["required"] == ["unit", "note"]


def test_a_property_called_default() -> None:
    """Defaults go, a property of that name stays."""

    class Odd(BaseModel):
        default: int = 3
        other: list[str] = []

    schema = strict_schema(Odd)
    assert schema["properties"] == {
        "default": {"title": "Default", "type": "integer"},
        "other": {"title": "Other", "type": "array", "items": {"type": "string"}},
    }


def test_tagged_unions() -> None:
    """A tagged union becomes one that the API takes: `anyOf`, with no discriminator."""

    class Home(BaseModel):
        pet: Annotated[Cat | Dog, Field(discriminator="kind")]

    schema = strict_schema(Home)
    assert schema["properties"]["pet"]["anyOf"] == [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
    assert not any({"oneOf", "discriminator"} & node.keys() for node in nodes(schema))


def test_other_places_that_hold_schemas() -> None:
    """Objects below tuples, mappings and single `allOf` are closed too."""

    class Odd(BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        pair: tuple[Cat, int]
        table: dict[str, Cat]
        merged: int = Field(json_schema_extra={"allOf": [{"minimum": 1}]})

    schema = strict_schema(Odd)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["table"]["additionalProperties"] == {"$ref": "#/$defs/Cat"}
    assert schema["properties"]["pair"]["prefixItems"][0] == {"$ref": "#/$defs/Cat"}
    assert schema["properties"]["merged"] == {"title": "Merged", "type": "integer", "minimum": 1}
    inline = strict_schema(
        TypeAdapter(
            Annotated[
                dict[str, Any], Field(json_schema_extra={"properties": {}, "additionalProperties": True})
            ]
        )
    )
    assert inline["additionalProperties"] is True


def test_a_cycle_of_references_with_something_beside() -> None:
    """References that lead back to themselves stay references."""
    egg = strict_schema(Hen)["properties"]["egg"]
    assert egg["description"] == "That she lays"
    assert egg["properties"]["hen"] == {"$ref": "#/$defs/Hen"}


class Numbers(RootModel[list[int]]):
    """A model whose root is a list."""


class Words(RootModel[str]):
    """A model whose root is a text."""


class Pets(RootModel[list[Cat | Dog]]):
    """A model whose root is a list of others."""


class Pet(RootModel[Cat | Dog]):
    """A model whose root is one of several."""


class Nest(RootModel["list[Nest]"]):
    """A model whose root holds itself."""


class Counts(RootModel[dict[str, int]]):
    """A model whose root is an object of any names."""


class OnePoint(RootModel[Point]):
    """A model whose root is an object."""


@pytest.mark.parametrize(
    ("target", "text", "value", "name"),
    [
        (Inner, '{"unit": "celsius", "note": null}', Inner(unit=Unit.C), "Inner"),
        (Point, '{"x": 1, "y": 2}', Point(1, 2), "Point"),
        (Movie, '{"title": "M"}', {"title": "M"}, "Movie"),
        (Box[int], '{"thing": 1}', Box[int](thing=1), "Box_int"),
        (list[int], '{"result": [1, 2]}', [1, 2], "list_int"),
        (TypeAdapter(list[Point]), '{"result": [{"x": 1, "y": 2}]}', [Point(1, 2)], None),
        (Cat | Dog, '{"result": {"kind": "dog"}}', Dog(kind="dog"), None),
        (Unit, '{"result": "celsius"}', Unit.C, "Unit"),
        (int, '{"result": 3}', 3, "int"),
        (Numbers, '{"result": [1, 2]}', Numbers([1, 2]), "Numbers"),
        (Words, '{"result": "two words"}', Words("two words"), "Words"),
        (RootModel[bool], '{"result": true}', RootModel[bool](True), "RootModel_bool"),
        (Pets, '{"result": [{"kind": "dog"}]}', Pets([Dog(kind="dog")]), "Pets"),
        (Pet, '{"result": {"kind": "dog"}}', Pet(Dog(kind="dog")), "Pet"),
        (Nest, '{"result": [[], [[]]]}', Nest([Nest([]), Nest([Nest([])])]), "Nest"),
        (Counts, '{"a": 1}', Counts({"a": 1}), "Counts"),
        (OnePoint, '{"x": 1, "y": 2}', OnePoint(Point(1, 2)), "OnePoint"),
        (TypeAdapter(Numbers), '{"result": [1]}', Numbers([1]), "Numbers"),
        (list[Numbers], '{"result": [[1], [2]]}', [Numbers([1]), Numbers([2])], None),
    ],
)
def test_formats(target: Any, text: str, value: Any, name: str | None) -> None:
    """A format has an object at its root, a name that the API takes, and the way back."""
    form = format_of(target)
    assert form.schema["type"] == "object"
    assert form.decode(text) == value
    assert name in {form.name, None}
    assert form.name.replace("_", "").replace("-", "").isalnum()
    assert len(form.name) <= 64


def test_a_recursive_format_is_an_object() -> None:
    """A recursive model, whose schema is a reference at its root, is not wrapped."""
    form = format_of(Node)
    assert not form.wrapped
    assert form.decode('{"value": 1, "children": [], "next": null}') == Node(value=1, children=[])


def test_partial_texts() -> None:
    """The beginning of a text gives what it says so far, of a wrapped type without the wrapping."""
    assert partial_json("") is None
    assert partial_json(" \n") is None
    assert partial_json("nope") is None
    assert partial_json('{"a": [1, {"b": "x') == {"a": [1, {}]}
    assert format_of(list[int]).partial('{"result": [1, 2') == [1, 2]
    assert format_of(list[int]).partial("[1, 2") == [1, 2]
    assert format_of(Point).partial('{"x": 1, "re') == {"x": 1}


def test_formats_are_made_once() -> None:
    """The format of a type is computed once; a type that cannot be hashed works all the same."""
    assert format_of(Inner) is format_of(Inner)
    target = Annotated[int, Field(json_schema_extra={})]
    assert format_of(target).decode('{"result": 1}') == 1


def test_types_without_schema() -> None:
    """A type that has no JSON schema is refused by name, and so is what is no type."""
    with pytest.raises(TypeError, match=r"Opaque.* has no JSON schema"):
        format_of(type("Opaque", (), {}))
    with pytest.raises(TypeError, match="3 has no JSON schema"):
        format_of(3)


def test_wrong_texts() -> None:
    """A text of another shape, and one that is not JSON, raise what pydantic raises."""
    for target in (Inner, list[int], Numbers, Words):
        for text in ("{}", "[", "{}x"):
            with pytest.raises(pydantic.ValidationError):
                format_of(target).decode(text)
