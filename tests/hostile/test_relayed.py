"""What a web application's own reader gets of a stream: `[DONE]` after a whole one, an error event after any other."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from ai_client.relay import AsyncEvents, Events
from tests.support.hostile.framing import EVENT_STREAM, SEGMENTATIONS, events, framed, script
from tests.support.hostile.shapes import chat_events, completion_event, encoded, response_events
from tests.support.hostile.wire import CLOSE, RESET, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke

DONE = b"data: [DONE]\n\n"


def opened(invoke: Invoke, client: Any, kind: str) -> Any:
    """Open a stream of a kind, or a generator over one."""
    if kind == "completion":
        return invoke(client.completions.create, model="m", prompt="x", stream=True)
    if kind == "response":
        return invoke(client.responses.create, model="m", input="x", stream=True)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    if kind != "generator":
        return stream

    def texts() -> Iterator[str]:
        for chunk in stream:
            yield chunk.choices[0].delta.content or "-"

    async def awaited() -> AsyncIterator[str]:
        async for chunk in stream:
            yield chunk.choices[0].delta.content or "-"

    return texts() if invoke.sync else awaited()


def relayed(invoke: Invoke, stream: Any) -> list[bytes]:
    """Give the events that a reader gets."""
    events: Events | AsyncEvents = Events(stream) if invoke.sync else AsyncEvents(stream)
    return invoke.collect(events)


PIECES = [completion_event("one"), completion_event(" two")]
WHOLE: dict[str, list[bytes]] = {
    "chat": chat_events(),
    "generator": chat_events(),
    "completion": [*PIECES, completion_event("", "stop")],
    "response": response_events(),
}
HALF: dict[str, list[bytes]] = {
    "chat": chat_events(finish=None),
    "generator": chat_events(finish=None),
    "completion": PIECES,
    "response": response_events(end=None),
}
ENDS: dict[str, Callable[[list[bytes]], list[Step]]] = {
    "in order": lambda data: script([*events(*data, end=None)], content_type=EVENT_STREAM),
    "reset": lambda data: [*framed([*events(*data, end=None)], content_type=EVENT_STREAM)[:-1], 0.02, RESET],
    "cut": lambda data: [*framed([*events(*data, end=None)], content_type=EVENT_STREAM)[:-1], CLOSE],
    "error": lambda data: script(
        [*events(*data, encoded({"error": {"message": "no"}}))], content_type=EVENT_STREAM
    ),
    "garbage": lambda data: script([*events(*data, b"\xff\xfe{")], content_type=EVENT_STREAM),
}


@pytest.mark.parametrize("cut", SEGMENTATIONS)
@pytest.mark.parametrize("kind", WHOLE)
def test_done_after_a_whole_stream(wire: Wire, invoke: Invoke, kind: str, cut: str) -> None:
    """Each item is sent, and `[DONE]` after the last, whether the upstream says so itself or not."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for end in ((), (b"[DONE]",)):
        parts = [*events(*WHOLE[kind], *end, end=None)]
        wire.play(script(parts, segmentation=SEGMENTATIONS[cut], content_type=EVENT_STREAM))
        sent = relayed(invoke, opened(invoke, client, kind))
        assert len(sent) == len(WHOLE[kind]) + 1
        assert sent[-1] == DONE
        assert sent.count(DONE) == 1


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", HALF)
def test_an_error_event_after_half_a_stream(wire: Wire, invoke: Invoke, kind: str, end: str) -> None:
    """Half an answer ends with an error event, and never with `[DONE]`."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    wire.play(ENDS[end](HALF[kind]))
    sent = relayed(invoke, opened(invoke, client, kind))
    assert len(sent) == len(HALF[kind]) + 1
    assert sent[-1].startswith(b"event: error\ndata: ")
    assert DONE not in sent


def test_an_error_event_that_is_an_item(wire: Wire, invoke: Invoke) -> None:
    """A stream whose last item tells of an error is half an answer, too."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    data = [*HALF["response"], encoded({"type": "error", "code": "c", "message": "no", "sequence_number": 9})]
    wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
    sent = relayed(invoke, opened(invoke, client, "response"))
    assert len(sent) == len(data) + 1
    assert sent[-1].startswith(b"event: error\ndata: ")
    assert DONE not in sent


def test_a_stream_that_somebody_closed(wire: Wire, invoke: Invoke) -> None:
    """A stream that is closed while it is passed on is not whole for its reader."""
    wire.play(script([*events(*chat_events())], content_type=EVENT_STREAM))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    stream = opened(invoke, client, "chat")
    relay: Events | AsyncEvents = Events(stream) if invoke.sync else AsyncEvents(stream)
    assert invoke.next(relay).startswith(b"data: {")
    invoke(stream.close)
    rest = invoke.collect(relay)
    assert DONE not in rest
    assert rest[-1].startswith(b"event: error\n")


def test_what_fails_while_closing_is_not_the_readers(
    wire: Wire, invoke: Invoke, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream whose closing fails has ended as it ended."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    for data, last in ((WHOLE["chat"], DONE), (HALF["chat"], b"event: error\n")):
        wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
        stream = opened(invoke, client, "chat")
        close = stream.close

        def failing() -> None:
            raise OSError("no")

        stream.close = stream.aclose = failing
        assert relayed(invoke, stream)[-1].startswith(last)
        assert "Closing a stream failed" in caplog.text
        caplog.clear()
        invoke(close)
