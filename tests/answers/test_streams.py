"""Streamed results: items, ends, errors, and connections that are returned or closed."""

import gc
from typing import Any

import pytest

from ai_client import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    BaseModel,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from ai_client.control import Call, Next, Reply, StreamEnd
from ai_client.testing import Gate, sse
from tests.support.invoke import CHAT, Invoke


class Item(BaseModel):
    """One item of a made-up stream."""

    n: int


def open_stream(invoke: Invoke, client: Any = None, **options: Any) -> Any:
    """Open a stream of items."""
    client = client or invoke.client()
    return invoke(client.post, "/things", cast_to=Item, body={}, stream=True, options=options)


def items(*numbers: int) -> list[bytes]:
    """Give the events of so many items."""
    return [sse({"n": number}) for number in numbers]


def test_a_chat_is_streamed(invoke: Invoke) -> None:
    """The deltas of a streamed answer make up the whole one."""
    client = invoke.client()
    invoke.upstream.reply(content="Good morning", path="/chat/completions")
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    deltas = [chunk.choices[0].delta.content or "" for chunk in invoke.collect(stream) if chunk.choices]
    assert "".join(deltas) == "Good morning"


@pytest.mark.parametrize(
    "end", [[sse("[DONE]")], [], [b": bye\n\n"], [sse("[DONE]"), *items(9), b"data: nonsense\n\n"]]
)
def test_the_ends_of_a_stream(invoke: Invoke, end: list[bytes]) -> None:
    """A stream ends with `[DONE]`, whatever follows it, or with its body."""
    invoke.upstream.reply(chunks=[*items(1, 2), *end])
    assert invoke.collect(open_stream(invoke)) == [Item(n=1), Item(n=2)]


def test_chunks_cut_inside_a_character(invoke: Invoke) -> None:
    """A body that is cut inside a UTF-8 character, or byte by byte, is put together again."""
    body = sse({"n": 1, "text": "äöü€🎈"}) + sse("[DONE]")
    invoke.upstream.reply(chunks=[body[i : i + 1] for i in range(len(body))])
    (item,) = invoke.collect(open_stream(invoke))
    assert item.text == "äöü€🎈"


def test_a_finished_stream_gives_its_connection_back(invoke: Invoke) -> None:
    """Streams in a row that are read to their end share a connection."""
    client = invoke.client()
    for _ in range(3):
        assert invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    assert invoke.upstream.connections_opened == 1


def test_a_server_that_does_not_hang_up_after_done(invoke: Invoke) -> None:
    """The reader of a stream is free at `[DONE]`, even if the server never ends the body."""
    gate = Gate()
    invoke.upstream.reply(chunks=[*items(1), sse("[DONE]"), gate])
    assert invoke.collect(open_stream(invoke)) == [Item(n=1)]
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)
    gate.set()


@pytest.mark.parametrize("how", ["close", "aclose", "context", "collector"])
def test_leaving_early_closes_the_connection(invoke: Invoke, how: str) -> None:
    """However a reader leaves in mid-stream, the server's connection is free and the client goes on."""
    gate = Gate()
    client = invoke.client()
    invoke.upstream.reply(chunks=[*items(1), gate])
    stream = open_stream(invoke, client)
    if how == "context":
        with invoke.within(stream):
            assert invoke.next(stream) == Item(n=1)
    else:
        assert invoke.next(stream) == Item(n=1)
        if how == "collector":
            del stream
            gc.collect()
            invoke(lambda: None)  # lets the loop run what the collector found
        elif how == "close" or not invoke.sync:
            invoke(getattr(stream, how))
        else:
            stream.close()
    if not invoke.sync:
        invoke(lambda: invoke.upstream.wait_for_async(lambda: invoke.upstream.connections_open == 0))
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)
    gate.set()
    assert invoke(client.models.retrieve, "gpt-5.5").id == "gpt-5.5"


def test_a_stream_never_read_is_let_go(invoke: Invoke) -> None:
    """A stream that is dropped unread does not keep its connection."""
    gate = Gate()
    invoke.upstream.reply(chunks=[*items(1), gate])
    stream = open_stream(invoke)
    del stream
    gc.collect()
    if not invoke.sync:
        invoke(lambda: invoke.upstream.wait_for_async(lambda: invoke.upstream.connections_open == 0))
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)
    gate.set()


def test_a_closed_stream_is_empty(invoke: Invoke) -> None:
    """Closing twice is harmless, and reading on gives nothing."""
    invoke.upstream.reply(chunks=items(1, 2, 3))
    stream = open_stream(invoke)
    assert invoke.next(stream) == Item(n=1)
    invoke(stream.close)
    invoke(stream.close)
    assert invoke.collect(stream) == []


def test_an_error_event_is_raised(invoke: Invoke) -> None:
    """An error inside a stream is an `APIError` with the server's words and the items before it."""
    error = {"message": "too busy", "type": "server_error", "code": "overloaded", "param": None}
    invoke.upstream.reply(chunks=[*items(1, 2), sse({"error": error}, event="error"), *items(3)])
    stream = open_stream(invoke)
    with pytest.raises(APIError, match=r"^too busy$") as caught:
        invoke.collect(stream)
    assert isinstance(caught.value, StreamError)
    assert caught.value.received == [Item(n=1), Item(n=2)]
    assert (caught.value.code, caught.value.type, caught.value.body) == ("overloaded", "server_error", error)
    assert invoke.collect(stream) == []


