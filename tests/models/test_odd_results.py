"""Results: validated where they can be, built all the same where not."""

from typing import Annotated, Any, Literal, cast

import httpx
import pydantic
import pytest
from pydantic import Field
from pydantic_core import to_json

from ai_client import BaseModel
from ai_client._models import construct as construct_module
from ai_client._models.construct import construct
from ai_client._models.decode import decode
from ai_client._models.unions import OneOf
from ai_client.types.chat import (
    ChatCompletion,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
)
from ai_client.types.responses import ResponseStreamEvent
from tests.support.invoke import CHAT, Invoke


class Cat(BaseModel):
    """One member of a union."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """Another."""

    kind: Literal["dog"]
    tricks: list[str] = Field(default_factory=list[str])


class Home(BaseModel):
    """A result with everything."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    name: str
    rooms: list[int] | None = None
    pets: list[Cat | Dog] | None = None
    by_name: dict[str, Dog] | None = None
    street_name: str | None = Field(default=None, alias="streetName")


GOOD = b'{"pet":{"kind":"cat","lives":9},"name":"x","rooms":[1,2],"new":{"a":1},"streetName":"y"}'


def test_a_good_answer() -> None:
    """Fields are typed, unknown ones kept, and what was sent is given back."""
    home = decode(Home, GOOD, strict=True)
    assert isinstance(home.pet, Cat)
    assert (home.street_name, home.new) == ("y", {"a": 1})  # type: ignore[attr-defined]
    assert home.to_dict() == {
        "pet": {"kind": "cat", "lives": 9},
        "name": "x",
        "rooms": [1, 2],
        "streetName": "y",
        "new": {"a": 1},
    }
    assert decode(Home, home.to_json(indent=None).encode()) == home
    assert '"streetName": "y"' in home.to_json()
    assert home.to_dict(use_api_names=False)["street_name"] == "y"
    assert home.to_dict(exclude_unset=False)["pets"] is None
    assert home._request_id is None


@pytest.mark.parametrize(
    ("body", "look", "expected"),
    [
        (b'{"pet":{"kind":"fish","fins":2},"name":"x"}', lambda home: home.pet.fins, 2),
        (
            b'{"pet":{"kind":"dog","tricks":"all"},"name":"x"}',
            lambda home: (type(home.pet), home.pet.tricks),
            (Dog, "all"),
        ),
        (
            b'{"pet":{"kind":"dog"},"name":"x","rooms":"many"}',
            lambda home: (home.rooms, home.pet.tricks),
            ("many", []),
        ),
        (b'{"pet":null}', lambda home: (home.pet, home.name), (None, None)),
        (b'{"pet":[1]}', lambda home: home.pet, [1]),
        (b'{"name":{"deep":1}}', lambda home: home.name, {"deep": 1}),
        (
            b'{"name":"x","pets":[{"kind":"dog"},{"kind":"bird"},7]}',
            lambda home: [type(pet) for pet in home.pets],
            [Dog, BaseModel, int],
        ),
        (b'{"by_name":{"a":{"kind":"dog","tricks":3}}}', lambda home: home.by_name["a"].tricks, 3),
        (b'{"streetName":5}', lambda home: home.street_name, 5),
        (b"{}", lambda home: (home.name, home.to_dict()), (None, {})),
    ],
)
def test_odd_answers_are_built_all_the_same(body: bytes, look: Any, expected: object) -> None:
    """Unknown tags, missing fields and wrong types give a result that holds what came."""
    assert look(decode(Home, body)) == expected
    with pytest.raises(pydantic.ValidationError):
        decode(Home, body, strict=True)


def test_what_is_printed_names_the_class() -> None:
    """`print` shows what a result is, as the official SDK's does."""
    dog = Dog(kind="dog", tricks=["sit"])
    assert str(dog) == repr(dog) == "Dog(kind='dog', tricks=['sit'])"


def test_an_odd_answer_is_given_back_as_it_came() -> None:
    """`to_dict` of an odd result is what the server sent."""
    body = b'{"pet":{"kind":"fish","fins":2},"name":7,"other":[{"a":1}]}'
    assert decode(Home, body).to_dict(warnings=False) == {
        "pet": {"kind": "fish", "fins": 2},
        "name": 7,
        "other": [{"a": 1}],
    }


@pytest.mark.parametrize("body", [b"[1]", b'"text"', b"7", b"null"])
def test_answers_that_are_no_object(body: bytes) -> None:
    """JSON that is no object is given as it is."""
    assert decode(Home, body) == {b"[1]": [1], b'"text"': "text", b"7": 7, b"null": None}[body]


def test_what_is_no_json_is_an_error() -> None:
    """Nothing can be built of what is not JSON."""
    with pytest.raises(ValueError, match="line 1"):
        decode(Home, b"<html>")


