"""Streamed chat answers: the same events, snapshots, results and errors as with the official SDK."""

from typing import Any

import openai
import pydantic
import pytest
from pydantic_core import to_json

import ai_client
from ai_client.lib import _schema, _tools
from ai_client.lib.streaming import _accumulate, chat
from ai_client.testing import Gate, Upstream
from ai_client.types.chat import ChatCompletionChunk
from tests.support.chat_scripts import SCRIPTS, GetWeather, Place, body, call, chunk, piece, texts
from tests.support.told import CHAT, arguments, next_of, told


def official(upstream: Upstream, options: dict[str, Any]) -> list[Any]:
    """Write down what the official client makes of the next stream."""
    with (
        openai.OpenAI(base_url=upstream.base_url, api_key="any") as client,
        client.chat.completions.stream(**arguments(options, openai.pydantic_function_tool)) as stream,
    ):
        return told(stream, stream.get_final_completion)


@pytest.mark.parametrize("name", SCRIPTS)
def test_like_the_official_client(name: str, invoke: Any) -> None:
    """A stream leads to the official client's events, in its order, to its final answer and to its errors."""
    chunks, options = SCRIPTS[name]
    invoke.upstream.always(body=body(chunks), headers={"content-type": "text/event-stream"})
    expected = official(invoke.upstream, options)
    completions = invoke.client().chat.completions
    manager = completions.stream(**arguments(options, ai_client.pydantic_function_tool))
    with invoke.within(manager) as stream:
        events = iter(lambda: next_of(invoke, stream), None)
        assert told(events, lambda: invoke(stream.get_final_completion)) == expected
    ours, theirs = (recorded.json() for recorded in reversed(invoke.upstream.requests))
    assert ours == theirs


