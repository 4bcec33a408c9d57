"""Raw access: responses beside results, unread bodies, binary answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    APITimeoutError,
    BaseModel,
    DeadlineExceededError,
    StreamStateError,
)
from ai_client._answers.binary import BinaryResponse
from ai_client.testing import Gate, sse
from tests.support.invoke import CHAT, Invoke


class Other(BaseModel):
    """Another view of an answer."""

    object: str


def test_the_raw_response(invoke: Invoke) -> None:
    """`with_raw_response` gives headers, status, ids and counts beside the result."""
    client = invoke.client()
    invoke.upstream.reply(status=500, headers={"retry-after-ms": "1"})
    raw = invoke(client.chat.completions.with_raw_response.create, **CHAT)
    assert (raw.status_code, raw.method, raw.http_version, raw.is_closed) == (200, "POST", "HTTP/1.1", True)
    assert raw.retries_taken == 1
    assert raw.request_id == raw.headers["x-request-id"] == raw.parse()._request_id
    assert str(raw.url) == f"{invoke.upstream.base_url}/chat/completions"
    assert isinstance(raw.http_response, httpx.Response)
    assert raw.http_request is raw.http_response.request
    assert isinstance(raw.elapsed, timedelta)
    assert raw.elapsed > timedelta()
    assert raw.parse() is raw.parse()
    assert raw.parse().model == CHAT["model"]
    assert raw.text == raw.content.decode()
    assert "sk-" not in repr(raw)


def test_parsing_as_another_type(invoke: Invoke) -> None:
    """`parse(to=...)` gives the same answer as another type."""
    raw = invoke(invoke.client().chat.completions.with_raw_response.create, **CHAT)
    assert raw.parse(to=Other).object == "chat.completion"
    assert raw.parse(to=dict)["object"] == "chat.completion"
    assert raw.parse(to=str) == raw.text
    assert raw.parse().object == "chat.completion"


def test_a_raw_stream(invoke: Invoke) -> None:
    """A raw response of a stream is parsed into the stream, whose body is not yet read."""
    raw = invoke(invoke.client().chat.completions.with_raw_response.create, **CHAT, stream=True)
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert not raw.is_closed
    assert len(invoke.collect(invoke(raw.parse))) > 1
    assert raw.is_closed


def test_a_raw_list(invoke: Invoke) -> None:
    """A list's raw response is parsed into its page."""
    raw = invoke(invoke.client().models.with_raw_response.list)
    assert raw.parse().data[0].id


def test_the_unread_response(invoke: Invoke) -> None:
    """`with_streaming_response` leaves the body to the caller and closes it with the block."""
    gate = Gate()
    client = invoke.client()
    invoke.upstream.reply(chunks=[b'{"object":', gate, b'"x"}'], headers={"content-type": "application/json"})
    with invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)) as response:
        assert response.request_id
        assert not response.is_closed
        gate.set()
        assert invoke(response.parse).object == "x"
        assert invoke(response.parse, to=Other) == Other(object="x")
        assert invoke(response.json) == {"object": "x"}
        assert invoke(response.text) == '{"object":"x"}'
    assert response.is_closed


@pytest.mark.parametrize("how", ["iter_bytes", "iter_text", "iter_lines"])
def test_reading_piece_by_piece(invoke: Invoke, how: str) -> None:
    """The body can be iterated over as bytes, text or lines."""
    invoke.upstream.reply(chunks=[b"one\n", b"two\n"])
    with invoke.within(invoke.client().models.with_streaming_response.retrieve("m")) as response:
        pieces = invoke.collect(getattr(response, how)())
    joined: Any = (
        b"".join(pieces) if how == "iter_bytes" else ("\n" if how == "iter_lines" else "").join(pieces)
    )
    assert joined == {"iter_bytes": b"one\ntwo\n", "iter_text": "one\ntwo\n", "iter_lines": "one\ntwo"}[how]


def test_streaming_to_a_file(invoke: Invoke, tmp_path: Path) -> None:
    """The body goes to a file as it comes."""
    invoke.upstream.reply(chunks=[b"x" * 1000] * 5)
    target = tmp_path / "out.bin"
    with invoke.within(invoke.client().models.with_streaming_response.retrieve("m")) as response:
        invoke(response.stream_to_file, target, chunk_size=64)
    assert target.read_bytes() == b"x" * 5000


