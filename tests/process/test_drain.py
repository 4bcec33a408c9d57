"""Calls and streams at the end of their provider, on both clients."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any

import httpx
import openai
import pytest

from ai_client import AsyncOpenAI, ClientClosedError, ClientProvider, OpenAI, OpenAIError, labels
from ai_client._process.gated_io import _GatedAsyncBody, _GatedBody, new_gate
from ai_client.adapter import RequestScope
from ai_client.control import Call, Next
from ai_client.interop import official
from ai_client.provider import _close_all
from ai_client.testing import Gate, Upstream, sse
from tests.support.hostile.ways import made_of
from tests.support.invoke import CHAT
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_loop_left")

CHUNK = sse(
    {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "word "}}]}
)
Caller = Callable[[ClientProvider], Any]


def ask(provider: ClientProvider) -> str | None:
    """Make a sync call."""
    return provider.client.chat.completions.create(**CHAT).choices[0].message.content


def read(provider: ClientProvider) -> int:
    """Read a stream with the sync client, and count its items."""
    return sum(1 for _ in provider.client.chat.completions.create(**CHAT, stream=True))


async def ask_async(provider: ClientProvider) -> str | None:
    """Make an awaited call."""
    return (await provider.async_client.chat.completions.create(**CHAT)).choices[0].message.content


async def read_async(provider: ClientProvider) -> int:
    """Read a stream with the async client, and count its items."""
    stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
    return len([item async for item in stream])


async def on_main_loop(call: Callable[[ClientProvider], Any], provider: ClientProvider) -> Any:
    """Make a call from an adopted loop."""
    provider.adopt_loop()
    return await call(provider)


ASK: dict[str, Caller] = {
    "sync": ask,
    "bridged": lambda provider: asyncio.run(ask_async(provider)),
    "direct": lambda provider: asyncio.run(on_main_loop(ask_async, provider)),
}
READ: dict[str, Caller] = {
    "sync": read,
    "bridged": lambda provider: asyncio.run(read_async(provider)),
    "direct": lambda provider: asyncio.run(on_main_loop(read_async, provider)),
}


CLASSES: dict[str, dict[str, Any]] = {
    "own": {},
    "official": {"client_class": "openai.OpenAI", "async_client_class": "openai.AsyncOpenAI"},
}
"""The classes of a provider's clients: ours, and the official SDK's over ours."""


@contextmanager
def providers_of(upstream: Upstream, classes: str = "own") -> Iterator[Callable[..., ClientProvider]]:
    """Yield a function that makes providers; they are closed after the block."""
    made: list[ClientProvider] = []
    usual: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "any", "max_retries": 0}

    def make(**options: Any) -> ClientProvider:
        made.append(ClientProvider({**usual, **CLASSES[classes], **options}))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture(params=CLASSES)
def make(
    request: pytest.FixtureRequest, ai_client_upstream: Upstream
) -> Iterator[Callable[..., ClientProvider]]:
    """Yield a function that makes providers of clients of either class."""
    with providers_of(ai_client_upstream, request.param) as make:
        yield make


@pytest.fixture
def make_own(ai_client_upstream: Upstream) -> Iterator[Callable[..., ClientProvider]]:
    """Yield a function that makes providers of our clients."""
    with providers_of(ai_client_upstream) as make:
        yield make


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Yield threads for calls."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.mark.parametrize("way", ASK)
def test_call_that_takes_too_long_is_cut(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor, way: str
) -> None:
    """A call still under way at the deadline fails with `ClientClosedError`, and is not tried again."""
    provider = make(shutdown_timeout=0.1, max_retries=5)
    ai_client_upstream.always(never=True)
    call = pool.submit(ASK[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.drain()
    with pytest.raises(ClientClosedError, match="closed while this call was under way"):
        call.result(5)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
    assert len(ai_client_upstream.requests) == 1


@pytest.mark.parametrize("way", READ)
def test_stream_that_takes_too_long_is_cut(
    make: Callable[..., ClientProvider],
    ai_client_upstream: Upstream,
    pool: ThreadPoolExecutor,
    way: str,
) -> None:
    """A stream still open at the deadline ends with `ClientClosedError`, not as if it were whole."""
    provider = make(shutdown_timeout=0.1)
    ai_client_upstream.reply(chunks=[CHUNK, Gate()])
    stream = pool.submit(READ[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.drain()
    with pytest.raises(ClientClosedError, match="closed while this call was under way"):
        stream.result(5)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


@pytest.mark.parametrize("way", READ)
def test_stream_that_ends_in_time_is_whole(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor, way: str
) -> None:
    """A stream that ends before the deadline is read to its end, and the drain ends with it, not later."""
    provider = make(shutdown_timeout=60)
    gate = Gate()
    ai_client_upstream.reply(chunks=[CHUNK, gate, CHUNK, b"data: [DONE]\n\n"])
    stream = pool.submit(READ[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.drain()
    assert provider.state == "draining"
    gate.set()
    assert stream.result(5) == 2
    provider.close()
    assert provider.state == "closed"


@pytest.mark.parametrize("way", ASK)
def test_wait_for_a_retry_is_cut(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor, way: str
) -> None:
    """A call that waits to be tried again does not hold the end up."""
    provider = make(shutdown_timeout=0.1, max_retries=1)
    ai_client_upstream.always(status=503, headers={"retry-after": "60"})
    call = pool.submit(ASK[way], provider)
    ai_client_upstream.wait_for(
        lambda: len(ai_client_upstream.requests) == 1 and not ai_client_upstream.in_flight
    )
    provider.drain()
    with pytest.raises(ClientClosedError):
        call.result(5)


@pytest.mark.parametrize("way", ASK)
def test_retry_during_the_drain_is_made(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor, way: str
) -> None:
    """A call that was under way when the drain began may still be tried again."""
    provider = make(shutdown_timeout=60, max_retries=1)
    gate = Gate()
    ai_client_upstream.reply(status=503, gate=gate)
    ai_client_upstream.reply(content="finished")
    call = pool.submit(ASK[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.drain()
    gate.set()
    assert call.result(5) == "finished"


async def begin(provider: ClientProvider) -> Any:
    """Open a stream and read its first item."""
    stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
    await anext(stream)
    return stream


@pytest.mark.parametrize("end", ["close", "aclose"])
def test_stream_of_a_closed_loop_does_not_hold_the_end_up(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor, end: str
) -> None:
    """A stream that is still held counts no more once its event loop is closed, since nobody can read on."""
    provider = make(shutdown_timeout=120)
    ai_client_upstream.always(chunks=[CHUNK, Gate()])
    streams = [asyncio.run(begin(provider)) for _ in range(3)]
    if end == "close":
        pool.submit(provider.close).result(60)
    else:
        pool.submit(asyncio.run, provider.aclose()).result(60)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
    assert len(streams) == 3


def test_dropped_stream_does_not_hold_the_end_up(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor
) -> None:
    """A stream that was neither read to its end nor closed counts no more once it is gone."""
    provider = make(shutdown_timeout=120)
    ai_client_upstream.reply(chunks=[CHUNK, Gate()])
    stream = provider.client.chat.completions.create(**CHAT, stream=True)
    next(stream)
    del stream
    gc.collect()  # of the official client's a cycle is left, which is collected by chance
    pool.submit(provider.close).result(60)
    assert provider.state == "closed"


def test_dropped_stream_does_not_hold_up_its_own_loop(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream
) -> None:
    """Nor does one of the loop in which the provider is closed."""
    provider = make(shutdown_timeout=120)
    ai_client_upstream.reply(chunks=[CHUNK, Gate()])

    async def main() -> None:
        provider.adopt_loop()
        await begin(provider)
        async with asyncio.timeout(60):
            await provider.aclose()

    asyncio.run(main())
    assert provider.state == "closed"


def pass_on(call: Call, proceed: Next) -> Any:
    """Let a call through."""
    return proceed(call)


COPIES: dict[str, Callable[[Any, Any], Any]] = {
    "options": lambda client, http: client.with_options(timeout=5),  # noqa: ARG005
    "layers": lambda client, http: client.with_options(layers=[pass_on]),  # noqa: ARG005
    "no layers": lambda client, http: client.copy(layers=[]),  # noqa: ARG005
    "copy of a copy": lambda client, http: client.copy(layers=[]).copy(layers=[pass_on]),  # noqa: ARG005
    "HTTP client": lambda client, http: client.with_options(http_client=http),
    "HTTP client and layers": lambda client, http: client.with_options(http_client=http, layers=[pass_on]),
    "official": lambda client, http: official(client),  # noqa: ARG005
    "official with options": lambda client, http: official(client).with_options(timeout=5),  # noqa: ARG005
    "official over a copy": lambda client, http: official(client.copy(layers=[pass_on])),  # noqa: ARG005
    "official with HTTP client": lambda client, http: official(client).copy(http_client=http),
}


@pytest.fixture
def copied(
    make_own: Callable[..., ClientProvider], sync: bool, ai_client_upstream: Upstream
) -> Iterator["Copied"]:
    """Yield what makes calls through a copy of either client of a provider."""
    with httpx.Client() as http:
        yield Copied(make_own, sync, http, ai_client_upstream)


class Copied:
    """Calls through a copy of a provider's client."""

    def __init__(
        self, make: Callable[..., ClientProvider], sync: bool, http: httpx.Client, upstream: Upstream
    ) -> None:
        self.make, self.sync, self.http, self.upstream = make, sync, http, upstream

    def ask(self, provider: ClientProvider, copy: str, *, stream: bool = False) -> Any:
        """Make a call, or read a stream to its end."""
        if self.sync:
            answer: Any = COPIES[copy](provider.client, self.http).chat.completions.create(
                **CHAT, stream=stream
            )
            return len(list(answer)) if stream else answer.choices[0].message.content
        return asyncio.run(self._ask(provider, copy, stream=stream))

    async def _ask(self, provider: ClientProvider, copy: str, *, stream: bool) -> Any:
        async with httpx.AsyncClient() as http:
            client = COPIES[copy](provider.async_client, http)
            answer = await client.chat.completions.create(**CHAT, stream=stream)
            return len([item async for item in answer]) if stream else answer.choices[0].message.content


