"""Sample values fit the schemas they are made for."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from ai_client.testing.pattern import matching
from ai_client.testing.schema import sample


class Colour(Enum):
    """A choice."""

    RED = "red"


class Node(BaseModel):
    """A schema that refers to itself."""

    name: str
    child: "Node | None"
    children: list["Node"]


class Cat(BaseModel):
    """One side of a union."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other side of a union."""

    kind: Literal["dog"]
    age: int


class Order(BaseModel):
    """Most of what a structured output asks for."""

    id: UUID
    placed: datetime
    day: date
    within: timedelta
    colour: Colour
    size: Literal["S", "M"]
    price: Decimal
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d+$")]
    note: str | None
    names: Annotated[list[str], Field(min_length=2, max_length=3)]
    none: Annotated[list[str], Field(max_length=0)]
    pair: tuple[int, str]
    counts: dict[str, int]
    some: Annotated[dict[str, int], Field(min_length=2)]
    short: Annotated[str, Field(max_length=2)]
    long: Annotated[str, Field(min_length=20)]
    yes: bool
    anything: Any
    optional: int = 3


@pytest.mark.parametrize("kind", [Order, Node])
def test_a_sample_is_valid_for_the_schema_of_a_model(kind: type[BaseModel]) -> None:
    """What pydantic asks for in a schema, it accepts in the sample, with every property present."""
    value = sample(kind.model_json_schema())
    kind.model_validate(value, strict=False)
    assert value.keys() == kind.model_fields.keys()


@pytest.mark.parametrize("number", [int, float])
@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"gt": 1},
        {"ge": 7},
        {"lt": 0},
        {"le": -5},
        {"ge": 3, "le": 3},
        {"gt": 4, "lt": 6},
        {"ge": 100, "multiple_of": 30},
        {"gt": 60, "lt": 100, "multiple_of": 30},
        {"multiple_of": 4},
    ],
)
def test_a_number_lies_within_its_bounds(number: Any, bounds: dict[str, Any]) -> None:
    """Whole and other numbers respect bounds of every kind."""
    adapter = TypeAdapter(Annotated[number, Field(**bounds)])
    adapter.validate_python(sample(adapter.json_schema()), strict=number is int)


def test_a_number_can_lie_between_whole_ones() -> None:
    """A range without whole numbers has one in the middle."""
    assert sample({"type": "number", "exclusiveMinimum": 0.2, "exclusiveMaximum": 0.4}) == pytest.approx(0.3)


def test_an_array_needs_no_type() -> None:
    """A schema with items describes an array, whether or not it says so."""
    assert sample({"items": {"type": "integer", "minimum": 3}}) == [3]


def test_alternatives_may_only_say_what_is_required() -> None:
    """Alternatives beside properties choose between these, and do not stand for the whole."""
    schema = {
        "properties": {"a": {"const": 1}, "b": {"const": 2}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert sample(schema) == {"a": 1, "b": 2}


def test_parts_of_a_schema_are_taken_together() -> None:
    """`allOf` merges properties and references, and required names need no definition."""
    schema = {
        "$defs": {"base": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        "allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"const": 5}}}],
        "required": ["c"],
    }
    assert sample(schema) == {"a": 1, "b": 5, "c": "c"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d+$",
        r"(red|blue) ?[^a-z]\w.\s",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$",
        r"(?P<name>a)+(?:b){2,}?\.",
        r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$",
        r"[^\s\d]\D\S\W",
        "",
    ],
)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    """Literals, sets, categories, repeats, groups and branches are spelled out."""
    assert re.search(pattern, matching(pattern))
