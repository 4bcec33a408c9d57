"""Results that say something new: `Open` and `OneOf`."""

import json
from typing import Annotated, Any, Literal

import pydantic
import pytest

from ai_client import BaseModel
from ai_client._models.decode import decode
from ai_client._models.unions import OneOf, Open


class Text(BaseModel):
    """A kind of part."""

    type: Literal["text"]
    text: str


class Call(BaseModel):
    """A kind of part."""

    type: Literal["call"]
    status: Open[Literal["done", "failed"]]


class EasyMessage(BaseModel):
    """A kind of part whose tag may be missing."""

    type: Literal["message"] | None = None
    role: Open[Literal["user", "assistant"]]
    content: str


class Message(BaseModel):
    """A kind of part that shares its tag."""

    type: Literal["message"]
    role: Literal["assistant"]
    parts: "list[Part]"


Part = Annotated[Text | Call | EasyMessage | Message, OneOf("type")]


class Answer(BaseModel):
    """What has parts."""

    id: str
    parts: list[Part]
    either: str | Part | None = None


def answer(*parts: dict[str, Any], strict: bool = False, **more: Any) -> Answer:
    """Decode an answer with these parts."""
    return decode(Answer, json.dumps({"id": "a", "parts": parts, **more}).encode(), strict=strict)


TEXT = {"type": "text", "text": "hi"}


def test_members_by_tag() -> None:
    """Each member of a union becomes the model that its tag says."""
    parts = answer(TEXT, {"type": "call", "status": "done"}).parts
    assert [type(part) for part in parts] == [Text, Call]


def test_unknown_tag_leaves_the_siblings() -> None:
    """An unknown tag gives a plain model with its fields as attributes, and its siblings stay validated."""
    parts = answer(TEXT, {"type": "hologram", "depth": 3}, TEXT).parts
    assert [type(part) for part in parts] == [Text, BaseModel, Text]
    assert parts[1].depth == 3  # type: ignore[union-attr]


def test_known_tag_with_a_field_missing_keeps_its_class() -> None:
    """A member that lacks a field is still of the class that its tag says."""
    (part,) = answer({"type": "text"}).parts
    assert type(part) is Text
    assert part.text is None


def test_members_that_share_a_tag() -> None:
    """Members with the same tag are told apart by the rest of their shape."""
    parts = answer(
        {"type": "message", "role": "user", "content": "x"},
        {"type": "message", "role": "assistant", "parts": [TEXT]},
    ).parts
    assert [type(part) for part in parts] == [EasyMessage, Message]
    assert type(parts[1].parts[0]) is Text  # type: ignore[union-attr]


def test_member_without_its_tag() -> None:
    """A member whose tag is optional is recognised without it."""
    (part,) = answer({"role": "user", "content": "x"}).parts
    assert type(part) is EasyMessage


def test_nothing_recognisable() -> None:
    """What is no object at all is kept as it is."""
    assert answer(parts=[5, None]).parts == [5, None]


def test_union_beside_a_string() -> None:
    """A union beside other types works in place, whichever comes."""
    assert answer(either="x").either == "x"
    assert type(answer(either=TEXT).either) is Text
    assert type(answer(either={"type": "new"}).either) is BaseModel


def test_unknown_value_of_a_literal() -> None:
    """A value that the API adds to a literal comes through, and the model stays validated."""
    (part,) = answer({"type": "call", "status": "queued"}).parts
    assert type(part) is Call
    assert part.status == "queued"


@pytest.mark.parametrize("part", [{"type": "new"}, {"type": "call", "status": "queued"}, {"type": "text"}])
def test_strict_accepts_only_what_is_described(part: dict[str, Any]) -> None:
    """With strict validation, an unknown tag, an unknown value and a missing field are errors."""
    with pytest.raises(pydantic.ValidationError):
        answer(part, strict=True)
    assert answer(TEXT, strict=True).parts


def test_fallback_of_the_whole_result() -> None:
    """Where the result itself is odd, the members of its unions are still of their classes."""
    odd = decode(Answer, json.dumps({"parts": [TEXT, {"type": "new"}]}).encode())
    assert odd.id is None
    assert [type(part) for part in odd.parts] == [Text, BaseModel]


def test_dumps_give_back_what_came() -> None:
    """What was not described is dumped as it came, without a warning."""
    parts = [TEXT, {"type": "new", "x": [1]}, {"type": "call", "status": "queued"}]
    result = answer(*parts)
    assert result.to_dict() == {"id": "a", "parts": parts}
    assert json.loads(result.to_json()) == {"id": "a", "parts": parts}


def test_schema_for_people() -> None:
    """The JSON schema of a result with open literals and unions can still be made."""
    assert "Text" in Answer.model_json_schema(mode="serialization")["$defs"]
