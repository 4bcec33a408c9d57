"""The promise of the tree of errors: whatever a server says, or fails to say, is an `OpenAIError`, and lets go."""

import gzip
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ai_client import OpenAIError
from ai_client.types import Model
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, events, script
from tests.support.hostile.shapes import chat_events
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Content-Type: application/json\r\n"
SSE = OK + b"Content-Type: text/event-stream\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
FAILURES: dict[str, list[Step]] = {
    "closed at once": [CLOSE],
    "reset at once": [RESET],
    "silent": [HOLD],
    "no HTTP": [b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE],
    "noise": [bytes(range(256)) * 4, CLOSE],
    "no version": [b"HTTP/9.9 200 OK\r\n\r\n", CLOSE],
    "no status": [b"HTTP/1.1 OK\r\n\r\n", CLOSE],
    "status 000": [b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n"],
    "status 999": [b"HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\n{}"],
    "status 99999": [b"HTTP/1.1 99999 High\r\nContent-Length: 2\r\n\r\n{}", CLOSE],
    "101": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", CLOSE],
    "100 and the end": [b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE],
    "300": [b"HTTP/1.1 300 Choices\r\nContent-Length: 2\r\n\r\n{}"],
    "304": [b"HTTP/1.1 304 Not Modified\r\n\r\n"],
    "307 to nowhere": [b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n\r\n"],
    "407": [b"HTTP/1.1 407 Proxy\r\nContent-Length: 2\r\n\r\n[]"],
    "an error that is null": [b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nnull"],
    "an error of odd members": [*script([b'{"error": {"message": 5, "code": [], "type": {}}}'], status=400)],
    "an error that is a list": [*script([b'{"error": ["a"]}'], status=429)],
    "an error that breaks off": [b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf", CLOSE],
    "half a head": [OK[:-5], CLOSE],
    "half a header": [OK + b"Content-Le", RESET],
    "a header that is none": [OK + b"no colon here\r\n\r\n", CLOSE],
    "a header with NUL": [OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}", CLOSE],
    "a header of noise": [OK + b"X-\xff\xfe: \xff\r\nContent-Length: 3\r\n\r\n{]}"],
    "a length that is none": [OK + b"Content-Length: many\r\n\r\n{}", CLOSE],
    "a length below zero": [OK + b"Content-Length: -1\r\n\r\n{}", CLOSE],
    "two lengths": [OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", CLOSE],
    "a huge length": [JSON + b"Content-Length: 99999999999999999999999\r\n\r\n{}", CLOSE],
    "half a body": [JSON + b"Content-Length: 50\r\n\r\n{", CLOSE],
    "half a body, reset": [JSON + b"Content-Length: 50\r\n\r\n{", 0.01, RESET],
    "half a body, silent": [JSON + b"Content-Length: 50\r\n\r\n{", HOLD],
    "a chunk of no size": [JSON + CHUNKED + b"\r\nxyz\r\n{}\r\n", CLOSE],
    "a huge chunk": [JSON + CHUNKED + b"\r\nfffffffffffffffffffff\r\n{}\r\n", CLOSE],
    "half a chunk": [JSON + CHUNKED + b"\r\n50\r\n{", CLOSE],
    "no last chunk": [JSON + CHUNKED + b"\r\n2\r\n{]\r\n", CLOSE],
    "half a stream": [SSE + CHUNKED + b"\r\n50\r\ndata: {", CLOSE],
    "a stream that is silent": [SSE + CHUNKED + b"\r\n8\r\ndata: {}\r\n", HOLD],
    "an unknown transfer encoding": [JSON + b"Transfer-Encoding: gzip\r\n\r\n{}", CLOSE],
    "no gzip": [JSON + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnothing"],
    "no gzip in a stream": [SSE + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnothing"],
    "no deflate": [JSON + b"Content-Encoding: deflate\r\nContent-Length: 7\r\n\r\nnothing"],
    "half a gzip": [
        JSON + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03"
    ],
    "no brotli": [JSON + b"Content-Encoding: br\r\nContent-Length: 7\r\n\r\nnothing"],
    "half of JSON": [*script([b'{"id": "x'])],
    "JSON of noise": [*script([b'{"id": "\xff\xfe"}'])],
    "JSON in no encoding": [*script([b"{\0}\0\0"])],
    "deep JSON": [*script([b"[" * 100_000])],
    "an odd charset": [*script([b"\xff\xfe nothing"], content_type="application/json; charset=rot13")],
    "a charset of pickles": [*script([b"\xff\xfe nothing"], content_type="text/plain; charset=idna")],
    "an unknown charset": [*script([b"\xff\xfe nothing"], content_type="text/plain; charset=nothing")],
    "HTML": [*script([b"<html>"], content_type="text/html")],
    "an event of noise": [*script([*events(b"\xff\xfe", end=None)], content_type=EVENT_STREAM)],
    "an event of half JSON": [*script([*events(b'{"id": ', end=None)], content_type=EVENT_STREAM)],
    "an event of deep JSON": [*script([*events(b"[" * 10_000, end=None)], content_type=EVENT_STREAM)],
    "an odd error event": [*script([*events(b'{"error": [5]}', end=None)], content_type=EVENT_STREAM)],
    "no end mark": [*script([*events(*chat_events(finish=None), end=None)], content_type=EVENT_STREAM)],
}
ODD_CHUNKS = [
    b'{"choices": [null]}',
    b'{"choices": [5]}',
    b'{"choices": "abc"}',
    b'{"object": "chat.completion.chunk", "choices": [{"index": [], "delta": null}]}',
    b'{"object": "chat.completion.chunk", "choices": [{"delta": {"tool_calls": [null]}}]}',
    b'{"object": "chat.completion.chunk", "choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]}',
    b'{"object": "chat.completion.chunk", "choices": [{"delta": {"tool_calls": [{"index": 0, "type": "function"}]}}]}',
    b'{"object": "chat.completion.chunk", "choices": [{"delta": {"tool_calls": [{"index": 0, "id": "t"}]}}]}',
    b'{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": {"a": 1}}}]}',
    b'{"object": "chat.completion.chunk", "choices": {"a": 1}}',
    b'{"type": "response.created"}',
    b'{"type": "response.created", "response": null}',
    b'{"type": "response.created", "response": {"output": 5}}',
    b'{"type": "response.output_text.delta", "output_index": {}}',
    b'{"type": ["a"]}',
    b'{"type": null, "usage": 5, "choices": 5}',
]


def _unread(read: Callable[[Any], Any]) -> Callable[[Invoke, Any, Path], None]:
    def run(invoke: Invoke, client: Any, place: Path) -> None:
        del place
        with invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)) as raw:
            read(raw) if invoke.sync else invoke(read, raw)

    return run


def _iterated(name: str) -> Callable[[Invoke, Any, Path], None]:
    def run(invoke: Invoke, client: Any, place: Path) -> None:
        del place
        with invoke.within(client.files.with_streaming_response.content("f")) as raw:
            invoke.collect(getattr(raw, name)())

    return run


def _to_file(invoke: Invoke, client: Any, place: Path) -> None:
    with invoke.within(client.files.with_streaming_response.content("f")) as raw:
        invoke(raw.stream_to_file, place / "x")


def _events(invoke: Invoke, client: Any, kind: str) -> None:
    if kind == "chat":
        manager = client.chat.completions.stream(**CHAT)
    else:
        manager = client.responses.stream(model="m", input="x")
    with invoke.within(manager) as stream:
        invoke.collect(stream)
        invoke(stream.get_final_completion if kind == "chat" else stream.get_final_response)


def _raw_stream(invoke: Invoke, client: Any) -> None:
    manager = client.chat.completions.with_streaming_response.create(**CHAT, stream=True)
    with invoke.within(manager) as raw:
        invoke.collect(invoke(raw.parse))


Way = Callable[[Invoke, Any, Path], Any]
WAYS: dict[str, Way] = {
    "plain": lambda invoke, client, _: invoke(client.chat.completions.create, **CHAT),
    "parsed": lambda invoke, client, _: (
        invoke(client.chat.completions.parse, **CHAT, response_format=Model).choices[0].message.parsed.id
    ),
    "embeddings": lambda invoke, client, _: invoke(client.embeddings.create, model="m", input="x"),
    "stream": lambda invoke, client, _: invoke.collect(
        invoke(client.chat.completions.create, **CHAT, stream=True)
    ),
    "response stream": lambda invoke, client, _: invoke.collect(
        invoke(client.responses.create, model="m", input="x", stream=True)
    ),
    "chat events": lambda invoke, client, _: _events(invoke, client, "chat"),
    "response events": lambda invoke, client, _: _events(invoke, client, "response"),
    "raw": lambda invoke, client, _: invoke(
        invoke(client.chat.completions.with_raw_response.create, **CHAT).parse
    ),
    "read": _unread(lambda raw: raw.read()),
    "parse": _unread(lambda raw: raw.parse()),
    "json": _unread(lambda raw: raw.json()),
    "bytes": _iterated("iter_bytes"),
    "lines": _iterated("iter_lines"),
    "text": _iterated("iter_text"),
    "file": _to_file,
    "raw stream": lambda invoke, client, _: _raw_stream(invoke, client),
    "binary": lambda invoke, client, _: invoke(client.audio.speech.create, model="m", input="x", voice="v"),
    "page": lambda invoke, client, _: invoke.collect(invoke(client.files.list)),
    "deletion": lambda invoke, client, _: invoke(client.files.delete, "x"),
}
TAKE_ANYTHING = {"read", "bytes", "lines", "text", "file", "binary"}
"""What looks into no body, and so has nothing against an odd one."""


class Trial:
    """Calls that may fail, each followed by one that does not over the only connection that there may be."""

    def __init__(self, wire: Wire, invoke: Invoke, place: Path) -> None:
        self.wire = wire
        self.invoke = invoke
        self.place = place
        self.client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, max_connections=1)

    def check(self, failure: list[Step], way: str, name: object, *, must: bool) -> None:
        """Make a call, which must fail or may."""
        self.wire.play(failure)
        self.client.timeout = 0.1 if HOLD in failure else 30.0
        error: BaseException | None = None
        try:
            WAYS[way](self.invoke, self.client, self.place)
        except BaseException as raised:  # noqa: BLE001 - its kind is the claim
            error = raised
        assert error is None or isinstance(error, OpenAIError), (name, way, repr(error))
        assert error is not None or not must, (name, way)
        self.wire.play(script([b'{"data": []}']))
        self.client.timeout = 30.0
        assert self.invoke(self.client.models.list).data == [], (name, way)


@pytest.fixture
def trial(wire: Wire, invoke: Invoke, tmp_path: Path) -> Trial:
    """Return what makes the calls."""
    return Trial(wire, invoke, tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_only_errors_of_ours_leave_a_call(trial: Trial, way: str) -> None:
    """A call of any kind fails with an `OpenAIError`, whose holder keeps no connection busy."""
    for name, failure in FAILURES.items():
        must = way not in TAKE_ANYTHING and (name, way) != ("no version", "deletion")  # which nothing answers
        trial.check(failure, way, name, must=must)


@pytest.mark.parametrize("way", ["stream", "response stream", "chat events", "response events", "raw stream"])
def test_events_of_odd_shapes(trial: Trial, way: str) -> None:
    """Events that are objects of odd shapes are items, or errors of ours where something is made of them."""
    for data in ODD_CHUNKS:
        trial.check(script([*events(data, data)], content_type=EVENT_STREAM), way, data, must=False)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("way", ["plain", "stream", "bytes", "text", "file", "read", "binary", "page"])
def test_half_an_encoded_body(trial: Trial, way: str, coding: str) -> None:
    """A body whose encoding is cut off is half an answer, however well its connection ended."""
    text = b"".join(events(*chat_events())) if way == "stream" else bytes(range(256)) * 300
    packed = gzip.compress(text) if coding == "gzip" else zlib.compress(text)
    kind = EVENT_STREAM if way == "stream" else "application/json"
    given: Any = {"content_type": kind, "headers": [("Content-Encoding", coding)]}
    for cut, framing in product((1, len(packed) // 2, len(packed) - 3), FRAMINGS):
        failure = script([packed[:-cut]], framing, **given)
        if way == "stream" and cut == 1:
            continue  # what ends the stream is there
        trial.check([*failure], way, (cut, framing), must=True)


def test_encodings_that_nobody_asked_for(wire: Wire, invoke: Invoke) -> None:
    """A body in an encoding that cannot be decoded here is not given to anybody as it is."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    for coding in ("compress", "x-gzip"):
        wire.play(script([b"\x1f\x9d\x90"], headers=[("Content-Encoding", coding)]))
        with pytest.raises(OpenAIError, match=coding):
            invoke(client.files.content, "f")
    wire.play(script([b"as it is"], headers=[("Content-Encoding", "utf-8")]))
    assert invoke(client.files.content, "f").content == b"as it is"
