"""`chat.completions.parse`: what it asks for, and what it makes of the answers."""

import dataclasses
from typing import Any

import openai
import pydantic
import pytest
from pydantic import BaseModel, TypeAdapter

import ai_client
from ai_client.types.chat import ParsedChatCompletion, ParsedChatCompletionMessage
from tests.support.chat_scripts import GetWeather, Place, body, texts
from tests.support.told import arguments, outcome

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
PLACE = '{"city": "Paris", "degrees": 1.5}'
STRICT: dict[str, Any] = {
    "type": "function",
    "function": {"name": "strict", "strict": True, "parameters": {"type": "object", "properties": {}}},
}


@dataclasses.dataclass
class Point:
    """A place on a plane."""

    x: int


def answer(message: dict[str, Any], *, finish: str = "stop") -> dict[str, Any]:
    """Give an answer of one message."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "logprobs": None,
        "message": {"role": "assistant", **message},
    }
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def calls(*made: tuple[str, str]) -> dict[str, Any]:
    """Give a message that calls functions."""
    return {
        "content": None,
        "tool_calls": [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": text}}
            for number, (name, text) in enumerate(made)
        ],
    }


ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (answer({"content": "Hi"}), {}),
    "structured": (answer({"content": PLACE}), {"response_format": Place}),
    "refused": (answer({"content": None, "refusal": "No"}), {"response_format": Place}),
    "empty": (answer({"content": ""}), {"response_format": Place}),
    "not of its type": (answer({"content": "{}"}), {"response_format": Place}),
    "not JSON": (answer({"content": "Hi"}), {"response_format": Place}),
    "a dictionary": (answer({"content": PLACE}), {"response_format": {"type": "json_object"}}),
    "length": (answer({"content": PLACE}, finish="length"), {"response_format": Place}),
    "content filter": (answer({"content": PLACE}, finish="content_filter"), {}),
    "tools": (
        answer(calls(("GetWeather", '{"city": "Paris"}'), ("strict", '{"a": 1}'), ("other", "{}"))),
        {"tools": [GetWeather, STRICT]},
    ),
    "arguments not of their type": (answer(calls(("GetWeather", "{}"))), {"tools": [GetWeather]}),
    "a tool that is not strict": (
        answer({"content": "Hi"}),
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ),
    "a custom tool": (answer({"content": "Hi"}), {"tools": [{"type": "custom", "custom": {"name": "c"}}]}),
    "unknown members": (answer({"content": "Hi", "reasoning_content": "Hm"}), {}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_like_the_official_client(name: str, invoke: Any) -> None:
    """An answer leads to the official client's result or error, and is asked for in the same words."""
    said, options = ANSWERS[name]
    invoke.upstream.always(json=said)
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        theirs = outcome(
            lambda: client.chat.completions.parse(**arguments(options, openai.pydantic_function_tool))
        )
    parse = invoke.client().chat.completions.parse
    ours = outcome(lambda: invoke(parse, **arguments(options, ai_client.pydantic_function_tool)))
    assert ours == theirs
    if invoke.upstream.requests:
        official, mine = (recorded.json() for recorded in invoke.upstream.requests)
        official.pop("stream")
        assert mine == official


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        (Place, PLACE, Place(city="Paris", degrees=1.5)),
        (Point, '{"x": 1}', Point(1)),
        (list[Point], '{"result": [{"x": 1}]}', [Point(1)]),
        (TypeAdapter(dict[str, int]), '{"a": 1}', {"a": 1}),
    ],
)
def test_types(invoke: Any, target: Any, text: str, value: Any) -> None:
    """A model, a dataclass, any type that pydantic knows and an adapter come back as their instances."""
    invoke.upstream.reply(json=answer({"content": text}))
    completion = invoke(invoke.client().chat.completions.parse, **CHAT, response_format=target)
    assert completion.choices[0].message.parsed == value
    assert isinstance(completion, ParsedChatCompletion)
    assert completion._request_id is not None


def test_tools_come_back_as_models(invoke: Any) -> None:
    """Arguments are instances of their models; tools may come from an iterator."""
    invoke.upstream.reply(json=answer(calls(("GetWeather", '{"city": "Paris"}'))))
    tools = iter([ai_client.pydantic_function_tool(GetWeather)])
    completion = invoke(invoke.client().chat.completions.parse, **CHAT, tools=tools)
    (call,) = completion.choices[0].message.tool_calls
    assert call.function.parsed_arguments == GetWeather(city="Paris")
    assert len(invoke.upstream.requests[0].json()["tools"]) == 1