@pytest.mark.parametrize("copy", COPIES)
def test_copy_takes_no_more_calls(copied: Copied, copy: str) -> None:
    """A copy made with whatever options refuses calls from the time its provider does, but for requests'."""
    provider = copied.make(shutdown_timeout=60)
    assert copied.ask(provider, copy)
    provider.drain()
    with pytest.raises(ClientClosedError, match="takes no more AI calls"):
        copied.ask(provider, copy)
    with RequestScope("/ask"):
        assert copied.ask(provider, copy)


@pytest.mark.parametrize("copy", COPIES)
def test_gate_is_no_policy(copied: Copied, copy: str) -> None:
    """What counts calls is not called like a policy, and is the same in a copy made with whatever options."""
    provider = copied.make()
    client: Any = provider.client if copied.sync else provider.async_client
    assert not callable(client._gate)
    http: Any = copied.http if copied.sync else httpx.AsyncClient()
    assert made_of(COPIES[copy](client, http))[-1]._gate is client._gate


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("stream", [False, True], ids=["call", "stream"])
def test_copy_finishes_what_is_under_way(
    copied: Copied, pool: ThreadPoolExecutor, copy: str, *, stream: bool
) -> None:
    """A call or stream of a copy that is under way at the end of the application is let through to its end."""
    provider = copied.make(shutdown_timeout=60)
    gate = Gate()
    if stream:
        copied.upstream.reply(chunks=[CHUNK, gate, CHUNK, b"data: [DONE]\n\n"])
    else:
        copied.upstream.reply(gate=gate, content="finished")
    asked = pool.submit(copied.ask, provider, copy, stream=stream)
    copied.upstream.wait_for(lambda: copied.upstream.in_flight == 1)
    closing = pool.submit(provider.close)
    until(lambda: provider.state == "draining")
    gate.set()
    assert asked.result(30) == (2 if stream else "finished")
    closing.result(30)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("stream", [False, True], ids=["call", "stream"])
