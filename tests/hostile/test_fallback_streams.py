"""Streams through chains of models and breakers: what the head of a stream decides, and what its end does."""

from collections.abc import Sequence
from typing import Any

import pytest

from ai_client import OpenAIError, StreamError, StreamInterruptedError
from ai_client.control.breaker import Breaker
from ai_client.control.fallback import Fallback
from ai_client.control.observability.hooks import Hooks
from tests.support.hostile.framing import EVENT_STREAM, SEGMENTATIONS, byte_by_byte, events, framed, script
from tests.support.hostile.shapes import chat_events, encoded, response_events, text_of
from tests.support.hostile.wire import CLOSE, RESET, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke
from tests.support.policies import Clock

ERROR = encoded({"error": {"message": "overloaded", "code": "server_error"}})
GOOD = [*events(*chat_events())]
CUTS = {**SEGMENTATIONS, "byte by byte": byte_by_byte}
HEADS: dict[str, list[bytes]] = {
    "an error": [*events(ERROR, end=None)],
    "an error of Responses": [*events(encoded({"type": "error", "message": "no", "code": "c"}), end=None)],
    "an error after comments": [b": waiting\n\n", b": waiting\r\n\r\n", *events(ERROR, end=None)],
    "nothing": [],
    "comments": [b": waiting\n\n"],
    "an unterminated event": [chat_events()[0]],
}


def client_of(invoke: Invoke, wire: Wire, breaker: Breaker | None = None, *outer: Any) -> Any:
    """Make a client of two models."""
    policy = Fallback({"gpt-5.5": ["gpt-5.5", "gpt-5.4-mini"]}, breaker=breaker)
    return invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[*outer, policy])


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("cut", CUTS)
def test_a_failure_at_the_head_leads_on(wire: Wire, invoke: Invoke, cut: str, zipped: bool) -> None:
    """A stream that fails before its first item leads to the next model, however its head is cut."""
    client = client_of(invoke, wire)
    good = script(GOOD, content_type=EVENT_STREAM, zipped=zipped)
    for name, head in HEADS.items():
        bad = script(head, "chunked", CUTS[cut], content_type=EVENT_STREAM, zipped=zipped)
        wire.play(bad, good)
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        assert text_of(invoke.collect(stream)) == "one two three", name
        assert len(wire.requests) == 2


@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize("position", [0, 1, 30, 100])
def test_a_head_that_breaks_off_leads_on(wire: Wire, invoke: Invoke, position: int, end: Step) -> None:
    """A stream that breaks off inside of its head leads to the next model."""
    start, *rest = framed(GOOD, content_type=EVENT_STREAM)
    wire.play(
        [start, *[b"".join(rest)[:position]][: bool(position)], end], script(GOOD, content_type=EVENT_STREAM)
    )
    stream = invoke(client_of(invoke, wire).chat.completions.create, **CHAT, stream=True)
    assert text_of(invoke.collect(stream)) == "one two three"
    assert len(wire.requests) == 2


def failing(kind: str) -> tuple[Sequence[Step], type[OpenAIError]]:
    """Give a stream that fails after its first item, and how."""
    start, first, *rest = framed(GOOD, content_type=EVENT_STREAM)
    if kind == "reset":
        return [start + first, 0.01, RESET], StreamInterruptedError
    if kind == "error":
        return script([GOOD[0], *events(ERROR)], content_type=EVENT_STREAM), StreamError
    del rest
    return script(
        [*events(*chat_events(finish=None), end=None)], content_type=EVENT_STREAM
    ), StreamInterruptedError


@pytest.mark.parametrize("kind", ["truncated", "reset", "error"])
def test_streams_that_break_off_open_the_circuit(wire: Wire, invoke: Invoke, kind: str) -> None:
    """A stream that fails after its head is a failure of its target, and no success for having begun."""
    bad, error = failing(kind)
    breaker = Breaker(failures=2)
    client = client_of(invoke, wire, breaker)
    wire.play(bad)
    for _ in range(2):
        assert breaker.state("gpt-5.5", 0.0) == "closed"
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        with pytest.raises(error):
            invoke.collect(stream)
    assert breaker.state("gpt-5.5", 0.0) == "open"
    wire.play(script(GOOD, content_type=EVENT_STREAM))
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    assert text_of(invoke.collect(stream)) == "one two three"
    assert b"gpt-5.4-mini" in wire.requests[-1].body


def test_a_whole_stream_closes_the_circuit(wire: Wire, invoke: Invoke) -> None:
    """A target counts as well again when a stream of it was whole; one that its reader leaves says nothing."""
    bad, error = failing("truncated")
    good = script(GOOD, content_type=EVENT_STREAM)
    for left, state in ((True, "open"), (False, "closed")):
        breaker = Breaker(failures=2)
        client = client_of(invoke, wire, breaker)
        wire.play(bad, good, bad)
        with pytest.raises(error):
            invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        invoke.next(stream)
        if left:
            invoke(stream.close)
        else:
            invoke.collect(stream)
        with pytest.raises(error):
            invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
        assert breaker.state("gpt-5.5", 0.0) == state


def test_others_may_try_while_a_probe_is_read(wire: Wire, invoke: Invoke) -> None:
    """While the stream of a probe is read others may try its target; its failure opens the circuit anew."""
    bad, error = failing("truncated")
    breaker, clock = Breaker(failures=1), Clock()
    client = client_of(invoke, wire, breaker)
    client.io.now = clock
    wire.play(bad)
    with pytest.raises(error):
        invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    clock.now += breaker.cool_down
    streams = [invoke(client.chat.completions.create, **CHAT, stream=True) for _ in range(2)]
    for stream in streams:
        with pytest.raises(error):
            invoke.collect(stream)
    assert all(b"mini" not in request.body for request in wire.requests)
    assert breaker.state("gpt-5.5", clock.now) == "open"


def test_responses_end_at_their_last_event(wire: Wire, invoke: Invoke) -> None:
    """A response that failed at the model is an answer of its target all the same, and gives each event once."""
    breaker = Breaker(failures=1)
    client = client_of(invoke, wire, breaker)
    data = response_events(end="failed")
    wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
    stream = invoke(client.responses.create, model="gpt-5.5", input="x", stream=True)
    assert len(invoke.collect(stream)) == len(data)
    assert breaker.state("gpt-5.5", 0.0) == "closed"


@pytest.mark.parametrize("after", [(), (b"[DONE]",)])
def test_an_error_as_the_last_event_is_a_failure(wire: Wire, invoke: Invoke, after: Any) -> None:
    """A stream that ends with an event of type `error` has failed, though its reader got that as an item."""
    breaker = Breaker(failures=1)
    told: list[str] = []
    hooks = Hooks(
        on_result=lambda _: told.append("result"), on_error=lambda details: told.append(details.error)
    )
    client = client_of(invoke, wire, breaker, hooks)
    error = encoded({"type": "error", "code": "server_error", "message": "no", "sequence_number": 9})
    data = [*response_events(end=None), error, *after]
    wire.play(script([*events(*data, end=None)], content_type=EVENT_STREAM))
    stream = invoke(client.responses.create, model="gpt-5.5", input="x", stream=True)
    assert [item.type for item in invoke.collect(stream)][-1] == "error"
    assert breaker.state("gpt-5.5", 0.0) == "open"
    assert told == ["StreamError"]
