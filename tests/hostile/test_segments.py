"""Streams however they are cut: each event once, in order, whatever stands between the wire and the reader."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ai_client import ClientProvider
from tests.conftest import CHAT, KEY, Invoke
from tests.hostile.framing import (
    EVENT_STREAM,
    FRAMINGS,
    SEGMENTATIONS,
    Framing,
    byte_by_byte,
    script,
)
from tests.hostile.shapes import CHAT_EVENTS, RESPONSE_EVENTS, text_of
from tests.hostile.wire import Wire

Segmentation = Callable[[Sequence[bytes]], list[bytes]]

CONTROLS: dict[str, dict[str, Any]] = {
    "none": {},
    "breaker": {"breaker": True},
    "models": {"models": {"gpt-5.5": ["gpt-5.5", "gpt-5.5-mini"]}},
    "fallback": {"fallback": {"default": ["gpt-5.5-mini"]}},
    "cost": {"cost": True},
    "cache": {"cache": {"scope": "all", "everything": True}},
    "all": {
        "models": {"gpt-5.5": ["gpt-5.5", "gpt-5.5-mini"]},
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
        items = asked(invoke, provider.client if invoke.blocking else provider.async_client, kind)
    finally:
        provider.close()
    assert len(items) == len(CHAT_EVENTS if kind == "chat" else RESPONSE_EVENTS)
    assert text_of(items) == "one two three"