@pytest.mark.parametrize("error", [{"code": 5}, "down", {"message": None}])
def test_an_error_without_words(invoke: Invoke, error: object) -> None:
    """An error event without a message gets one."""
    invoke.upstream.reply(chunks=[sse({"error": error})])
    with pytest.raises(StreamError, match="The server ended the stream with an error") as caught:
        invoke.collect(open_stream(invoke))
    assert caught.value.body == error


@pytest.mark.parametrize("text", ['{"n":1,"say":"\\"error\\""}', '{"n":1,"error":null}'])
def test_the_word_error_is_no_error(invoke: Invoke, text: str) -> None:
    """Items that speak of errors, or say that there is none, are items."""
    invoke.upstream.reply(chunks=[sse(text), sse("[DONE]")])
    assert [item.n for item in invoke.collect(open_stream(invoke))] == [1]


def test_a_broken_connection(invoke: Invoke) -> None:
    """A connection that breaks in mid-stream is an error that keeps the items."""
    body = b"".join(items(1, 2))
    invoke.upstream.reply(chunks=[body, *items(3)], close_after=len(body) + 3)
    with pytest.raises(StreamInterruptedError, match=r"broke off .* after 2 items") as caught:
        invoke.collect(open_stream(invoke))
    assert isinstance(caught.value, APIConnectionError)
    assert caught.value.received == [Item(n=1), Item(n=2)]


def test_silence(invoke: Invoke) -> None:
    """A stream that falls silent for longer than the read timeout is an error that keeps the items."""
    gate = Gate()
    invoke.upstream.reply(chunks=[*items(1), gate])
    with pytest.raises(StreamTimeoutError, match="fell silent") as caught:
        invoke.collect(open_stream(invoke, timeout=0.05))
    assert isinstance(caught.value, APITimeoutError)
    assert caught.value.received == [Item(n=1)]
    gate.set()


def test_the_deadline_counts_in_a_stream(invoke: Invoke) -> None:
    """A stream that drips on is over when the call's deadline comes."""
    invoke.upstream.reply(chunks=[piece for n in range(1000) for piece in (*items(n), 0.02)])
    client = invoke.client(deadline=2)  # long enough for a busy machine to open the stream
    with pytest.raises(StreamTimeoutError, match="deadline") as caught:
        invoke.collect(open_stream(invoke, client))
    assert 0 < len(caught.value.received) < 1000
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)


def test_nonsense_in_a_stream(invoke: Invoke) -> None:
    """An event that is no JSON is an error that does not quote it."""
    invoke.upstream.reply(chunks=[*items(1), b'data: {"prompt secr\n\n'])
    with pytest.raises(StreamError, match="not valid JSON") as caught:
        invoke.collect(open_stream(invoke))
    assert "secr" not in str(caught.value)
    assert caught.value.received == [Item(n=1)]


def test_odd_items(invoke: Invoke) -> None:
    """An item of an odd shape is built all the same; in strict mode it is an error."""
    invoke.upstream.always(chunks=[sse({"n": "many"})])
    (item,) = invoke.collect(open_stream(invoke))
    assert item.n == "many"
    with pytest.raises(StreamError):
        invoke.collect(open_stream(invoke, invoke.client(_strict_response_validation=True)))


def test_json_in_place_of_a_stream(invoke: Invoke) -> None:
    """A server that answers a stream with an error of status 200, or with a page, is found out."""
    invoke.upstream.reply(json={"error": {"message": "no streaming here", "code": "unsupported"}})
    with pytest.raises(APIError, match="no streaming here") as caught:
        open_stream(invoke)
    assert caught.value.code == "unsupported"
    invoke.upstream.reply(body=b"<html>", headers={"content-type": "text/html"})
    with pytest.raises(APIResponseValidationError, match="Expected a stream of events"):
        open_stream(invoke)


def test_assistants_events_carry_their_type(invoke: Invoke) -> None:
    """Events that name their type beside the data are given with it."""
    invoke.upstream.reply(chunks=[sse({"id": "run_1"}, event="thread.run.created"), sse("[DONE]")])
    stream = invoke(invoke.client().post, "/threads/runs", cast_to=object, body={}, stream=True)
    assert invoke.collect(stream) == [{"event": "thread.run.created", "data": {"id": "run_1"}}]


@pytest.mark.parametrize("early", [True, False])
def test_policies_hear_of_the_end(invoke: Invoke, early: bool) -> None:
    """A layer sees each event's data and how the stream ended, once."""
    seen: list[bytes] = []
    ends: list[StreamEnd] = []

    async def layer(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)
        reply.on_event.append(seen.append)

        async def end(how: StreamEnd) -> None:
            ends.append(how)

        reply.on_end.append(end)
        return reply

    invoke.upstream.reply(chunks=[*items(1, 2), sse("[DONE]")])
    stream = open_stream(invoke, invoke.client(layers=[layer]))
    assert invoke.next(stream) == Item(n=1)
    if early:
        invoke(stream.close)
    else:
        invoke.collect(stream)
    invoke(stream.close)
    assert seen == ([b'{"n":1}'] if early else [b'{"n":1}', b'{"n":2}'])
    assert ends == [StreamEnd(None, complete=not early)]


def test_a_finalizer_tells_nobody(invoke: Invoke) -> None:
    """A stream that is dropped where nothing can be begun any more, as at the end of the interpreter, is silent."""
    stream = invoke(invoke.client().chat.completions.create, **CHAT, stream=True)
    asked: list[Any] = []

    def fail(ending: Any) -> None:
        ending.close()
        asked.append(ending)
        raise RuntimeError("cannot start new thread")

    stream._ender = fail
    stream.__del__()
    stream.__del__()
    assert len(asked) == 1
    stream._closed = False
    invoke(stream.close)