def test_an_unread_stream(invoke: Invoke) -> None:
    """A streamed call's unread response is parsed into the stream."""
    create = invoke.client().chat.completions.with_streaming_response.create
    with invoke.within(create(**CHAT, stream=True)) as response:
        assert len(invoke.collect(invoke(response.parse))) > 1


def test_leaving_the_block_lets_go(invoke: Invoke) -> None:
    """A body that is left unread does not keep its connection."""
    gate = Gate()
    invoke.upstream.reply(chunks=[b"x", gate])
    with invoke.within(invoke.client().models.with_streaming_response.retrieve("m")):
        pass
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)
    gate.set()


def test_a_block_that_is_never_entered(invoke: Invoke) -> None:
    """Making the manager alone sends nothing and leaves nothing behind."""
    manager = invoke.client().models.with_streaming_response.retrieve("m")
    del manager
    assert not invoke.upstream.requests


def test_binary_answers(invoke: Invoke, tmp_path: Path) -> None:
    """A binary answer is bytes, text, lines or a file."""
    invoke.upstream.always(body=b"RIFF\ndata", headers={"content-type": "audio/wav"})
    answer = invoke(invoke.client().get, "/audio", cast_to=BinaryResponse)
    assert answer.content == answer.read() == b"".join(answer.iter_bytes()) == b"RIFF\ndata"
    assert answer.text == "RIFF\ndata"
    assert list(answer.iter_lines()) == ["RIFF", "data"]
    assert isinstance(answer.response, httpx.Response)
    answer.write_to_file(tmp_path / "a.wav")
    answer.stream_to_file(tmp_path / "b.wav", chunk_size=3)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes() == b"RIFF\ndata"


def test_binary_answers_for_the_async_client(invoke: Invoke, tmp_path: Path) -> None:
    """The official names of the async methods are there."""
    invoke.upstream.always(body=b"RIFF", headers={"content-type": "audio/wav"})
    answer = invoke(invoke.client().get, "/audio", cast_to=BinaryResponse)
    if invoke.sync:
        answer.close()
        return
    assert invoke(answer.aread) == b"RIFF"
    assert invoke.collect(invoke(answer.aiter_bytes)) == [b"RIFF"]
    invoke(answer.astream_to_file, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == b"RIFF"
    invoke(answer.aclose)


def test_stream_events_of_a_raw_body(invoke: Invoke) -> None:
    """An unread event stream can be read as lines."""
    invoke.upstream.reply(chunks=[sse({"n": 1}), sse("[DONE]")])
    create = invoke.client().chat.completions.with_streaming_response.create
    with invoke.within(create(**CHAT, stream=True)) as response:
        lines = invoke.collect(response.iter_lines())
    assert [line for line in lines if line] == ['data: {"n":1}', "data: [DONE]"]


@pytest.mark.parametrize(
    ("reply", "options", "kind"),
    [
        ({"chunks": [b"x" * 100], "close_after": 10}, {}, APIConnectionError),
        ({"chunks": [b"x", Gate()]}, {"timeout": 1}, APITimeoutError),
        ({"chunks": [b"x", 0.03] * 100}, {"deadline": 1}, DeadlineExceededError),
    ],
)
def test_a_body_that_fails(
    invoke: Invoke, reply: dict[str, Any], options: dict[str, Any], kind: type[Exception]
) -> None:
    """A body that breaks off, falls silent or comes too late is an error of the package."""
    invoke.upstream.reply(**reply)
    client = invoke.client(**options)
    with invoke.within(client.models.with_streaming_response.retrieve("m")) as response, pytest.raises(kind):
        invoke(response.read)


@pytest.mark.parametrize("first", ["iter_bytes", "iter_lines", "iter_text", "close"])
@pytest.mark.parametrize("then", ["iter_bytes", "iter_lines", "iter_text", "read", "text", "json", "parse"])
def test_a_body_that_is_gone(invoke: Invoke, first: str, then: str) -> None:
    """What was read piece by piece, or closed, is not there a second time: an error of this package says so."""

    def take(raw: Any, name: str) -> None:
        found = getattr(raw, name)
        invoke.collect(found()) if name.startswith("iter") else invoke(found)

    with invoke.within(invoke.client().chat.completions.with_streaming_response.create(**CHAT)) as raw:
        take(raw, first)
        with pytest.raises(StreamStateError, match="only once") as caught:
            take(raw, then)
    assert isinstance(caught.value.__cause__, httpx.StreamError)
