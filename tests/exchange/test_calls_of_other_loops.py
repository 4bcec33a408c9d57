"""Calls from event loops other than the one their connections belong to."""

import asyncio
import contextlib
import gc
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import openai
import pytest
import uvloop

from ai_client import AsyncOpenAI, ClientClosedError, ClientProvider, OpenAI
from ai_client._exchange.answer import Answer
from ai_client._exchange.call_request import CallRequest
from ai_client._exchange.loop_sender import LoopSender
from ai_client._exchange.loops import background_loop
from ai_client._exchange.pool_senders import AsyncPoolSender
from ai_client._http.library import library
from ai_client._pool.async_pool import AsyncPool
from ai_client.testing import Gate, Upstream, sse
from tests.support.invoke import CHAT
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_loop_left")


@pytest.fixture
def provider(ai_client_upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider of clients to the upstream, and close it."""
    provider = ClientProvider({"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0})
    yield provider
    provider.close()


async def ask(client: AsyncOpenAI) -> str:
    """Make one call."""
    completion = await client.chat.completions.create(**CHAT)
    return completion.choices[0].message.content or ""


def chunk(text: str) -> bytes:
    """Encode a chunk of a streamed answer."""
    return sse(
        {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
    )


def test_loops_that_come_and_go_share_a_connection(
    provider: ClientProvider, ai_client_upstream: Upstream
) -> None:
    """Twenty event loops one after the other use the process's one connection."""
    for _ in range(20):
        assert asyncio.run(ask(provider.async_client))
    assert ai_client_upstream.connections_opened == 1


def test_loops_side_by_side_share_a_pool(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Loops in eight threads at once open no more than eight connections for a hundred calls."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: asyncio.run(ask(provider.async_client)), range(100)))
    assert all(answers)
    assert ai_client_upstream.connections_opened <= 8


def test_main_loop_uses_its_connections_directly(
    provider: ClientProvider, ai_client_upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls from the adopted loop never cross to another."""
    monkeypatch.setattr("ai_client._exchange.loop_sender.cross", None)

    async def main() -> None:
        provider.adopt_loop()
        await asyncio.gather(*(ask(provider.async_client) for _ in range(3)))
        await provider.aclose()

    asyncio.run(main())
    assert len(ai_client_upstream.requests) == 3


def test_dead_main_loop_is_replaced(provider: ClientProvider) -> None:
    """After the adopted loop was closed with its connections open, calls from other loops work."""

    async def main() -> str:
        provider.adopt_loop()
        return await ask(provider.async_client)

    client = provider.async_client
    assert asyncio.run(main()) == asyncio.run(ask(client)) == asyncio.run(main())


def test_stream_crosses_chunk_by_chunk(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Each item of a stream is there as soon as it was sent, before the next one is."""
    gate = Gate()
    ai_client_upstream.reply(chunks=[chunk("one"), gate, chunk("two"), b"data: [DONE]\n\n"])

    async def main() -> list[str | None]:
        stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
        seen = []
        async for item in stream:
            seen.append(item.choices[0].delta.content)
            gate.set()
        return seen

    assert asyncio.run(main()) == ["one", "two"]


def test_slow_reader_holds_the_upstream_back(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """While the reader of a stream pauses, no more is read from the upstream than fits into buffers."""
    sent = 0

    def flood() -> Iterator[bytes]:
        nonlocal sent
        piece = chunk("x" * 64 * 1024)
        for _ in range(2000):
            sent += 1
            yield piece

    ai_client_upstream.reply(chunks=flood())

    async def main() -> None:
        stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
        async with stream:
            await anext(stream)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)

    asyncio.run(main())
    assert sent < 1000


def test_leaving_a_stream_closes_upstream(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Closing a stream before its end ends it at the upstream at once."""
    ai_client_upstream.reply(chunks=[chunk("one"), Gate()])

    async def main() -> None:
        stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
        async with stream:
            await anext(stream)
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.requests[0].aborted)

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_cancelled_call_is_cancelled_upstream(
    provider: ClientProvider, ai_client_upstream: Upstream, streamed: bool
) -> None:
    """Cancelling a call that waits for its answer closes its connection before the caller goes on."""
    ai_client_upstream.reply(never=True)

    async def main() -> None:
        task = asyncio.create_task(provider.async_client.chat.completions.create(**CHAT, stream=streamed))
        await ai_client_upstream.wait_for_async(lambda: len(ai_client_upstream.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.requests[0].aborted)
        assert await ask(provider.async_client)

    asyncio.run(main())


def test_cancelled_reader_closes_upstream(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Cancelling a task that waits for the next item of a stream ends the stream at the upstream."""
    ai_client_upstream.reply(chunks=[chunk("one"), Gate()])

    async def main() -> None:
        stream = await provider.async_client.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.requests[0].aborted)

    asyncio.run(main())


def test_call_whose_loop_ends_is_given_up(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """A call whose loop is stopped and closed under it ends at the upstream, and the next loop's calls work."""
    ai_client_upstream.reply(never=True)

    async def leave() -> None:
        task = asyncio.create_task(ask(provider.async_client))
        await ai_client_upstream.wait_for_async(lambda: len(ai_client_upstream.requests) == 1)
        del task  # asyncio.run cancels what is left

    asyncio.run(leave())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)
    assert asyncio.run(ask(provider.async_client))


def test_body_of_another_loop_is_read_there(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """An async request body is read on the loop of the caller that gave it."""
    loops: set[Any] = set()

    async def body() -> AsyncIterator[bytes]:
        for part in (b'{"model": "gpt-5.4-mini", ', b'"messages": [{"role": "user", "content": "Hello"}]}'):
            loops.add(asyncio.get_running_loop())
            yield part

    async def main() -> int:
        client = provider.async_client
        sender: Any = client._sender
        request = sender.build(
            "POST",
            client.base_url.join("chat/completions"),
            [("authorization", "Bearer any"), ("content-type", "application/json")],
            {},
            content=body(),
        )
        response = await sender.exchange(request, stream=False)
        assert loops == {asyncio.get_running_loop()}
        return int(response.status_code)

    assert asyncio.run(main()) == 200
    assert ai_client_upstream.requests[0].json()["model"] == "gpt-5.4-mini"


def test_many_cancelled_calls_leave_the_pool_whole(
    provider: ClientProvider, ai_client_upstream: Upstream
) -> None:
    """After hundreds of calls cancelled at random moments, from loops of their own, fresh calls all work."""

    async def hurry(delay: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await ask(provider.async_client)

    async def main() -> None:
        await asyncio.gather(*(hurry(number / 10_000) for number in range(100)))

    for _ in range(3):
        asyncio.run(main())
    assert all(asyncio.run(ask(provider.async_client)) for _ in range(10))
    ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 0)


def test_own_client_works_in_one_loop_after_the_other(ai_client_upstream: Upstream) -> None:
    """A client that belongs to no provider works silently in loops that follow each other, without a thread."""
    client = AsyncOpenAI(base_url=ai_client_upstream.base_url, api_key="any")
    before = threading.active_count()

    async def main() -> None:
        assert await asyncio.gather(ask(client), ask(client))

    for _ in range(3):
        asyncio.run(main())
    assert threading.active_count() <= before  # one that an earlier test had may end meanwhile
    asyncio.run(client.close())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_own_client_works_in_loops_side_by_side(ai_client_upstream: Upstream) -> None:
    """A client that belongs to no provider works in the loops of several threads at once."""
    client = AsyncOpenAI(base_url=ai_client_upstream.base_url, api_key="any")
    barrier = threading.Barrier(4)

    async def main() -> bool:
        barrier.wait()
        answers = [await ask(client) for _ in range(5)]
        barrier.wait()
        return all(answers)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: asyncio.run(main()), range(4)))
    asyncio.run(client.close())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_closing_ends_what_is_under_way(ai_client_upstream: Upstream) -> None:
    """Calls under way and those that wait for a connection end when their client is closed, and are not sent again."""
    ai_client_upstream.always(never=True)

    async def main() -> None:
        options: dict[str, Any] = {"max_connections": 1, "max_retries": 2}
        client = AsyncOpenAI(base_url=ai_client_upstream.base_url, api_key="any", **options)
        calls = [asyncio.create_task(ask(client)) for _ in range(3)]
        await ai_client_upstream.wait_for_async(lambda: ai_client_upstream.in_flight == 1)
        (sender,) = client._sender._senders.values()
        while sender.pool.stats().waiting < 2:
            await asyncio.sleep(0)
        await client.close()
        for call in calls:
            with pytest.raises(ClientClosedError, match="closed while this call was under way"):
                async with asyncio.timeout(30):
                    await call

    asyncio.run(main())
    assert len(ai_client_upstream.requests) == 1
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_closing_ends_what_is_under_way_in_threads(
    ai_client_upstream: Upstream,
) -> None:
    """Threads whose client is closed under them fail, and what they asked is not sent again."""
    ai_client_upstream.always(never=True)
    options: dict[str, Any] = {"max_connections": 1, "max_retries": 2}
    client = OpenAI(base_url=ai_client_upstream.base_url, api_key="any", **options)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(client.chat.completions.create, **CHAT) for _ in range(3)]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
        until(lambda: client._sender.pool.stats().waiting == 2)
        client.close()
        for call in calls:
            with pytest.raises(ClientClosedError, match="closed while this call was under way"):
                call.result(30)
    assert len(ai_client_upstream.requests) == 1


def test_background_loop_itself_is_served(provider: ClientProvider) -> None:
    """A call made on the background loop does not wait for itself."""
    done = asyncio.run_coroutine_threadsafe(ask(provider.async_client), background_loop())
    assert done.result(5)


def test_other_kinds_of_loops_are_refused(provider: ClientProvider) -> None:
    """A call that no asyncio loop runs, but trio's say, is an error that names the way out."""
    with pytest.raises(RuntimeError, match="asyncio event loop: with trio"):
        ask(provider.async_client).send(None)


def close_here(provider: ClientProvider) -> None:
    """Close from a thread without a loop."""
    provider.close()


def close_in_another_loop(provider: ClientProvider) -> None:
    """Close in a loop that comes and goes."""
    asyncio.run(provider.aclose())


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Paused:
    """A loop between two runs, adopted as the main one, that holds a connection and a stream of a provider's client.

    It also serves: what else lives on the loop must not be touched.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, provider: ClientProvider, upstream: Upstream) -> None:
        self.loop, self.provider, self.upstream = loop, provider, upstream
        self.faults: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, fault: self.faults.append(fault))
        self.stream = loop.run_until_complete(self._open())

    async def _open(self) -> Any:
        self.provider.adopt_loop()
        client = self.provider.async_client
        self.upstream.reply(chunks=[chunk("one"), Gate()], headers={"content-type": "text/event-stream"})
        stream = await client.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        await asyncio.gather(ask(client), ask(client))

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(100):
                writer.write(data)
            writer.close()

        self._server = await asyncio.start_server(echo, "127.0.0.1")
        self._reader, self._writer = await asyncio.open_connection(*self._server.sockets[0].getsockname())
        return stream

    async def _work(self) -> None:
        """Use the loop's own connection, and as many new ones as the client may have had descriptors."""
        others = [await asyncio.open_connection(*self._server.sockets[0].getsockname()) for _ in range(10)]
        for reader, writer in [(self._reader, self._writer), *others]:
            writer.write(b"hello")
            async with asyncio.timeout(30):
                assert await reader.readexactly(5) == b"hello"
            writer.close()
            await writer.wait_closed()
        self._server.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)
        assert not self.faults

    async def _read_on(self) -> None:
        """Ask the client's stream for its next item."""
        async with asyncio.timeout(30):
            await anext(self.stream)

    def resume(self) -> None:
        """Run the loop again: everything on it works, and the client's stream has ended."""
        self.loop.run_until_complete(self._work())
        with pytest.raises(ClientClosedError):
            self.loop.run_until_complete(self._read_on())
        self.provider.start()
        assert self.loop.run_until_complete(ask(self.provider.async_client))
        self.provider.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        assert not self.faults


