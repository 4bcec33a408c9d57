"""Streamed responses: the same events, results and errors as with the official SDK."""

from typing import Any

import openai
import pytest

import ai_client
from ai_client.lib.streaming import _accumulate, responses
from ai_client.testing import Upstream
from ai_client.types.responses.response_stream_event import ResponseStreamEvent as RawEvent
from tests.support.chat_scripts import GetWeather
from tests.support.response_scripts import SCRIPTS, body, created, ended, message, response, say
from tests.support.told import CALL, keywords, next_of, told

EVENTS = {"content-type": "text/event-stream"}


def official(upstream: Upstream, options: dict[str, Any]) -> list[Any]:
    """Write down what the official client makes of the next stream."""
    with (
        openai.OpenAI(base_url=upstream.base_url, api_key="any") as client,
        client.responses.stream(**keywords(options, openai.pydantic_function_tool)) as stream,
    ):
        return told(stream, stream.get_final_response)


@pytest.mark.parametrize("name", SCRIPTS)
def test_like_the_official_client(name: str, invoke: Any) -> None:
    """A stream leads to the official client's events, in its order, to its final response and to its errors."""
    events, options = SCRIPTS[name]
    invoke.upstream.always(body=body(events), headers=EVENTS)
    expected = official(invoke.upstream, options)
    manager = invoke.client().responses.stream(**keywords(options, ai_client.pydantic_function_tool))
    with invoke.within(manager) as stream:
        ours = iter(lambda: next_of(invoke, stream), None)
        assert told(ours, lambda: invoke(stream.get_final_response)) == expected
    mine, theirs = (recorded.json() for recorded in reversed(invoke.upstream.requests))
    assert mine == theirs


def test_a_response_that_breaks_off(invoke: Any) -> None:
    """A stream that ends before its response does raises, where the official client shows half an answer."""
    events = [*created(), *say(["Hel"])[:3]]
    invoke.upstream.always(body=body(events), headers=EVENTS)
    with (
        invoke.within(invoke.client().responses.stream(**CALL)) as stream,
        pytest.raises(ai_client.StreamInterruptedError) as raised,
    ):
        invoke(stream.get_final_response)
    assert [item.type for item in raised.value.received] == [event["type"] for event in events]


def test_a_response_under_way(invoke: Any) -> None:
    """A response is taken up where it was left: earlier events are accumulated but not shown."""
    events = [*created(), *say(["Hel", "lo"]), ended(message("Hello"))]
    invoke.upstream.always(body=body(events), headers=EVENTS)
    with (
        openai.OpenAI(base_url=invoke.upstream.base_url, api_key="any") as client,
        client.responses.stream(response_id="resp_1", starting_after=4) as stream,
    ):
        expected = told(stream, stream.get_final_response)
    with invoke.within(invoke.client().responses.stream(response_id="resp_1", starting_after=4)) as stream:
        shown = told(iter(lambda: next_of(invoke, stream), None), lambda: invoke(stream.get_final_response))
    assert shown == expected
    assert shown[0]["snapshot"] == "Hello"
    mine, theirs = reversed(invoke.upstream.requests)
    assert (mine.method, mine.path) == (theirs.method, theirs.path) == ("GET", "/v1/responses/resp_1")
    assert mine.params == theirs.params


def test_text_of_a_stream(invoke: Any) -> None:
    """The text of the whole response is one call away."""
    invoke.upstream.reply(body=body(SCRIPTS["text"][0]), headers=EVENTS)
    with invoke.within(invoke.client().responses.stream(**CALL)) as stream:
        assert invoke(stream.get_output_text) == "Hello"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"input": "x"}, "model must be provided"),
        ({"model": "m"}, "input must be provided"),
        ({"response_id": "r", "model": "m", "input": "x"}, "combined with input, model"),
        ({"starting_after": 1}, "response_id must be provided"),
    ],
)
def test_keywords_that_do_not_go_together(invoke: Any, options: dict[str, Any], wrong: str) -> None:
    """A stream of a new response needs input and model, one of a response under way takes nothing of a new one."""
    with pytest.raises(ValueError, match=wrong):
        invoke.client().responses.stream(**options)


def test_a_format_given_twice(invoke: Any) -> None:
    """A type beside another format is refused."""
    manager = invoke.client().responses.stream(
        **CALL, text_format=GetWeather, text={"format": {"type": "text"}}
    )
    with pytest.raises(TypeError, match="Cannot mix and match"), invoke.within(manager):
        pass


def test_an_error_of_the_server() -> None:
    """An error event is shown, also before the response begins."""
    state = responses.ResponseStreamState[None]()
    event = raw({"type": "error", "message": "Overloaded", "sequence_number": 0, "code": None, "param": None})
    assert state.handle_event(event) == [event]


def test_work_grows_with_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,000 pieces none joins the text so far, unless a caller looks at it."""
    read: list[int] = []
    real = _accumulate.Text.upto
    monkeypatch.setattr(
        _accumulate.Text, "upto", lambda text, length: read.append(length) or real(text, length)
    )
    state = responses.ResponseStreamState[None]()
    script = [*created(), *say(["ab"] * 2_000), ended(message("ab" * 2_000))]
    events = [shown for each in script for shown in state.handle_event(raw({"sequence_number": 0, **each}))]
    assert (len(events), read) == (2_008, [])
    assert events[5].snapshot == "abab"
    assert events[5].snapshot == "abab"
    assert read == [4]
    assert state.get_final_response().output_text == "ab" * 2_000


def test_what_came_out_of_a_failed_response() -> None:
    """A failed response that lists no output shows what was told of it."""
    state = responses.ResponseStreamState[None]()
    script = [*created(), *say(["Hello"]), ended(status="failed")]
    script[-1]["response"] = {**response(status="failed"), "output": None}
    last = [state.handle_event(raw({"sequence_number": 0, **each})) for each in script][-1][0]
    assert last.response.output_text == "Hello"


def raw(event: dict[str, Any]) -> Any:
    """Make an event of what a server sends."""
    from ai_client._models.decode import decode
    from ai_client._params.encoding import encode

    return decode(RawEvent, encode(event))
