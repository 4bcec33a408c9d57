"""`responses.parse`: what it asks for, and what it makes of the answers."""

from typing import Any

import openai
import pydantic
import pytest
from pydantic import TypeAdapter

import ai_client
from ai_client.types import beta, responses
from ai_client.types.responses import ParsedResponse
from tests.support.chat_scripts import GetWeather, Place
from tests.support.response_scripts import STRICT, TOOL, function, message, part, response
from tests.support.told import CALL, keywords, outcome

PLACE = '{"city":"Paris","degrees":1.5}'
WEATHER = '{"city":"Paris"}'
UPDATE = {"type": "configuration_update", "text": {"format": {"type": "json_object"}}}
PLAIN = {"type": "configuration_update", "text": {"format": {"type": "text"}}}

ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (response(message("Hi")), {}),
    "structured": (response(message(PLACE)), {"text_format": Place}),
    "verbosity beside": (response(message(PLACE)), {"text_format": Place, "text": {"verbosity": "low"}}),
    "refused": (
        response({**message(), "content": [{"type": "refusal", "refusal": "No"}]}),
        {"text_format": Place},
    ),
    "not of its type": (response(message("{}")), {"text_format": Place}),
    "on the way": (
        response(message("Hm", phase="commentary"), message(PLACE, phase="final_answer")),
        {"text_format": Place},
    ),
    "two texts": (
        response({**message(), "content": [part(PLACE), part(WEATHER)]}),
        {"text_format": Place},
    ),
    "parsed as another": (response(message(WEATHER)), {"text_format": Place, "parse_as": GetWeather}),
    "not parsed": (response(message("Hi")), {"text_format": Place, "parse_as": None}),
    "an update": (response(message(PLACE)), {"text_format": Place, "input": [UPDATE]}),
    "an update, parsed": (
        response(message(WEATHER)),
        {"text_format": Place, "input": [PLAIN, UPDATE], "parse_as": GetWeather},
    ),
    "an update to text": (response(message("Hi")), {"text_format": Place, "input": [UPDATE, PLAIN]}),
    "an update to text, parsed": (response(message("Hi")), {"parse_as": Place, "input": [PLAIN]}),
    "two formats": (
        response(message("Hi")),
        {"text_format": Place, "text": {"format": {"type": "text"}}},
    ),
    "tools": (
        response(
            function("GetWeather", WEATHER),
            function("strict", '{"a": 1}'),
            function("plain", "{}"),
            function("other", "{}"),
        ),
        {"tools": [GetWeather, STRICT, TOOL, {"type": "web_search"}]},
    ),
    "namespaces": (
        response(
            function("strict", "{}", namespace="mine"),
            function("strict", "{}", namespace="other"),
            function("strict", "{}", namespace="strict"),
            function("plain", "{}", namespace="mine"),
        ),
        {"tools": [{"type": "namespace", "name": "mine", "description": "", "tools": [STRICT]}, STRICT]},
    ),
    "arguments not of their type": (response(function("GetWeather", "{}")), {"tools": [GetWeather]}),
    "other items": (
        response({"id": "rs_1", "type": "reasoning", "summary": []}, message("Hi")),
        {},
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_like_the_official_client(name: str, invoke: Any) -> None:
    """A response leads to the official client's result or error, and is asked for in the same words."""
    said, options = ANSWERS[name]
    invoke.upstream.always(json=said)
    with openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client:
        theirs = outcome(lambda: client.responses.parse(**keywords(options, openai.pydantic_function_tool)))
    parse = invoke.client().responses.parse
    ours = outcome(lambda: invoke(parse, **keywords(options, ai_client.pydantic_function_tool)))
    assert ours == theirs
    if invoke.upstream.requests:
        official, mine = (recorded.json() for recorded in invoke.upstream.requests)
        assert mine == official


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        (Place, PLACE, Place(city="Paris", degrees=1.5)),
        (list[int], '{"result": [1]}', [1]),
        (TypeAdapter(Place), WEATHER, Place(city="Paris")),
    ],
)
def test_types(invoke: Any, target: Any, text: str, value: Any) -> None:
    """What was asked for comes back as an instance, on the response of the public type."""
    invoke.upstream.reply(json=response(message(text)))
    result = invoke(invoke.client().responses.parse, **CALL, text_format=target)
    assert isinstance(result, ParsedResponse)
    assert (result.output_parsed, result.output_text) == (value, text)
    assert result._request_id is not None


def test_nothing_parsed(invoke: Any) -> None:
    """A response without a message has nothing parsed and no text."""
    invoke.upstream.reply(json=response())
    result = invoke(invoke.client().responses.parse, **CALL, text_format=Place)
    assert (result.output_parsed, result.output_text) == (None, "")


def test_what_is_parsed_is_not_sent(invoke: Any) -> None:
    """A response's items go back to the API as they came, while a dump shows all that they hold."""
    items = [message(PLACE), function("GetWeather", WEATHER)]
    invoke.upstream.always(json=response(*items))
    responses = invoke.client().responses
    tools = [ai_client.pydantic_responses_function_tool(GetWeather)]
    result = invoke(responses.parse, **CALL, text_format=Place, tools=tools)
    invoke(responses.create, model="m", input=result.output)
    assert invoke.upstream.requests[-1].json()["input"] == items
    text, call = result.to_dict()["output"]
    assert text["content"][0]["parsed"] == {"city": "Paris", "degrees": 1.5}
    assert call["parsed_arguments"] == {"city": "Paris"}


def test_a_chat_tool_that_is_no_model(invoke: Any) -> None:
    """A function in the form of `client.chat` is refused unless it was made of a model."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    with pytest.raises(TypeError, match="only from `pydantic_function_tool`"):
        invoke(invoke.client().responses.parse, **CALL, tools=[tool])


def test_output_text(invoke: Any) -> None:
    """The text of a response is all of its messages' texts; a response without output has none."""
    create = invoke.client().responses.create
    invoke.upstream.reply(json=response(message("Hel"), function("f", "{}"), message("lo")))
    assert invoke(create, **CALL).output_text == "Hello"
    invoke.upstream.reply(json={**response(), "output": None})
    assert invoke(create, **CALL).output_text == ""


class Word(pydantic.RootModel[str]):
    """A format whose root is no object."""


def test_a_format_whose_root_is_no_object(invoke: Any) -> None:
    """What its schema wraps in an object is taken out of it again."""
    invoke.upstream.reply(json=response(message('{"result": "hello"}')))
    result = invoke(invoke.client().responses.parse, **CALL, text_format=Word)
    assert result.output_parsed == Word("hello")


def test_types_of_the_beta_are_the_released_ones() -> None:
    """A type of the beta that says the same as the released one is that type; one that says more is its own."""
    assert beta.BetaFunctionTool is responses.FunctionTool
    assert beta.BetaFunctionToolParam is responses.FunctionToolParam
    assert beta.BetaResponseOutputText is responses.ResponseOutputText
    assert beta.BetaResponse is not responses.Response
    assert "agent" in beta.BetaResponseFunctionToolCall.model_fields