@pytest.fixture(params=LOOPS)
def paused(request: pytest.FixtureRequest, ai_client_upstream: Upstream) -> Iterator[Paused]:
    """Yield a paused loop with connections of a provider's client."""
    provider = ClientProvider(
        {
            "base_url": ai_client_upstream.base_url,
            "api_key": "any",
            "max_retries": 0,
            "shutdown_timeout": 0.1,
        }
    )
    loop = LOOPS[request.param]()
    yield Paused(loop, provider, ai_client_upstream)
    loop.close()
    gc.collect()
    provider.close()


@pytest.mark.parametrize("close", [close_here, close_in_another_loop])
def test_closing_leaves_a_paused_loop_whole(paused: Paused, close: Any) -> None:
    """Closing a provider while its main loop is between two runs ends its connections and nothing else there."""
    close(paused.provider)
    paused.upstream.wait_for(lambda: paused.upstream.connections_open == 0)
    paused.resume()


@pytest.mark.parametrize("close", [close_here, close_in_another_loop])
@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_closing_and_then_the_loop(
    provider: ClientProvider, ai_client_upstream: Upstream, close: Any, new_loop: Any
) -> None:
    """A main loop that never runs again takes the connections along when it is closed, asyncio's own in silence."""
    ai_client_upstream.always(chunks=[chunk("one"), Gate()], headers={"content-type": "text/event-stream"})

    async def main() -> Any:
        provider.adopt_loop()
        client = provider.async_client
        ai_client_upstream.reply(content="idle")
        ai_client_upstream.reply(content="idle")
        await asyncio.gather(ask(client), ask(client))
        stream = await client.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        return stream

    loop = new_loop()
    stream = loop.run_until_complete(main())
    (pool,) = [sender.pool for sender in provider.async_client._sender._senders.values()]
    sockets = [connection.stream._socket for connection in pool._permits.connections()]
    assert len(sockets) == 2
    del pool
    provider.drain()
    provider._gate.hurry(now=True)
    close(provider)
    with warnings.catch_warnings():
        if new_loop is uvloop.new_event_loop:  # it warns of what it has to close
            warnings.simplefilter("ignore", ResourceWarning)
        loop.close()
    del stream
    gc.collect()
    for _ in range(1000):  # the stream is ended in a thread, as its loop is closed
        if not any(found.fileno() >= 0 for found in sockets):
            break
        time.sleep(0.01)
    assert [found.fileno() for found in sockets] == [-1, -1]


