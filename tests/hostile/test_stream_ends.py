"""Streams that end: whole by their protocol's end mark alone, and broken off without it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from ai_client import (
    ClientConfig,
    ClientProvider,
    ConfigError,
    OpenAI,
    Stream,
    StreamError,
    StreamInterruptedError,
)
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, events, script
from tests.support.hostile.shapes import (
    chat_chunk,
    chat_events,
    completion_event,
    encoded,
    response,
    response_events,
    text_of,
)
from tests.support.hostile.wire import CLOSE, Wire
from tests.support.invoke import CHAT, KEY, Invoke

FILE = ("a.wav", b"RIFF")
OPEN: dict[str, Callable[..., Any]] = {
    "chat": lambda client: partial(client.chat.completions.create, **CHAT),
    "completion": lambda client: partial(client.completions.create, model="gpt-5.5", prompt="Hello"),
    "response": lambda client: partial(client.responses.create, model="gpt-5.5", input="Hello"),
    "image": lambda client: partial(client.images.generate, model="gpt-image-2", prompt="A cat"),
    "transcript": lambda client: partial(
        client.audio.transcriptions.create, model="gpt-4o-transcribe", file=FILE
    ),
    "run": lambda client: partial(client.beta.threads.create_and_run, assistant_id="a"),
    "odd": lambda client: partial(client.post, "/odd/path", cast_to=dict, body={}),
}


def opened(invoke: Invoke, client: Any, kind: str, **more: Any) -> Any:
    """Open a stream of a kind."""
    return invoke(OPEN[kind](client), stream=True, **more)


def read_into(invoke: Invoke, stream: Any, items: list[Any]) -> None:
    """Add the items of a stream to a list, one after the other."""
    with suppress(StopIteration, StopAsyncIteration):
        while True:
            items.append(invoke.next(stream))


IMAGE = encoded({"type": "image_generation.completed", "b64_json": "AA==", "created_at": 1})
PARTIAL = encoded({"type": "image_generation.partial_image", "b64_json": "AA==", "partial_image_index": 0})
SAID = encoded({"type": "transcript.text.delta", "delta": "one"})
TRANSCRIPT = encoded({"type": "transcript.text.done", "text": "one"})
PING = encoded({"type": "keepalive", "sequence_number": 9})
UNENDED: dict[str, tuple[str, list[bytes]]] = {
    "chat": ("chat", chat_events(finish=None)),
    "chat, one of its choices": ("chat", [*chat_events(), chat_chunk({"content": "x"}, index=1)]),
    "chat, empty reason": ("chat", chat_events(finish="")),
    "completion": ("completion", [completion_event("one"), completion_event(" two")]),
    "response": ("response", response_events(end=None)),
    "response, keepalive": ("response", [*response_events(end=None), PING]),
    "image": ("image", [PARTIAL]),
    "transcript": ("transcript", [SAID]),
    "odd, chat": ("odd", chat_events(finish=None)),
    "odd, response": ("odd", response_events(end=None)),
}
ENDED: dict[str, tuple[str, list[bytes]]] = {
    "chat": ("chat", chat_events()),
    "chat, cut by its limit": ("chat", chat_events(finish="length")),
    "chat, only done": ("chat", [*chat_events(finish=None), b"[DONE]"]),
    "chat, two choices": ("chat", [chat_chunk({"content": "a"}, "stop", n) for n in (0, 1)]),
    "completion": ("completion", [completion_event("one"), completion_event("", "stop")]),
    "completion, only done": ("completion", [completion_event("one"), b"[DONE]"]),
    "response": ("response", response_events()),
    "response, incomplete": ("response", response_events(end="incomplete")),
    "response, failed": ("response", response_events(end="failed")),
    "response, only done": ("response", [*response_events(end=None), b"[DONE]"]),
    "image": ("image", [PARTIAL, IMAGE]),
    "transcript": ("transcript", [SAID, TRANSCRIPT]),
    "odd": ("odd", [encoded({"news": 1})]),
    "odd, chat": ("odd", chat_events()),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", UNENDED)
def test_a_stream_without_its_end_mark_broke_off(wire: Wire, invoke: Invoke, name: str, framing: Any) -> None:
    """A body that ends in order before its stream does raises, with all that was received."""
    kind, data = UNENDED[name]
    wire.play(script([*events(*data, end=None)], framing, content_type=EVENT_STREAM))
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    items: list[Any] = []
    stream = opened(invoke, client, kind)
    with pytest.raises(StreamInterruptedError, match="stream_end='optional'") as raised:
        read_into(invoke, stream, items)
    assert len(items) == len(data)
    assert list(raised.value.received) == items


@pytest.mark.parametrize("name", ENDED)
def test_a_stream_with_an_end_mark_is_whole(wire: Wire, invoke: Invoke, name: str) -> None:
    """One end mark of the protocol is enough, and each item comes."""
    kind, data = ENDED[name]
    wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    items = invoke.collect(opened(invoke, client, kind))
    assert len(items) == len([one for one in data if one != b"[DONE]"])


@pytest.mark.parametrize("kind", ["chat", "completion", "response", "image", "transcript", "run", "odd"])
@pytest.mark.parametrize("body", [b"", b": ping\n\n", b"\n\n", b'data: {"choices":[]}', b'{"id": "c"}'])
@pytest.mark.parametrize("believed", [False, True])
def test_an_empty_stream_broke_off(
    wire: Wire, invoke: Invoke, kind: str, body: bytes, believed: bool
) -> None:
    """A body without any event is no stream, whatever its kind and whatever is believed."""
    wire.play(script([body], content_type=EVENT_STREAM))
    end = "optional" if believed else "required"
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, stream_end=end)
    with pytest.raises(StreamInterruptedError, match="without any event"):
        invoke.collect(opened(invoke, client, kind))


def test_as_many_choices_must_end_as_were_asked_for(wire: Wire, invoke: Invoke) -> None:
    """A stream of `n` choices is whole when each of them has ended, those of each prompt and image included."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    wire.play(script([*events(*chat_events(), end=None)], content_type=EVENT_STREAM))
    with pytest.raises(StreamInterruptedError):
        invoke.collect(opened(invoke, client, "chat", n=2))
    wire.play(script([*events(completion_event("a", "stop"), end=None)], content_type=EVENT_STREAM))
    with pytest.raises(StreamInterruptedError):
        invoke.collect(opened(invoke, client, "completion", prompt=["a", "b"]))
    assert len(invoke.collect(opened(invoke, client, "completion", prompt=[1, 2]))) == 1
    wire.play(script([*events(IMAGE, end=None)], content_type=EVENT_STREAM))
    with pytest.raises(StreamInterruptedError):
        invoke.collect(opened(invoke, client, "image", n=2))