def test_raw_response(invoke: Any) -> None:
    """The raw response gives the parsed answer, too."""
    invoke.upstream.reply(json=answer({"content": PLACE}))
    completions = invoke.client().chat.completions.with_raw_response
    raw = invoke(completions.parse, **CHAT, response_format=Place)
    assert raw.status_code == 200
    assert raw.parse().choices[0].message.parsed == Place(city="Paris", degrees=1.5)


def test_what_is_parsed_is_not_sent(invoke: Any) -> None:
    """An answer goes back to the API as it came, while a dump of it shows all that it holds."""
    made = calls(("GetWeather", '{"city": "Paris"}'))
    invoke.upstream.always(json=answer({**made, "content": PLACE}))
    completions = invoke.client().chat.completions
    tools = [ai_client.pydantic_function_tool(GetWeather)]
    message = invoke(completions.parse, **CHAT, tools=tools, response_format=Place).choices[0].message
    invoke(completions.create, model="m", messages=[message])
    assert invoke.upstream.requests[-1].json()["messages"] == [
        {"role": "assistant", **made, "content": PLACE}
    ]
    shown = message.to_dict()
    assert shown["parsed"] == {"city": "Paris", "degrees": 1.5}
    assert shown["tool_calls"][0]["function"]["parsed_arguments"] == {"city": "Paris"}


def test_a_type_given_to_create(invoke: Any) -> None:
    """A type as the format of `create` is an error that names `parse`."""
    with pytest.raises(TypeError, match=r"The class Place .* goes into `parse`"):
        invoke(invoke.client().chat.completions.create, **CHAT, response_format=Place)


def test_length_error_holds_the_answer(invoke: Any) -> None:
    """What was cut off is in the error, with what it cost."""
    invoke.upstream.reply(json=answer({"content": '{"ci'}, finish="length"))
    with pytest.raises(ai_client.LengthFinishReasonError, match=r"length limit was reached - .*3") as caught:
        invoke(invoke.client().chat.completions.parse, **CHAT, response_format=Place)
    assert caught.value.completion.choices[0].message.content == '{"ci'


def test_validated_again() -> None:
    """A parsed answer can be stored as JSON and read again as what it was."""

    class Holder(BaseModel):
        message: ParsedChatCompletionMessage[Place]

    text = '{"message": {"role": "assistant", "content": "x", "parsed": {"city": "Paris"}}}'
    assert Holder.model_validate_json(text).message.parsed == Place(city="Paris")
    with pytest.raises(pydantic.ValidationError):
        Holder.model_validate_json(text.replace("Paris", '"'))


class Numbers(pydantic.RootModel[list[int]]):
    """A format whose root is no object."""


@pytest.mark.parametrize("stream", [False, True])
def test_a_format_whose_root_is_no_object(invoke: Any, stream: bool) -> None:
    """What its schema wraps in an object is taken out of it again, in one piece and in many."""
    completions = invoke.client().chat.completions
    if not stream:
        invoke.upstream.reply(json=answer({"content": '{"result": [1, 2]}'}))
        parsed = invoke(completions.parse, **CHAT, response_format=Numbers)
        assert parsed.choices[0].message.parsed == Numbers([1, 2])
    else:
        sent_events = body(texts(['{"result": ', "[1, 2", "]}"]))
        invoke.upstream.reply(chunks=[sent_events], headers={"content-type": "text/event-stream"})
        with invoke.within(completions.stream(**CHAT, response_format=Numbers)) as events:
            assert invoke(events.get_final_completion).choices[0].message.parsed == Numbers([1, 2])
    sent = invoke.upstream.requests[0].json()["response_format"]["json_schema"]["schema"]
    assert sent["properties"]["result"]["type"] == "array"


def test_a_tool_whose_arguments_have_no_names() -> None:
    """A model whose root is no object makes no tool."""
    with pytest.raises(TypeError, match="The schema of Numbers is not an object's"):
        ai_client.pydantic_function_tool(Numbers)