@pytest.mark.parametrize("close", [close_here, close_in_another_loop])
@pytest.mark.parametrize("own", [False, True], ids=["our connections", "its own"])
def test_closing_leaves_the_users_connections_to_their_loop(
    ai_client_upstream: Upstream, close: Any, *, own: bool
) -> None:
    """Connections of another SDK's client, also over an HTTP client of its own, are closed by the paused main loop."""
    loop = asyncio.new_event_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, fault: faults.append(fault))
    threads: set[int] = set()

    class Client(httpx.AsyncClient):
        async def aclose(self) -> None:
            threads.add(threading.get_ident())
            assert asyncio.get_running_loop() is loop
            await super().aclose()

    def over_its_own(**options: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(http_client=Client(), **options)

    provider = ClientProvider(
        {
            "base_url": ai_client_upstream.base_url,
            "api_key": "any",
            "max_retries": 0,
            "async_client_class": over_its_own if own else openai.AsyncOpenAI,
        }
    )

    async def main() -> None:
        provider.adopt_loop()
        await ask(provider.async_client)

    loop.run_until_complete(main())
    close(provider)

    async def connect() -> None:
        address = urlsplit(ai_client_upstream.base_url)
        for _ in range(3):
            async with asyncio.timeout(30):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.close()
            await writer.wait_closed()

    loop.run_until_complete(connect())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
    loop.run_until_complete(asyncio.sleep(0))
    assert not faults
    assert threads == ({threading.get_ident()} if own else set())
    loop.close()


class Slow:
    """A maker of pools that lets others come in between."""

    def __init__(self) -> None:
        self.making, self.go = threading.Event(), threading.Event()
        self.made: list[AsyncPoolSender] = []

    def __call__(self) -> Any:
        """Make a sender when told to."""
        self.making.set()
        assert self.go.wait(30)
        found = library("httpx")
        self.made.append(AsyncPoolSender(AsyncPool(), found))
        return self.made[-1]


@pytest.fixture
def slow() -> Slow:
    """Make such a maker."""
    return Slow()


def test_pool_of_a_loop_is_one(slow: Slow) -> None:
    """Threads that need the pool of a loop while it is being made get that one."""
    sender = LoopSender(slow, library("httpx"))
    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(sender._sender_of, loop)
        assert slow.making.wait(30)
        others = [pool.submit(sender._sender_of, loop) for _ in range(7)]
        slow.go.set()
        assert {first.result(30), *(other.result(30) for other in others)} == set(slow.made)
    assert len(slow.made) == 1
    loop.close()


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_pool_that_is_made_while_closing_is_closed(slow: Slow, way: str) -> None:
    """A client that is closed while a pool is being made for it closes that too, and makes no other."""
    sender = LoopSender(slow, library("httpx"))
    loop = asyncio.new_event_loop()

    def close() -> None:
        if way == "close":
            sender.close()
        else:
            asyncio.run(sender.aclose())

    with ThreadPoolExecutor(2) as pool:
        making = pool.submit(sender._sender_of, loop)
        assert slow.making.wait(30)
        closing = pool.submit(close)
        with pytest.raises(TimeoutError):
            closing.result(0.1)
        slow.go.set()
        closing.result(30)
        assert making.result(30).is_closed
    assert sender.is_closed
    with pytest.raises(ClientClosedError):
        sender._sender_of(loop)
    assert len(slow.made) == 1
    loop.close()


class Answering:
    """A sender whose answer comes although its request was cancelled, with a body of which nothing is sent twice."""

    def __init__(self) -> None:
        self.pool = SimpleNamespace()  # where a sender counts what its pool opens
        self.sent, self.go = threading.Event(), threading.Event()
        self.closed: list[str] = []

    async def exchange(self, request: CallRequest, *, stream: bool) -> Answer:
        """Answer, cancelled or not."""
        del stream
        self.sent.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.to_thread(self.go.wait)
        return Answer.of(httpx.Response(200, stream=Body(self.closed), request=request.request))


class Body(httpx.AsyncByteStream):
    """A body in two parts that takes its time to be closed."""

    def __init__(self, closed: list[str]) -> None:
        self.closed = closed
        self.begun = threading.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def aclose(self) -> None:
        """Close, slowly."""
        self.begun.set()
        await asyncio.sleep(0.05)
        self.closed.append("closed")


def test_answer_of_a_cancelled_caller_is_closed() -> None:
    """An answer that arrives although its caller was cancelled is closed before the caller goes on."""
    answering: Any = Answering()
    sender = LoopSender(lambda: answering, library("httpx"))
    sender.shared = True

    async def main() -> None:
        request = CallRequest.of(httpx.Request("GET", "http://upstream"))
        task = asyncio.ensure_future(sender.exchange(request, stream=True))
        await asyncio.to_thread(answering.sent.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert answering.closed == ["closed"]
        answering.go.set()

    asyncio.run(main())


def test_body_is_closed_for_a_cancelled_reader_and_read_once() -> None:
    """Closing a body goes on to its end when its reader is cancelled, and iterating it anew reads nothing twice."""
    answering: Any = Answering()
    answering.go.set()
    sender = LoopSender(lambda: answering, library("httpx"))
    sender.shared = True

    async def main() -> None:
        request = CallRequest.of(httpx.Request("GET", "http://upstream"))
        response = (await sender.exchange(request, stream=True)).response
        body: Any = response.stream
        assert await anext(aiter(body)) == b"one"
        assert [part async for part in body] == [b"two"]
        inner = body._inner
        closing = asyncio.create_task(body.aclose())
        await asyncio.to_thread(inner.begun.wait)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert answering.closed == ["closed"]

    asyncio.run(main())