def test_copy_is_cut(copied: Copied, pool: ThreadPoolExecutor, copy: str, *, stream: bool) -> None:
    """A call or stream of a copy that takes too long fails with `ClientClosedError`, over whatever connections."""
    if copied.sync and "HTTP" in copy and not stream:
        pytest.skip("a thread that waits in another's HTTP client cannot be woken")
    provider = copied.make(shutdown_timeout=0.1)
    never = Gate()
    if stream:
        copied.upstream.reply(chunks=[CHUNK, never])
    else:
        copied.upstream.reply(gate=never)
    asked = pool.submit(copied.ask, provider, copy, stream=stream)
    copied.upstream.wait_for(lambda: copied.upstream.in_flight == 1)
    provider.close()
    with pytest.raises(ClientClosedError, match="closed while this call was under way"):
        asked.result(30)
    never.set()


@pytest.fixture(params=["built", "given"])
def chained(request: pytest.FixtureRequest, ai_client_upstream: Upstream) -> Iterator[dict[str, Any]]:
    """Yield controls that send every call on through another client: built for the chain, or the user's own."""
    options: dict[str, Any] = {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0}
    sync, async_client = OpenAI(**options), AsyncOpenAI(**options)

    def either(blocks: bool) -> Any:
        return sync if blocks else async_client

    other: Any = either if request.param == "given" else options
    yield {"models": {CHAT["model"]: ["other/m"]}, "fallback": {"clients": {"other": other}}}
    sync.close()
    asyncio.run(async_client.close())


