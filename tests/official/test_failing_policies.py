"""Policies that fail at an event of a stream through the official client: the reader has all events before it."""

from typing import Any

import openai
import pytest

from ai_client.control import Call, Next, Reply
from ai_client.interop import official
from ai_client.testing import Gate, Upstream, sse
from tests.support.chat_scripts import texts
from tests.support.invoke import CHAT, Invoke

EVENTS = [*map(sse, texts(["a", "b", "c"])), sse("[DONE]")]
BEFORE = 3


class Failing:
    """A policy that fails at an event."""

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Perform the call, and fail once some events have come."""
        reply = await proceed(call)
        seen: list[bytes] = []

        def see(data: bytes) -> None:
            if len(seen) == BEFORE:
                raise ValueError("no more")
            seen.append(data)

        reply.on_event.append(see)
        return reply


@pytest.mark.parametrize("cut", [None, 1, 7, BEFORE], ids=["whole", "bytes", "pieces", "events"])
def test_events_before_a_failure(invoke: Invoke, upstream: Upstream, cut: int | None) -> None:
    """The events before the one at which a policy fails arrive, in whatever pieces they came, and then its error."""
    body = b"".join(EVENTS)
    pieces = EVENTS if cut == BEFORE else [body] if cut is None else split(body, cut)
    upstream.reply(chunks=pieces, headers={"Content-Type": "text/event-stream"})
    made = official(invoke.client(layers=[Failing()], max_retries=0))
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    arrived: list[Any] = []

    def read() -> None:
        while True:
            arrived.append(invoke.next(stream))

    with pytest.raises(openai.OpenAIError, match="failed at an event"):
        read()
    assert len(arrived) == BEFORE


def test_failure_does_not_wait(invoke: Invoke, upstream: Upstream) -> None:
    """The error comes with the event, not with the next one."""
    gate = Gate()
    upstream.reply(chunks=[b"".join(EVENTS[:-1]), gate, EVENTS[-1]])
    made = official(invoke.client(layers=[Failing()], max_retries=0, timeout=10))
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    for _ in range(BEFORE):
        invoke.next(stream)
    with pytest.raises(openai.OpenAIError, match="failed at an event"):
        invoke.next(stream)
    gate.set()


def split(body: bytes, size: int) -> list[bytes]:
    """Split bytes into pieces of a size."""
    return [body[start : start + size] for start in range(0, len(body), size)]