def test_work_grows_with_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,000 chunks none joins or parses the text so far, unless a caller looks at what it says."""
    read = 0
    joined = str

    def count(text: Any) -> str:
        nonlocal read
        read += 1
        return joined(text)

    parsed: list[str] = []
    real = _schema.partial_json
    monkeypatch.setattr(_schema, "partial_json", lambda text: parsed.append(text) or real(text))
    monkeypatch.setattr(_tools, "partial_json", lambda text: parsed.append(text) or real(text))
    monkeypatch.setattr(_accumulate.Text, "upto", lambda text, length: count(text)[:length])
    pieces = ['{"city": "', *["a"] * 1_997, '"}']
    state = chat.ChatCompletionStreamState(response_format=Place)
    deltas = []
    for each in texts(pieces):
        deltas += [event for event in state.handle_chunk(of(each)) if event.type == "content.delta"]
    assert (len(deltas), read, parsed) == (2_000, 0, [])
    assert deltas[2].parsed == {}
    assert deltas[3].snapshot == '{"city": "aa'
    assert (read, parsed) == (2, ['{"city": "a'])
    assert deltas[2].parsed == {}
    assert read == 2
    final = state.get_final_completion().choices[0].message
    assert final.parsed == Place(city="a" * 1_997)


def test_repeated_roles_and_ids_are_not_joined() -> None:
    """A server that repeats role, id and type with each chunk has them once in the answer."""
    state = chat.ChatCompletionStreamState[None]()
    again = {"role": "assistant", "tool_calls": [call(0, "{", "f")]}
    for delta in (again, {**again, "tool_calls": [{**call(0, "}", ""), "id": "call_0"}]}):
        state.handle_chunk(of(chunk(piece(delta))))
    message = state.get_final_completion().choices[0].message
    assert message.role == "assistant"
    assert message.tool_calls is not None
    (made,) = message.tool_calls
    assert (made.id, made.type, made.function.name, made.function.arguments) == (
        "call_0",
        "function",
        "f",
        "{}",
    )


def test_calls_may_come_in_any_order() -> None:
    """Pieces of tool calls and choices find their place by index, whatever comes first."""
    state = chat.ChatCompletionStreamState[None]()
    state.handle_chunk(of(chunk(piece({"tool_calls": [call(1, "b", "second")]}, index=1))))
    state.handle_chunk(of(chunk(piece({"tool_calls": [call(0, "a", "first")]}, index=1))))
    state.handle_chunk(of(chunk(piece({"tool_calls": [call(1, "B")]}, index=1))))
    state.handle_chunk(of(chunk(piece({"content": "x"}))))
    first, second = state.get_final_completion().choices
    assert first.message.content == "x"
    assert second.message.tool_calls is not None
    assert [each.function.arguments for each in second.message.tool_calls] == ["a", "bB"]


def test_text_that_is_no_json_shows_nothing() -> None:
    """What a text says so far is `None` where it is not JSON; the end raises."""
    state = chat.ChatCompletionStreamState(response_format=Place)
    events = [event for each in texts(["not ", "JSON"])[:-1] for event in state.handle_chunk(of(each))]
    assert [event.parsed for event in events if event.type == "content.delta"] == [None, None, None]
    with pytest.raises(pydantic.ValidationError):
        state.handle_chunk(of(texts([])[-1]))


def test_a_stream_without_chunks(invoke: Any) -> None:
    """A stream that brings nothing ends quietly, and has no answer to give."""
    invoke.upstream.reply(body=body([]), headers={"content-type": "text/event-stream"})
    with invoke.within(invoke.client().chat.completions.stream(**CHAT)) as stream:
        assert invoke(stream.until_done) is stream
        with pytest.raises(RuntimeError, match="has not sent a chunk"):
            invoke(stream.get_final_completion)


def test_the_connection_is_given_back(invoke: Any) -> None:
    """Leaving the block early, and an answer that cannot be parsed, both end the exchange."""
    gate = Gate()
    client = invoke.client()
    invoke.upstream.reply(
        chunks=[body(texts(["a"])[:2])[:-14], gate], headers={"content-type": "text/event-stream"}
    )
    with invoke.within(client.chat.completions.stream(**CHAT)) as stream:
        assert invoke.next(stream).type == "chunk"
    invoke.upstream.wait_for(lambda: invoke.upstream.in_flight == 0)
    invoke.upstream.reply(
        chunks=[body(texts(["{"], finish="length"))[:-14], gate],
        headers={"content-type": "text/event-stream"},
    )
    with invoke.within(client.chat.completions.stream(**CHAT, response_format=Place)) as stream:
        with pytest.raises(ai_client.LengthFinishReasonError) as caught:
            invoke(stream.until_done)
        invoke.upstream.wait_for(lambda: invoke.upstream.in_flight == 0)
        assert caught.value.completion.choices[0].message.content == "{"
        assert next_of(invoke, stream) is None


def test_the_call_waits_for_the_block(invoke: Any) -> None:
    """Nothing is sent before the block begins, and a manager that is never entered leaves nothing behind."""
    invoke.client().chat.completions.stream(**CHAT)
    assert invoke.upstream.requests == []


def test_a_tool_iterator_is_read_once(invoke: Any) -> None:
    """Tools may come from an iterator: they are sent and parsed all the same."""
    chunks, _ = SCRIPTS["a tool of a model"]
    invoke.upstream.reply(body=body(chunks), headers={"content-type": "text/event-stream"})
    tools = iter([ai_client.pydantic_function_tool(GetWeather)])
    with invoke.within(invoke.client().chat.completions.stream(**CHAT, tools=tools)) as stream:
        (made,) = invoke(stream.get_final_completion).choices[0].message.tool_calls
    assert made.function.parsed_arguments == GetWeather(city="Paris")
    assert len(invoke.upstream.requests[0].json()["tools"]) == 1


@pytest.mark.parametrize("kind", [{}, {"type": None}], ids=["none", "null"])
def test_a_call_without_a_type_is_a_functions(kind: dict[str, Any], invoke: Any) -> None:
    """Where a server leaves out the type of a tool's call, the call is in the answer, with its arguments parsed."""
    made = {
        "index": 0,
        "id": "t",
        "function": {"name": "GetWeather", "arguments": '{"city": "Paris"}'},
        **kind,
    }
    tools = [ai_client.pydantic_function_tool(GetWeather)]
    completions = invoke.client().chat.completions
    chunks = [chunk(piece({"tool_calls": [made]})), chunk(piece({}, finish="tool_calls"))]
    invoke.upstream.reply(body=body(chunks), headers={"content-type": "text/event-stream"})
    with invoke.within(completions.stream(**CHAT, tools=tools)) as stream:
        streamed = invoke(stream.get_final_completion)
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    invoke.upstream.reply(
        body=to_json(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        )
    )
    for answer in (streamed, invoke(completions.parse, **CHAT, tools=tools)):
        (found,) = answer.choices[0].message.tool_calls
        assert found.function.parsed_arguments == GetWeather(city="Paris")


def of(data: dict[str, Any]) -> ChatCompletionChunk:
    """Make a chunk of what a server sends."""
    return ChatCompletionChunk.model_validate(data)