def test_validation_errors_do_not_show_the_answer() -> None:
    """A strict failure names the place and not the content."""
    with pytest.raises(pydantic.ValidationError) as caught:
        decode(Home, b'{"pet":{"kind":"cat","lives":"a private matter"},"name":"x"}', strict=True)
    assert "private" not in str(caught.value)


def test_construct_of_plain_types() -> None:
    """Types that are no models are built by their members."""
    assert construct(list[Dog], [{"kind": "dog"}]) == [Dog(kind="dog")]
    assert construct(dict[str, Dog], {"a": {"kind": "dog"}}) == {"a": Dog(kind="dog")}
    assert construct(Annotated[Dog, "note"], {"kind": "dog"}) == Dog(kind="dog")
    assert construct(int | str, [1]) == [1]
    assert construct(Dog | None, {"kind": "dog", "tricks": 1}).tricks == 1


class Own(pydantic.BaseModel, extra="allow"):
    """A model of a caller's."""


@pytest.mark.parametrize(
    "name", ["_bind", "_is_page", "_holds_items", "_call_record", "_client", "_request_id"]
)
def test_members_named_like_marks_of_the_package_are_members(invoke: Invoke, name: str) -> None:
    """An answer whose members have names that the package uses for itself is a result like any other."""
    completion = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [], name: 1}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=completion))
    http = httpx.Client(transport=transport) if invoke.sync else httpx.AsyncClient(transport=transport)
    client = invoke.client(http_client=http)
    assert invoke(lambda: client.chat.completions.create(**CHAT)).to_dict()[name] == 1
    assert invoke(lambda: client.get("/own", cast_to=Own)).model_dump()[name] == 1


class Word(pydantic.RootModel[str]):
    """A model of something that is no object."""


class Short(BaseModel):
    """A model of ours that also takes a text for an object."""

    text: str

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


Shouted = Annotated[list[str], pydantic.BeforeValidator(lambda value: [str(value).upper()])]


@pytest.mark.parametrize(
    ("union", "value", "expected"),
    [
        (list[Cat] | Word, "a", Word("a")),
        (Cat | Short, "a", Short(text="a")),
        (Cat | Shouted, "a", ["A"]),
        (list[Cat] | None, None, None),
        (list[int] | int, 3, 3),
    ],
)
def test_an_arm_that_takes_more(union: Any, value: Any, expected: Any) -> None:
    """Of a union in an odd answer every arm is tried that may take the value, whatever its kind."""
    assert construct(union, value) == expected


def test_arms_that_cannot_hold_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """No decoder is built of lists and models just to see that they do not take a value of another kind."""
    built: list[Any] = []
    build = construct_module._adapter

    def note(annotation: Any) -> Any:
        built.append(annotation)
        return build(annotation)

    monkeypatch.setattr(construct_module, "_adapter", note)
    pets = list[Annotated[Cat | Dog, OneOf("kind")]]
    assert construct(pets | Cat | dict[str, Cat] | str | None, "text") == "text"
    assert construct(Annotated[Cat | Dog, OneOf("kind")] | pets | None, None) is None
    assert built == [str, type(None)]


def test_an_odd_object_leaves_models_unbuilt() -> None:
    """Building a result without validation builds no validator of its model."""

    class Late(BaseModel):
        number: int
        word: str = "x"

    late = construct(Late, {"number": "odd", "more": 1})
    assert not Late.__pydantic_complete__
    assert (late.number, late.word, late.more) == ("odd", "x", 1)
    assert late.to_dict(exclude_unset=False, warnings=False) == {"number": "odd", "word": "x", "more": 1}


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ({"id": "t", "function": {"name": "f", "arguments": "{}"}}, ChatCompletionMessageFunctionToolCall),
        (
            {"id": "t", "type": None, "function": {"name": "f", "arguments": "{}"}},
            ChatCompletionMessageFunctionToolCall,
        ),
        ({"id": "t", "custom": {"name": "f", "input": ""}}, ChatCompletionMessageCustomToolCall),
        ({"id": "t"}, BaseModel),
        ({"id": "t", "type": "new", "function": {"name": "f", "arguments": "{}"}}, BaseModel),
    ],
)
def test_what_has_no_tag_is_known_by_its_fields(call: dict[str, Any], kind: type[BaseModel]) -> None:
    """The calls of tools have their class and fields where a server leaves out their type."""
    body = {"choices": [{"message": {"tool_calls": [call]}}]}
    calls = decode(ChatCompletion, to_json(body)).choices[0].message.tool_calls
    assert calls is not None
    assert type(calls[0]) is kind
    if isinstance(calls[0], ChatCompletionMessageFunctionToolCall):
        assert calls[0].function.name == "f"
    assert calls[0].to_dict() == call


def test_no_tag_and_fields_of_several_members() -> None:
    """What may be one thing or another is none of them."""
    event: Any = decode(cast("Any", ResponseStreamEvent), b'{"sequence_number":1,"response":{}}')
    assert type(event) is BaseModel
