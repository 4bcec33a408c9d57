"""What the cache keeps of odd answers: nothing that broke off, failed, was stopped or says nothing."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from ai_client import APIConnectionError, OpenAI, OpenAIError
from ai_client.control.cache.entry import Entry
from ai_client.control.cache.policy import Cache
from ai_client.control.observability.hooks import Hooks
from ai_client.stores import open_store
from tests.support.hostile.framing import EVENT_STREAM, events, framed, script, whole
from tests.support.hostile.shapes import (
    chat_chunk,
    chat_events,
    completion_event,
    encoded,
    response,
    response_events,
)
from tests.support.hostile.wire import CLOSE, Request, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke


def chat(content: Any = "one", finish: str | None = "stop", **message: Any) -> bytes:
    """Encode a chat completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    return encoded({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def completion(text: str, finish: str = "stop") -> bytes:
    """Encode a completion of the older kind."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return encoded({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]})


CALL = {"type": "function", "id": "t", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "id": "t", "summary": []}
LIMITED = {"max_completion_tokens": 1}
COUNTED = {"stream_options": {"include_usage": True}}
USAGE = encoded(
    {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
)
# kind, body, whether it is streamed, further keywords, whether it is kept
CASES: dict[str, tuple[str, bytes | list[bytes], bool, dict[str, Any], bool]] = {
    "chat": ("chat", chat(), False, {}, True),
    "chat, tool call": ("chat", chat(None, "tool_calls", tool_calls=[CALL]), False, {}, True),
    "chat, refusal": ("chat", chat(None, refusal="No."), False, {}, True),
    "chat, no reason": ("chat", chat(finish=None), False, {}, True),
    "chat, filtered": ("chat", chat(finish="content_filter"), False, {}, False),
    "chat, cut": ("chat", chat(finish="length"), False, {}, False),
    "chat, limited": ("chat", chat(finish="length"), False, LIMITED, True),
    "chat, limited the old way": ("chat", chat(finish="length"), False, {"max_tokens": 1}, True),
    "chat, empty": ("chat", chat(""), False, {}, False),
    "chat, null": ("chat", chat(None), False, {}, False),
    "chat, no choices": ("chat", encoded({"id": "c", "choices": []}), False, {}, False),
    "chat, error": ("chat", encoded({"error": {"message": "no"}}), False, {}, False),
    "completion": ("completion", completion("one"), False, {}, True),
    "completion, empty": ("completion", completion(""), False, {}, False),
    "completion, cut": ("completion", completion("one", "length"), False, {}, False),
    "response": ("response", encoded(response("completed", "one")), False, {}, True),
    "response, tool": ("response", encoded(response("completed", output=[TOOL])), False, {}, True),
    "response, failed": ("response", encoded(response("failed", "one")), False, {}, False),
    "response, incomplete": ("response", encoded(response("incomplete", "one")), False, {}, False),
    "response, queued": ("response", encoded(response("queued", "one")), False, {}, False),
    "response, empty": ("response", encoded(response("completed", "")), False, {}, False),
    "response, nothing": ("response", encoded(response("completed")), False, {}, False),
    "response, thought": ("response", encoded(response("completed", output=[THOUGHT])), False, {}, False),
    "embeddings": ("embedding", encoded({"data": [{"embedding": [1.0], "index": 0}]}), False, {}, True),
    "no embeddings": ("embedding", encoded({"data": []}), False, {}, False),
    "empty embeddings": ("embedding", encoded({"data": [{"embedding": []}]}), False, {}, False),
    "chat stream": ("chat", [*chat_events(), b"[DONE]"], True, {}, True),
    "chat stream, unmarked": ("chat", chat_events(), True, {}, True),
    "chat stream, only done": ("chat", [*chat_events(finish=None), b"[DONE]"], True, {}, True),
    "chat stream, counted": ("chat", [*chat_events(), USAGE], True, COUNTED, True),
    "chat stream, counted and marked": ("chat", [*chat_events(), b"[DONE]"], True, COUNTED, True),
    "chat stream, not counted": ("chat", chat_events(), True, COUNTED, False),
    "chat stream, truncated": ("chat", chat_events(finish=None), True, {}, False),
    "chat stream, filtered": ("chat", [*chat_events(finish="content_filter"), b"[DONE]"], True, {}, False),
    "chat stream, cut": ("chat", chat_events(finish="length"), True, {}, False),
    "chat stream, limited": ("chat", chat_events(finish="length"), True, LIMITED, True),
    "chat stream, silent": (
        "chat",
        [chat_chunk({"role": "assistant"}), chat_chunk({}, "stop")],
        True,
        {},
        False,
    ),
    "chat stream, nothing": ("chat", [b"[DONE]"], True, {}, False),
    "chat stream, empty": ("chat", [], True, {}, False),
    "chat stream, error": (
        "chat",
        [chat_chunk({"content": "a"}), encoded({"error": {"message": "no"}})],
        True,
        {},
        False,
    ),
    "completion stream": ("completion", [completion_event("one", "stop")], True, {}, True),
    "completion stream, truncated": ("completion", [completion_event("one")], True, {}, False),
    "response stream": ("response", response_events(), True, {}, True),
    "response stream, truncated": ("response", response_events(end=None), True, {}, False),
    "response stream, failed": ("response", response_events(end="failed"), True, {}, False),
    "response stream, incomplete": ("response", response_events(end="incomplete"), True, {}, False),
    "response stream, silent": ("response", response_events(words=()), True, {}, False),
}


def asked(client: Any, kind: str, *, unread: bool = False) -> Callable[..., Any]:
    """Give the method that asks for a kind of answer."""
    resources = {
        "chat": client.chat.completions,
        "completion": client.completions,
        "response": client.responses,
        "embedding": client.embeddings,
    }
    resource = resources[kind]
    create: Callable[..., Any] = (resource.with_streaming_response if unread else resource).create
    return create


def keywords(kind: str, more: dict[str, Any]) -> dict[str, Any]:
    """Give the keywords of a call."""
    given = {"chat": {"messages": CHAT["messages"]}, "completion": {"prompt": "Hello"}}
    return {"model": "gpt-5.5", **given.get(kind, {"input": "Hello"}), **more}


def caching(invoke: Invoke, wire: Wire, **options: Any) -> Any:
    """Make a client that keeps every answer that may be kept."""
    cache = Cache(scope="all", store=open_store("memory://"), everything=True)
    return invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[cache], **options)


@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_what_is_kept(wire: Wire, invoke: Invoke, name: str, unread: bool) -> None:
    """An answer is given again only where it is whole, succeeded and says something, however it was read."""
    kind, body, streamed, more, kept = CASES[name]
    if isinstance(body, bytes):
        wire.play(script([body]))
    else:
        wire.play(script([*events(*body, end=None)], content_type=EVENT_STREAM))
    client = caching(invoke, wire)
    given = keywords(kind, {**more, **({"stream": True} if streamed else {})})

    def ask() -> None:
        if unread:
            with invoke.within(asked(client, kind, unread=True)(**given)) as raw:
                invoke(raw.read)
            return
        result = invoke(asked(client, kind), **given)
        if streamed:
            invoke.collect(result)

    for _ in range(2):
        with suppress(OpenAIError):
            ask()
    assert len(wire.requests) == (1 if kept else 2)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("content_type", "typed"),
    [
        (EVENT_STREAM, True),
        (EVENT_STREAM, False),
        ("Text/Event-Stream; charset=utf-8", False),
        ("text/plain", True),
        ("", True),
    ],
)
def test_a_stream_is_judged_as_one(
    wire: Wire, invoke: Invoke, content_type: str, typed: bool, ended: bool
) -> None:
    """A stream that broke off is not kept, whatever its server calls it, and whether it is read as a stream or not."""
    kind, said, *_ = CASES["chat stream" if ended else "chat stream, truncated"]
    assert isinstance(said, list)
    wire.play(script([*events(*said, end=None)], content_type=content_type))
    client = caching(invoke, wire)
    given = keywords(kind, {"stream": True})

    def ask() -> None:
        if typed:
            with invoke.within(asked(client, kind, unread=True)(**given)) as raw:
                invoke(raw.read)
        else:
            invoke(client.post, "/chat/completions", body=given, cast_to=httpx.Response)

    for _ in range(2):
        with suppress(OpenAIError):
            ask()
    assert len(wire.requests) == (1 if ended else 2)


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_a_body_that_its_reader_left_is_not_kept(wire: Wire, invoke: Invoke, framing: Any) -> None:
    """Who reads an unread body in part keeps no part of it."""
    parts = [*events(*chat_events())]
    cut = framed(parts, framing, content_type=EVENT_STREAM)
    wire.play([*cut, CLOSE])
    client = caching(invoke, wire)
    for _ in range(2):
        with invoke.within(
            client.chat.completions.with_streaming_response.create(**CHAT, stream=True)
        ) as raw:
            invoke.next(raw.iter_bytes())
    assert len(wire.requests) == 2


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_body_that_broke_off_is_not_kept(wire: Wire, invoke: Invoke, cut: int) -> None:
    """A body that breaks off at any place is kept nowhere, read or unread."""
    text = b"".join(whole(framed([chat()], "length")))
    wire.play([text[:-cut], CLOSE])
    client = caching(invoke, wire)
    for _ in range(2):
        with pytest.raises(OpenAIError):
            invoke(client.chat.completions.create, **CHAT)
        with (
            suppress(Exception),
            invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)) as raw,
        ):
            invoke(raw.read)
    assert len(wire.requests) == 4


@pytest.mark.parametrize("by_pieces", [False, True])
def test_what_fails_while_it_is_read_has_failed(wire: Wire, invoke: Invoke, by_pieces: bool) -> None:
    """An unread body whose encoding ends too early is an error to its reader, is not kept, and has failed for hooks."""
    pieces = framed([chat()], "close", zipped=True)
    wire.play([*pieces[:-1], CLOSE])
    told: list[str] = []
    hooks = Hooks(
        on_result=lambda _: told.append("result"),
        on_error=lambda details: told.append(details.error),
    )
    cache = Cache(scope="all", store=open_store("memory://"), everything=True)
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[hooks, cache])
    for _ in range(2):
        with (
            pytest.raises(APIConnectionError),
            invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)) as raw,
        ):
            _ = invoke.collect(raw.iter_bytes()) if by_pieces else invoke(raw.read)
    assert told == ["APIConnectionError"] * 2
    assert len(wire.requests) == 2


def test_believed_streams_are_not_kept(wire: Wire, invoke: Invoke) -> None:
    """A stream without an end mark may be half an answer even where it is believed."""
    wire.play(script([*events(*chat_events(finish=None), end=None)], content_type=EVENT_STREAM))
    client = caching(invoke, wire, stream_end="optional")
    for _ in range(2):
        assert len(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))) == 3
    assert len(wire.requests) == 2


def test_an_answer_that_is_not_kept_is_not_shared(wire: Wire) -> None:
    """Callers who wait for an equal call under way ask themselves where its answer is not one to keep."""
    callers = 4
    cache = Cache(scope="all", store=open_store("memory://"), everything=True)

    begun = threading.Event()
    held = threading.Event()

    def answer(request: Request) -> list[Step]:
        begun.set()
        body = script([chat(str(request.number), "content_filter")])
        return [held, *body] if request.number == 0 else body

    wire.answer = answer
    with (
        OpenAI(api_key=KEY, base_url=wire.base_url, layers=[cache]) as client,
        ThreadPoolExecutor(callers) as pool,
    ):
        runs = [pool.submit(client.chat.completions.create, **CHAT) for _ in range(callers)]
        assert begun.wait(10)
        held.set()
        texts = {run.result().choices[0].message.content for run in runs}
    assert texts == {str(number) for number in range(callers)}


def of_an_earlier_form(entry: Entry, key: str) -> bytes:
    """Write an entry as it was written when half a stream could be kept, without its last two pieces."""
    del key
    chunks = entry.chunks[:-2]
    head = [
        200,
        list(entry.headers),
        entry.url,
        entry.stored,
        entry.target,
        [len(c) for c in chunks],
    ]
    return b"\n".join((encoded(head), b"".join(chunks)))


def damaged(entry: Entry, key: str) -> bytes:
    """Write an entry of which a byte is another."""
    return entry_to_bytes(entry, key).replace(b'"content":"b"', b'"content":"x"').replace(b"one", b"two")


entry_to_bytes = Entry.to_bytes


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("form", [of_an_earlier_form, damaged, lambda *_: b"", lambda *_: b"[]\n"])
def test_what_cannot_be_given_again_is_asked_for_again(
    wire: Wire, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, form: Any, streamed: bool
) -> None:
    """An entry of an earlier form, which may be half an answer, or a damaged one is none, and is replaced."""
    if streamed:
        body = [*events(*chat_events())]
        wire.play(script(body, "chunked", list, content_type=EVENT_STREAM))
    else:
        wire.play(script([chat()]))
    client = caching(invoke, wire)

    def ask() -> int:
        result = invoke(client.chat.completions.create, **CHAT, stream=streamed)
        return len(invoke.collect(result)) if streamed else len(result.choices[0].message.content)

    monkeypatch.setattr(Entry, "to_bytes", form)
    first = ask()
    assert ask() == first
    assert len(wire.requests) == 2
    monkeypatch.undo()
    assert [ask() for _ in range(2)] == [first] * 2
    assert len(wire.requests) == 3