def test_servers_without_end_marks_can_be_believed(wire: Wire, invoke: Invoke) -> None:
    """`stream_end="optional"`, of a client or a copy, takes a stream without an end mark for whole."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for kind, data in UNENDED.values():
        wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
        stream = opened(invoke, client.copy(stream_end="optional"), kind)
        assert len(invoke.collect(stream)) == len(data)
    with pytest.raises(ValueError, match="stream_end"):
        client.copy(stream_end="maybe")


def test_each_target_is_believed_by_its_own_client(wire: Wire, invoke: Invoke) -> None:
    """A stream that another client of a chain gave is judged by that client's setting."""
    unmarked = script([*events(*chat_events(finish=None), end=None)], content_type=EVENT_STREAM)
    local = {"base_url": wire.base_url, "stream_end": "optional"}
    controls = {"models": {"gpt-5.5": ["a", "local/b"]}, "fallback": {"clients": {"local": local}}}
    provider = ClientProvider(
        {"api_key": KEY, "base_url": wire.base_url, "max_retries": 0, "controls": controls}
    )
    try:
        client = provider.client if invoke.sync else provider.async_client
        wire.play(script([b"{}"], status=500), unmarked)
        assert len(invoke.collect(opened(invoke, client, "chat"))) == 3
        wire.play(unmarked)
        with pytest.raises(StreamInterruptedError):
            invoke.collect(opened(invoke, client, "chat"))
    finally:
        provider.close()


def test_the_setting_is_checked_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is none is refused by its name, wherever it comes from."""
    with pytest.raises(ConfigError, match="stream_end"):
        ClientConfig.make({"stream_end": "maybe"})
    monkeypatch.setenv("AI_CLIENT_STREAM_END", "optional")
    assert ClientConfig.make({"api_key": KEY}).stream_end == "optional"
    with pytest.raises(ValueError, match="stream_end"):
        OpenAI(api_key=KEY, stream_end="maybe")  # type: ignore[arg-type]


def test_the_end_of_a_run(wire: Wire, invoke: Invoke) -> None:
    """A stream of an assistant's run is whole at `[DONE]`, or once the run has ended."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    message = b'event: thread.message.delta\ndata: {"id":"m","delta":{"content":[]}}\n\n'
    wire.play(script([message], content_type=EVENT_STREAM))
    with pytest.raises(StreamInterruptedError):
        invoke.collect(opened(invoke, client, "run"))
    for end in (b'event: thread.run.completed\ndata: {"id":"r"}\n\n', b"event: done\ndata: [DONE]\n\n"):
        wire.play(script([message, end], content_type=EVENT_STREAM))
        assert invoke.collect(opened(invoke, client, "run"))


