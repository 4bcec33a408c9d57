"""Streams however they are cut: each event once, in order, whatever stands between the wire and the reader."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.control import Call, Next, Reply
from ai_client.control.record import call_record
from tests.support.hostile.framing import (
    EVENT_STREAM,
    FRAMINGS,
    SEGMENTATIONS,
    Framing,
    byte_by_byte,
    events,
    script,
)
from tests.support.hostile.shapes import CHAT_EVENTS, RESPONSE_EVENTS, encoded, text_of
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, KEY, Invoke

Segmentation = Callable[[Sequence[bytes]], list[bytes]]

CONTROLS: dict[str, dict[str, Any]] = {
    "none": {},
    "breaker": {"breaker": True},
    "models": {"models": {"gpt-5.5": ["gpt-5.5", "gpt-5.4-mini"]}},
    "fallback": {"fallback": {"default": ["gpt-5.4-mini"]}},
    "cost": {"cost": True},
    "cache": {"cache": {"scope": "all", "everything": True}},
    "all": {
        "models": {"gpt-5.5": ["gpt-5.5", "gpt-5.4-mini"]},
        "cache": {"scope": "all", "everything": True},
        "cost": True,
        "logs": True,
    },
}
ENDS: dict[str, tuple[bytes, ...]] = {"marked": (b"[DONE]",), "unmarked": ()}


def asked(invoke: Invoke, client: Any, kind: str) -> list[Any]:
    """Give the items of a stream of chat chunks or response events."""
    if kind == "chat":
        return invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    return invoke.collect(invoke(client.responses.create, model="gpt-5.5", input="Hello", stream=True))


@pytest.mark.parametrize("name", SEGMENTATIONS)
@pytest.mark.parametrize("kind", ["chat", "response"])
@pytest.mark.parametrize("controls", CONTROLS)
def test_each_event_once(wire: Wire, invoke: Invoke, kind: str, controls: str, name: str) -> None:
    """A provider's stream gives each event once, whatever the cut, the framing, the end and the controls."""
    for framing in FRAMINGS:
        for end in ENDS.values():
            parts, cut = parts_of(kind, end), SEGMENTATIONS[name]
            check(wire, invoke, kind=kind, controls=controls, parts=parts, framing=framing, cut=cut)


@pytest.mark.parametrize(("kind", "controls"), [("chat", "none"), ("chat", "all"), ("response", "breaker")])
def test_lines_cut_at_every_byte(wire: Wire, invoke: Invoke, kind: str, controls: str) -> None:
    """Each event comes once where every byte arrives alone, lines ending in CR LF or CR included."""
    for line_end in (b"\n", b"\r\n", b"\r"):
        parts = parts_of(kind, (), line_end)
        check(wire, invoke, kind=kind, controls=controls, parts=parts, framing="chunked", cut=byte_by_byte)


def hide(call: Call, proceed: Next) -> Awaitable[Reply]:
    """Hide the second word from the caller."""

    async def send() -> Reply:
        reply = await proceed(call)
        reply.on_event.append(lambda data: b" two" not in data)
        return reply

    return send()


@pytest.mark.parametrize("name", [*SEGMENTATIONS, "byte by byte"])
@pytest.mark.parametrize("kind", ["chat", "response"])
def test_a_hidden_event_hides_no_other(wire: Wire, invoke: Invoke, kind: str, name: str) -> None:
    """An event that a policy hides is gone alone, whatever comes in the same piece."""
    cut = SEGMENTATIONS.get(name, byte_by_byte)
    client = invoke.client(api_key=KEY, base_url=wire.base_url, layers=[hide])
    for end in ENDS.values():
        wire.play(script(parts_of(kind, end), "chunked", cut, content_type=EVENT_STREAM))
        assert text_of(asked(invoke, client, kind)) == "one three"


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_a_report_of_usage_hides_alone(wire: Wire, invoke: Invoke, name: str, place: int) -> None:
    """The report of usage that a policy asked for is hidden wherever it comes, and the words around it are not."""
    usage = encoded({"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    data = [*CHAT_EVENTS[:place], usage, *CHAT_EVENTS[place:]]
    for end in ENDS.values():
        parts = [*events(*data, *end, end=None)]
        wire.play(script(parts, "chunked", SEGMENTATIONS[name], content_type=EVENT_STREAM))
        options = {"api_key": KEY, "base_url": wire.base_url, "controls": {"cost": True}}
        provider = ClientProvider(options)
        try:
            client = provider.client if invoke.sync else provider.async_client
            stream = invoke(client.chat.completions.create, **CHAT, stream=True)
            assert text_of(invoke.collect(stream)) == "one two three"
        finally:
            provider.close()
        record = call_record(stream)
        assert record is not None
        assert record.usage is not None
        assert (record.usage.input, record.usage.output) == (3, 4)


def parts_of(kind: str, end: tuple[bytes, ...], line_end: bytes = b"\n") -> list[bytes]:
    """Write the events of a whole stream."""
    data = CHAT_EVENTS if kind == "chat" else RESPONSE_EVENTS
    return [b"data: %b%b%b" % (one, line_end, line_end) for one in (*data, *end)]


def check(
    wire: Wire,
    invoke: Invoke,
    *,
    kind: str,
    controls: str,
    parts: list[bytes],
    framing: Framing,
    cut: Segmentation,
) -> None:
    """Read a stream through a provider and compare it to what was written."""
    wire.play(script(parts, framing, cut, content_type=EVENT_STREAM))
    options = {"api_key": KEY, "base_url": wire.base_url, "controls": CONTROLS[controls]}
    provider = ClientProvider(options)
    try:
        items = asked(invoke, provider.client if invoke.sync else provider.async_client, kind)
    finally:
        provider.close()
    assert len(items) == len(CHAT_EVENTS if kind == "chat" else RESPONSE_EVENTS)
    assert text_of(items) == "one two three"
