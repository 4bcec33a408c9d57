"""Deadlines on event loops whose timers come too early, as those that count in whole milliseconds."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from ai_client import AsyncOpenAI, DeadlineExceededError, StreamTimeoutError
from tests.support.hostile.wire import HOLD, Wire
from tests.support.invoke import CHAT, KEY
from tests.support.policies import async_io

DEADLINES = [0.02 + 0.0003 * count for count in range(10)]


class EarlyLoop(asyncio.SelectorEventLoop):
    """A loop whose timers come some milliseconds too early."""

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, **options: Any) -> Any:
        """Call *callback* before its time."""
        return super().call_at(when - 0.005, callback, *args, **options)


def uvloop() -> asyncio.AbstractEventLoop:
    """Return a loop that rounds times to milliseconds."""
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


@pytest.fixture(params=[EarlyLoop, uvloop], ids=["early", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Any:
    """Return what makes the loop."""
    return request.param


def test_a_limit_ends_nothing_before_its_deadline(loop: Any) -> None:
    """What is awaited until a deadline is interrupted when the deadline has passed by everybody's clock."""

    async def main() -> None:
        io = async_io()
        for seconds in DEADLINES:
            deadline = time.monotonic() + seconds
            with pytest.raises(TimeoutError):
                await io.within(deadline, asyncio.Event().wait())
            assert time.monotonic() >= deadline

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def head(kind: bytes) -> bytes:
    """Return the head of an answer that goes on."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: 100\r\n\r\n"


async def whole(chat: Any) -> None:
    """Wait for an answer."""
    await chat.create(**CHAT)


async def stream(chat: Any) -> None:
    """Wait for the events of a stream."""
    async for _ in await chat.create(**CHAT, stream=True):
        pass


async def unread(chat: Any) -> None:
    """Wait for a body that is read later."""
    async with chat.with_streaming_response.create(**CHAT) as response:
        await response.read()


@pytest.mark.parametrize("way", [whole, stream, unread])
def test_calls_end_in_the_deadlines_own_error(loop: Any, wire: Wire, way: Callable[[Any], Any]) -> None:
    """A call, a stream and a body that take too long fail with the errors that say so."""
    wire.play([head(b"text/event-stream" if way is stream else b"application/json"), HOLD])

    async def main() -> None:
        async with AsyncOpenAI(api_key=KEY, base_url=wire.base_url) as client:
            for deadline in DEADLINES:
                chat = client.with_options(deadline=deadline).chat.completions
                with pytest.raises((DeadlineExceededError, StreamTimeoutError)):
                    await way(chat)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