def test_the_error_of_a_run(wire: Wire, invoke: Invoke) -> None:
    """An error that ends a run is an item with its type, as with the official SDK."""
    error = b'event: error\ndata: {"message":"no","code":"c"}\n\n'
    for end in ((), (b"event: done\ndata: [DONE]\n\n",)):
        wire.play(
            script(
                [b'event: thread.run.created\ndata: {"id":"r"}\n\n', error, *end], content_type=EVENT_STREAM
            )
        )
        items = invoke.collect(opened(invoke, invoke.client(api_key=KEY, base_url=wire.base_url), "run"))
        assert items[-1].to_dict() == {"event": "error", "data": {"message": "no", "code": "c"}}


@pytest.mark.parametrize("kind", ["response.cancelled", "response.done"])
def test_a_response_that_is_over(wire: Wire, invoke: Invoke, kind: str) -> None:
    """A stream is whole whose last event holds a response that says it is over, and no other is."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    for status, is_whole in (("cancelled", True), ("completed", True), ("in_progress", False), (None, False)):
        events_ = [
            *response_events(end=None),
            encoded({"type": kind, "response": {"id": "r", "status": status}}),
        ]
        wire.play(script([*events(*events_, end=None)], content_type=EVENT_STREAM))
        stream = opened(invoke, client, "response")
        if is_whole:
            assert len(invoke.collect(stream)) == len(events_)
        else:
            with pytest.raises(StreamInterruptedError):
                invoke.collect(stream)


def test_nothing_after_the_last_event_is_waited_for(wire: Wire, invoke: Invoke) -> None:
    """A response is whole at its last event: its server may say more, fall silent or break off after it."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, timeout=30.0)
    start, *rest = script(
        [*events(*response_events(), PING, end=None)], segmentation=list, content_type=EVENT_STREAM
    )
    wire.play([start, *rest[:-1], CLOSE])
    items = invoke.collect(opened(invoke, client, "response"))
    assert [item.type for item in items][-1] == "response.completed"
    assert text_of(items) == "one two three"


@pytest.mark.parametrize("ends", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r", b"data:[DONE]\r\n"])
def test_an_unterminated_done_ends_a_stream(wire: Wire, invoke: Invoke, ends: bytes) -> None:
    """`[DONE]` counts without the empty line after it; any other event is discarded then, as the standard says."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    parts = [*events(*chat_events(finish=None), end=None)]
    for framing in FRAMINGS:
        wire.play(script([*parts, ends], framing, content_type=EVENT_STREAM))
        assert text_of(invoke.collect(opened(invoke, client, "chat"))) == "one two three"
    wire.play(
        script(
            [*parts, ends.replace(b"[DONE]", chat_chunk({"content": "?"}, "stop"))], content_type=EVENT_STREAM
        )
    )
    with pytest.raises(StreamInterruptedError) as raised:
        invoke.collect(opened(invoke, client, "chat"))
    assert text_of(raised.value.received) == "one two three"


@pytest.mark.parametrize("said", [b"null", b"[]", b'"a"', b"5", b"true"])
def test_what_is_no_object_is_no_item(wire: Wire, invoke: Invoke, said: bytes) -> None:
    """An event whose data is JSON but no object ends a stream of objects with an error."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for kind, data in (("chat", chat_events()), ("response", response_events())):
        wire.play(script([*events(data[0], said, *data[1:])], content_type=EVENT_STREAM))
        with pytest.raises(StreamError) as raised:
            invoke.collect(opened(invoke, client, kind))
        assert len(raised.value.received) == 1


def test_a_stream_of_the_users_own_class(wire: Wire) -> None:
    """A stream class of the user's is told of a broken stream like any other."""

    class Own(Stream[dict[str, Any]]):
        pass

    wire.play(script([*events(encoded(response("queued")), end=None)], content_type=EVENT_STREAM))
    with (
        OpenAI(api_key=KEY, base_url=wire.base_url) as client,
        client.get("/responses/r", cast_to=object, stream=True, stream_cls=Own) as stream,
        pytest.raises(StreamInterruptedError),
    ):
        list(stream)