@pytest.mark.parametrize("way", READ)
def test_stream_of_another_client_is_finished(
    make: Callable[..., ClientProvider],
    ai_client_upstream: Upstream,
    pool: ThreadPoolExecutor,
    chained: dict[str, Any],
    way: str,
) -> None:
    """A stream that a chain of models took from another client is let through to its end."""
    provider = make(shutdown_timeout=60, controls=chained)
    gate = Gate()
    ai_client_upstream.reply(chunks=[CHUNK, gate, CHUNK, b"data: [DONE]\n\n"])
    stream = pool.submit(READ[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    closing = pool.submit(provider.close)
    until(lambda: provider.state == "draining")
    with pytest.raises(TimeoutError):
        closing.result(0.3)
    gate.set()
    assert stream.result(30) == 2
    closing.result(30)


@pytest.mark.parametrize("way", READ)
def test_stream_of_another_client_is_cut(
    make: Callable[..., ClientProvider],
    ai_client_upstream: Upstream,
    pool: ThreadPoolExecutor,
    chained: dict[str, Any],
    way: str,
) -> None:
    """A stream that a chain of models took from another client ends with the time for ending, and says so."""
    provider = make(shutdown_timeout=0.1, controls=chained)
    never = Gate()
    ai_client_upstream.reply(chunks=[CHUNK, never])
    stream = pool.submit(READ[way], provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.close()
    with pytest.raises(ClientClosedError, match="closed while this call was under way"):
        stream.result(30)
    never.set()


@pytest.mark.parametrize("way", ASK)
def test_requests_are_finished(make: Callable[..., ClientProvider], way: str) -> None:
    """Requests may make their calls until they are cut off, whenever they began; nothing else may."""
    provider = make(shutdown_timeout=60)
    with RequestScope("/ask"):
        provider.drain()
        assert ASK[way](provider)
        assert ASK[way](provider)
        with labels(tenant="t"):
            assert ASK[way](provider)
        context = copy_context()
        with pytest.raises(ClientClosedError, match="takes no more AI calls"):
            Context().run(ASK[way], provider)
    assert provider.state == "draining"
    with RequestScope("/late"):
        assert ASK[way](provider)
    with labels(tenant="t"), pytest.raises(ClientClosedError, match="takes no more AI calls"):
        ASK[way](provider)
    provider.close()
    with pytest.raises(ClientClosedError):
        context.run(ASK[way], provider)


def test_request_that_comes_when_all_is_idle_is_served(
    make: Callable[..., ClientProvider],
) -> None:
    """A drain in which nothing is under way waits for what a server may still hand in, and is cut at its bound."""
    provider = make(shutdown_timeout=0.3)
    assert ask(provider)
    provider.drain()
    provider._gate.closed.result(60)
    with RequestScope("/ask"), pytest.raises(ClientClosedError, match="takes no more AI calls"):
        ask(provider)
    provider.start()
    provider.drain()
    with RequestScope("/ask"):
        assert ask(provider)


def test_end_of_the_process_ends_a_drain(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends while it drains closes its clients, and waits no longer for what is under way."""
    provider = make(shutdown_timeout=3600)
    ai_client_upstream.reply(chunks=[CHUNK, Gate()])
    stream = provider.client.chat.completions.create(**CHAT, stream=True)
    provider.drain()
    monkeypatch.setattr("ai_client.provider._providers", {provider})
    _close_all()
    assert provider.state == "closed"
    with pytest.raises(ClientClosedError):
        list(stream)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_request_that_goes_on_is_cut(make: Callable[..., ClientProvider]) -> None:
    """A request that is not finished at the deadline makes no more calls."""
    provider = make(shutdown_timeout=0.05)
    with RequestScope("/ask"):
        provider.drain()
        provider.close()
        with pytest.raises(ClientClosedError, match="takes no more AI calls"):
            ask(provider)


def test_closing_does_not_wait_for_requests(make: Callable[..., ClientProvider]) -> None:
    """A provider that is closed from within a request takes no further calls of it, and does not wait for it."""
    provider = make(shutdown_timeout=60)
    with RequestScope("/ask"):
        assert ask(provider)
        provider.close()
        with pytest.raises(ClientClosedError):
            ask(provider)
        provider.start()
        assert asyncio.run(ask_async(provider))
        asyncio.run(provider.aclose())
        with pytest.raises(ClientClosedError):
            asyncio.run(ask_async(provider))


def test_aclose_waits_for_calls_on_its_own_loop(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream
) -> None:
    """`aclose` on the main loop lets that loop's calls go on until they end."""
    provider = make(shutdown_timeout=60)
    gate = Gate()
    ai_client_upstream.reply(gate=gate, content="finished")

    async def main() -> str | None:
        provider.adopt_loop()
        call = asyncio.create_task(ask_async(provider))
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.in_flight == 1)
        closing = asyncio.create_task(provider.aclose())
        await asyncio.sleep(0)
        with pytest.raises(ClientClosedError, match="takes no more AI calls"):
            await ask_async(provider)
        gate.set()
        await closing
        return await call

    assert asyncio.run(main()) == "finished"


def test_drain_from_many_threads_ends_once(make: Callable[..., ClientProvider]) -> None:
    """However often and from wherever a provider is told to end, it ends once and everyone sees it ended."""
    provider = make()
    _ = provider.client
    barrier = threading.Barrier(16)

    def end(number: int) -> str:
        barrier.wait()
        if number % 2:
            provider.drain()
        provider.close()
        return provider.state

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(end, range(16))) == {"closed"}


def test_start_during_a_drain_waits_for_it(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream, pool: ThreadPoolExecutor
) -> None:
    """A provider started again while it drains ends the old life first, then takes calls."""
    provider = make(shutdown_timeout=0.1)
    ai_client_upstream.reply(never=True)
    call = pool.submit(ask, provider)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
    provider.drain()
    provider.start()
    assert provider.state == "open"
    assert ask(provider)
    with pytest.raises(ClientClosedError):
        call.result(5)


def test_idle_provider_closes_at_once(make: Callable[..., ClientProvider]) -> None:
    """With nothing under way, closing does not wait."""
    provider = make(shutdown_timeout=60)
    assert ask(provider)
    begun = time.monotonic()
    provider.close()
    assert time.monotonic() - begun < 30


def test_cut_body_is_not_taken_for_whole() -> None:
    """The end of a body that was cut is an error, also where the server's closing would have ended it."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"

    async def read_to_end() -> None:
        async for _ in _GatedAsyncBody(chunks(), calls, object()):
            calls.cut_off()

    calls = new_gate()
    body = iter(_GatedBody([b"half"], calls, object()))
    assert next(body) == b"half"
    calls.cut_off()
    with pytest.raises(ClientClosedError):
        next(body)
    calls = new_gate()
    with pytest.raises(ClientClosedError):
        asyncio.run(read_to_end())


class LongSession:
    """Something that lasts until it is told to end."""

    def __init__(self, *, faulty: bool = False) -> None:
        self.told: list[str] = []
        self.faulty = faulty

    def end(self) -> None:
        """Note it."""
        self._note("end")

    def cut(self) -> None:
        """Note it."""
        self._note("cut")

    def _note(self, what: str) -> None:
        self.told.append(what)
        if self.faulty:
            raise LookupError(what)


def test_sessions_are_asked_to_end_and_then_cut(make_own: Callable[..., ClientProvider]) -> None:
    """What lasts until it is told is asked to end, waited for, and cut at the bound, even if another one fails."""
    provider = make_own(shutdown_timeout=0.2)
    gate = provider.client._gate
    assert gate is not None
    sessions = [LongSession(), LongSession(faulty=True), LongSession()]
    for session in sessions:
        gate.enter(session)
    gate.leave(sessions[0])
    assert not gate.idle
    provider.close()
    assert [session.told for session in sessions] == [[], ["end", "cut"], ["end", "cut"]]


def test_sessions_that_end_are_waited_for(
    make_own: Callable[..., ClientProvider], pool: ThreadPoolExecutor
) -> None:
    """A session that ends when it is asked to ends the waiting, and is not cut."""
    provider = make_own(shutdown_timeout=3600)
    gate = provider.client._gate
    assert gate is not None
    session = LongSession()
    gate.enter(session)
    closing = pool.submit(provider.close)
    until(lambda: session.told == ["end"])
    gate.leave(session)
    closing.result(30)
    assert session.told == ["end"]


def test_session_that_comes_after_the_cut_is_cut(make_own: Callable[..., ClientProvider]) -> None:
    """A session that was let in before the cut but is counted after it is cut at once."""
    provider = make_own(shutdown_timeout=0.1)
    gate = provider.client._gate
    assert gate is not None
    provider.close()
    session = LongSession()
    gate.enter(session)
    assert session.told == ["cut"]


def test_counts_of_what_fails(make: Callable[..., ClientProvider], ai_client_upstream: Upstream) -> None:
    """Calls and streams that fail, are refused, left or cancelled count as over, on both clients."""
    provider = make(shutdown_timeout=3600)
    client, gate = provider.client, provider._gate
    ai_client_upstream.reply(status=400)
    with pytest.raises((OpenAIError, openai.OpenAIError)):
        ask(provider)
    ai_client_upstream.reply(chunks=[CHUNK, Gate()])
    with client.chat.completions.create(**CHAT, stream=True) as stream:
        next(iter(stream))
        assert not gate.idle
    assert gate.idle

    async def main() -> None:
        ai_client_upstream.reply(status=400)
        with pytest.raises((OpenAIError, openai.OpenAIError)):
            await ask_async(provider)
        ai_client_upstream.reply(never=True)
        before = len(ai_client_upstream.requests)
        task = asyncio.create_task(ask_async(provider))
        await ai_client_upstream.wait_for_async(lambda: len(ai_client_upstream.requests) > before)
        assert not gate.idle
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gate.idle
        ai_client_upstream.reply(chunks=[CHUNK, Gate()])
        async with await provider.async_client.chat.completions.create(**CHAT, stream=True) as stream:
            await anext(aiter(stream))
            assert not gate.idle
        assert gate.idle

    asyncio.run(main())
    provider.drain()
    with pytest.raises(ClientClosedError):
        ask(provider)
    assert gate.idle


def test_sleepers_of_the_gate() -> None:
    """A sleep leaves nothing behind, is over at once after the cut, and may be on a loop that is closed."""
    gate = new_gate()

    async def main() -> None:
        await gate.sleep(0)
        task = asyncio.create_task(gate.sleep(3600))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not gate._sleepers
        assert all(handle.cancelled() for handle in asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]

    asyncio.run(main())
    dead = asyncio.new_event_loop()
    sleep = gate.sleep(3600)
    dead.call_soon(lambda: None)
    task = dead.create_task(sleep)
    dead.run_until_complete(asyncio.sleep(0))
    dead.close()
    gate.cut_off()
    asyncio.run(gate.sleep(3600))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    sleep.close()


def test_cancelled_aclose_ends_all_the_same(
    make: Callable[..., ClientProvider], ai_client_upstream: Upstream
) -> None:
    """Who gives up waiting for the end does not keep it from coming."""
    provider = make(shutdown_timeout=3600)
    gate = Gate()
    ai_client_upstream.reply(gate=gate, content="finished")

    async def main() -> None:
        provider.adopt_loop()
        call = asyncio.create_task(ask_async(provider))
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.in_flight == 1)
        closing = asyncio.create_task(provider.aclose())
        await asyncio.sleep(0.05)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        gate.set()
        assert await call == "finished"
        await provider.aclose()

    asyncio.run(main())
    assert provider.state == "closed"
