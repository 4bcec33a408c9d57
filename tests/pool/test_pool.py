"""The connection pools, blocking and awaitable, against servers on loopback."""

import asyncio
import gc
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client._http import may_have_been_sent
from ai_client._pool.awaitable import AwaitablePool
from ai_client._pool.blocking import BlockingPool
from ai_client.testing import Upstream
from tests.both_pools import Blocking, CountingSocket, Pools, Suspending, chance, descriptors_to, request
from tests.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

REQUESTS = 2400


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[CountingSocket]]:
    """Count connected sockets, and hold that none is left."""
    monkeypatch.setattr(socket, "socket", CountingSocket)
    CountingSocket.most = 0
    CountingSocket.connected.clear()
    yield CountingSocket
    assert not CountingSocket.connected


def dawdle(exchange: Exchange) -> None:
    """Answer within some milliseconds, at once or in pieces, so that a request can end at any of its stages."""
    kind = chance.randrange(4)
    if kind == 0:
        exchange.write(OK)
    elif kind == 1:
        exchange.later(chance.uniform(0, 0.004), OK)
    else:
        exchange.write(HEAD_OF_STREAM + chunk(b"begin"))
        exchange.later(chance.uniform(0, 0.004), chunk(b"go on"))
        exchange.later(0.005, chunk(b"end") + chunk(b""))


async def ten_more(pools: Pools, server: RawServer) -> None:
    """Ask ten fresh requests at once, all answered."""
    server.answer = lambda exchange: exchange.write(OK)
    works = [lambda: pools.ask(server.url, pool=5.0)] * 10
    assert await pools.together(works) == [b"{}"] * 10
    assert (pools.stats.in_use, pools.stats.waiting) == (0, 0)
    assert pools.stats.open == pools.stats.idle <= 5


def test_cancellations_leave_the_awaitable_pool_whole(
    server: RawServer, sockets: type[CountingSocket]
) -> None:
    """After 2,400 requests cancelled at random moments on 5 connections, never more, all permits are back."""
    server.answer = dawdle

    async def scenario(pools: Pools) -> None:
        loop = asyncio.get_running_loop()
        ends: dict[str, int] = {}

        async def user(count: int) -> None:
            for _ in range(count):
                task = loop.create_task(pools.ask(server.url))
                loop.call_later(chance.uniform(0, 0.03), task.cancel)
                try:
                    await task
                    end = "answered"
                except asyncio.CancelledError:
                    end = "cancelled"
                ends[end] = ends.get(end, 0) + 1

        await asyncio.gather(*(user(REQUESTS // 40) for _ in range(40)))
        assert ends["cancelled"] > REQUESTS / 4
        await ten_more(pools, server)

    Suspending.run(scenario, max_connections=5)
    assert descriptors_to(server.port) == 0
    assert sockets.most == 5


def test_timeouts_leave_the_blocking_pool_whole(server: RawServer, sockets: type[CountingSocket]) -> None:
    """After 2,400 requests with random short timeouts on 5 connections, never more, all permits are back."""
    server.answer = dawdle

    async def scenario(pools: Pools) -> None:
        ends: dict[str, int] = {}

        async def user() -> None:
            for _ in range(REQUESTS // 40):
                try:
                    await pools.ask(
                        server.url, read=chance.uniform(0, 0.004), pool=chance.uniform(0.001, 0.02)
                    )
                    end = "answered"
                except httpx.TimeoutException as error:
                    end = type(error).__name__
                ends[end] = ends.get(end, 0) + 1

        assert await pools.together([user] * 40) == [None] * 40
        assert ends.keys() == {"answered", "ReadTimeout", "PoolTimeout"}
        await ten_more(pools, server)

    Blocking.run(scenario, max_connections=5)
    assert descriptors_to(server.port) == 0
    assert sockets.most == 5


def test_bound_holds(both: type[Pools], server: RawServer) -> None:
    """Forty requests at once never open more connections than the bound."""
    server.answer = lambda exchange: exchange.later(0.002, OK)

    async def scenario(pools: Pools) -> None:
        assert await pools.together([lambda: pools.ask(server.url)] * 40) == [b"{}"] * 40
        assert pools.stats.opened_total == server.opened <= 3

    both.run(scenario, max_connections=3)


def test_bound_holds_for_all_origins_together(
    both: type[Pools], server: RawServer, sockets: type[CountingSocket]
) -> None:
    """Requests to two origins share the bound."""
    server.answer = lambda exchange: exchange.later(0.002, OK)

    async def scenario(pools: Pools) -> None:
        with RawServer() as other:
            works = [lambda url=url: pools.ask(url) for url in [server.url, other.url] * 20]
            assert await pools.together(works) == [b"{}"] * 40

    both.run(scenario, max_connections=3)
    assert sockets.most == 3


def test_full_pool_gives_up_the_oldest_idle_connection(both: type[Pools], server: RawServer) -> None:
    """Where another origin needs a connection, the one idle for longest is closed, and only that."""

    async def scenario(pools: Pools) -> None:
        with RawServer() as other, RawServer() as third:
            await pools.ask(other.url)
            await pools.ask(server.url)
            await pools.ask(third.url)
            await pools.wait(other.wait_for, lambda: other.open == 0)
            assert (server.open, third.open) == (1, 1)
            assert pools.stats.open == 2

    both.run(scenario, max_connections=2)


def test_connection_used_last_is_used_next(both: type[Pools], server: RawServer) -> None:
    """After a burst one connection serves what comes one by one, so that the others can expire."""
    ports: list[bytes] = []

    async def scenario(pools: Pools) -> None:
        held = [await pools.send(request(server.url + "/stream")) for _ in range(3)]
        for response in held:
            await pools.read(response)
        ports.clear()
        for _ in range(5):
            await pools.ask(server.url)
        assert pools.stats.idle == 3

    def answer(exchange: Exchange) -> None:
        ports.append(exchange._connection.transport.get_extra_info("peername")[1])
        if exchange.target == "/stream":
            exchange.write(HEAD_OF_STREAM)
            exchange.later(0.01, chunk(b""))
        else:
            exchange.write(OK)

    server.answer = answer
    both.run(scenario)
    assert len(ports) == 5
    assert len(set(ports)) == 1


def test_permits_are_given_in_order_of_arrival(both: type[Pools], server: RawServer) -> None:
    """Requests that wait are served first come, first served."""
    arrived: list[str] = []

    def answer(exchange: Exchange) -> None:
        arrived.append(exchange.target)
        exchange.later(0.001, OK)

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        if pools.blocking:
            threads = []
            for number in range(10):
                threads.append(threading.Thread(target=ask_in_thread, args=(pools, f"{server.url}/{number}")))
                threads[-1].start()
                while pools.stats.waiting <= number:
                    time.sleep(0.0005)
            await pools.close(response)
            for thread in threads:
                thread.join()
        else:
            tasks = []
            for number in range(10):
                tasks.append(asyncio.ensure_future(pools.ask(f"{server.url}/{number}")))
                while pools.stats.waiting <= number:
                    await asyncio.sleep(0)
            await pools.close(response)
            await asyncio.gather(*tasks)

    both.run(scenario, max_connections=1)
    assert arrived == [f"/{number}" for number in range(10)]


def ask_in_thread(pools: Pools, url: str) -> None:
    """Send and read, as a thread's target."""
    pools.pool.handle_request(request(url)).read()


async def burst(pools: Pools, server: RawServer, size: int) -> None:
    """Open *size* connections, and leave them idle."""
    arrived: list[Exchange] = []

    def answer(exchange: Exchange) -> None:
        arrived.append(exchange)
        if len(arrived) == size:
            for held in arrived:
                held.write(OK)

    usual, server.answer = server.answer, answer
    assert await pools.together([lambda: pools.ask(server.url)] * size) == [b"{}"] * size
    server.answer = usual
    assert pools.stats.idle == size


async def hold(pools: Pools, server: RawServer) -> httpx.Response:
    """Start a response that does not end, and so keep a connection in use."""
    usual, server.answer = server.answer, lambda exchange: exchange.write(HEAD_OF_STREAM + chunk(b"begin"))
    response = await pools.send(request(server.url))
    server.answer = usual
    return response


def test_waiting_ends_with_a_pool_timeout(both: type[Pools], server: RawServer) -> None:
    """A request that gets no connection in time fails with PoolTimeout, unsent, and leaves the queue."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        with pytest.raises(httpx.PoolTimeout, match="one of 1 connections") as caught:
            await pools.ask(server.url, pool=0.01)
        assert not may_have_been_sent(caught.value)
        assert pools.stats.waiting == 0
        await pools.close(response)
        assert await pools.ask(server.url) == b"{}"

    both.run(scenario, max_connections=1)


def test_expired_connection_is_replaced(both: type[Pools], server: RawServer) -> None:
    """A connection idle for longer than the expiry is not used again, and is closed."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        await pools.ask(server.url)
        assert server.opened == 1
        (connection,) = pools.pool._ledger._idle
        connection.idle_since -= 31
        await pools.ask(server.url)
        assert server.opened == 2
        await pools.wait(server.wait_for, lambda: server.open == 1)

    both.run(scenario, keepalive_expiry=30)


def test_expired_connections_are_closed_a_few_at_a_time(both: type[Pools], server: RawServer) -> None:
    """Connections that expired unused are closed by later requests, at most two each."""

    async def scenario(pools: Pools) -> None:
        await burst(pools, server, 7)
        pools.pool._ledger.expiry = -1
        with RawServer() as other:
            for left in (5, 3, 1):
                await pools.ask(other.url)
                assert pools.stats.idle in {left, left + 1}

    both.run(scenario)


def test_connection_closed_by_the_server_is_replaced_unseen(both: type[Pools], server: RawServer) -> None:
    """Where the server closed idle connections, the next request opens another and succeeds."""

    async def scenario(pools: Pools) -> None:
        for _ in range(3):
            await pools.ask(server.url)
            await pools.wait(server.close_connections)
        assert await pools.ask(server.url) == b"{}"

    both.run(scenario)
    assert server.opened == 4


def test_restart_of_the_server_costs_a_request_few_trials(both: type[Pools], server: RawServer) -> None:
    """A request finds many dead connections and still tries only a few before it opens one."""

    async def scenario(pools: Pools) -> None:
        await burst(pools, server, 10)
        await pools.wait(server.close_connections)
        assert await pools.ask(server.url) == b"{}"
        assert pools.stats.opened_total == 11
        assert pools.stats.idle == 8

    both.run(scenario)


def test_dead_connection_found_while_writing_is_replaced_unseen(both: type[Pools], server: RawServer) -> None:
    """A reused connection on which not a byte could be written is replaced, whatever the body is."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        (connection,) = pools.pool._ledger._idle
        connection.stream._socket.shutdown(socket.SHUT_WR)  # every write fails, and reading does not tell
        body = iter_body(pools, [b"one", b"two"])
        message = request(server.url, content=body)
        message.headers["Content-Length"] = "6"
        del message.headers["Transfer-Encoding"]
        assert await pools.read(await pools.send(message)) == b"{}"
        assert pools.stats.opened_total == 2

    both.run(scenario)


def iter_body(pools: Pools, parts: list[bytes]) -> Any:
    """Give a body whose length is not known beforehand."""

    async def later() -> Any:
        for part in parts:
            yield part

    return iter(parts) if pools.blocking else later()


@pytest.mark.parametrize("fresh", [True, False])
def test_request_that_was_written_is_not_repeated(both: type[Pools], server: RawServer, fresh: bool) -> None:
    """Where the server closes without an answer the error says that the request may have been sent."""

    async def scenario(pools: Pools) -> None:
        if not fresh:
            await pools.ask(server.url)
        server.answer = lambda exchange: exchange.close()
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response") as caught:
            await pools.ask(server.url)
        assert may_have_been_sent(caught.value)
        assert pools.stats.open == 0

    both.run(scenario)
    assert server.opened == 1


def test_refused_connection_was_not_sent(both: type[Pools]) -> None:
    """Where nothing listens the error is a ConnectError, unsent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def scenario(pools: Pools) -> None:
            with pytest.raises(httpx.ConnectError) as caught:
                await pools.ask(f"http://127.0.0.1:{port}")
            assert not may_have_been_sent(caught.value)
            assert pools.stats.in_use == 0

        both.run(scenario)


def test_unresolvable_name_is_a_connect_error(both: type[Pools]) -> None:
    """A name that cannot be looked up is a ConnectError, as is one that is no name at all."""

    async def scenario(pools: Pools) -> None:
        for host in ("no-such-host.invalid", "a" * 64 + ".invalid"):
            with pytest.raises(httpx.ConnectError):
                await pools.ask(f"http://{host}")

    both.run(scenario)


def test_unsupported_address_is_refused(both: type[Pools]) -> None:
    """An address of another scheme is refused by name, and takes no permit."""

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.UnsupportedProtocol, match="ftp"):
            await pools.ask("ftp://127.0.0.1/")
        assert pools.stats.in_use == 0

    both.run(scenario)


def test_read_timeout_counts_from_the_last_byte(both: type[Pools], server: RawServer) -> None:
    """A stream may last longer than the read timeout; silence of that length ends it with ReadTimeout."""

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM)
        for number in range(4):
            exchange.later(0.1 * number, chunk(b"."))

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url, read=0.25))
        with pytest.raises(httpx.ReadTimeout) as caught:
            await pools.read(response)
        assert may_have_been_sent(caught.value)
        assert pools.stats.open == 0

    both.run(scenario)


def test_write_timeout(both: type[Pools]) -> None:
    """A server that takes nothing ends a large upload with WriteTimeout."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:

        async def scenario(pools: Pools) -> None:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            with pytest.raises(httpx.WriteTimeout) as caught:
                await pools.ask(url, content=b"x" * 20_000_000, write=0.05)
            assert may_have_been_sent(caught.value)
            assert pools.stats.open == 0

        both.run(scenario)


def test_answer_before_the_body_was_read(both: type[Pools], server: RawServer) -> None:
    """A server that refuses a large body and closes is understood: its answer is the result."""
    server.hasty = True

    def answer(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
        exchange.close()

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        parts = iter_body(pools, [b"x" * 60_000] * 100)
        try:
            response = await pools.send(request(server.url, content=parts))
        except httpx.NetworkError:
            pass  # the reset overtook the answer: what the kernel threw away nobody can read
        else:
            assert response.status_code == 413
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)

    both.run(scenario)


def test_response_is_complete(both: type[Pools], server: RawServer) -> None:
    """Status, reason, headers with their case and order, and the body arrive as sent."""
    server.answer = lambda exchange: exchange.write(
        b"HTTP/1.1 299 Quite OK\r\nX-One: 1\r\nx-two: 2\r\nX-One: 3\r\nContent-Length: 5\r\n\r\nhello"
    )

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        assert (response.status_code, response.reason_phrase) == (299, "Quite OK")
        assert response.http_version == "HTTP/1.1"
        assert response.headers.raw[:3] == [(b"X-One", b"1"), (b"x-two", b"2"), (b"X-One", b"3")]
        assert await pools.read(response) == b"hello"

    both.run(scenario)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_requests_without_a_body(both: type[Pools], server: RawServer, method: str) -> None:
    """Requests that carry nothing work, and so do answers that may not carry anything."""

    async def scenario(pools: Pools) -> None:
        server.answer = lambda exchange: exchange.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        if method == "HEAD":
            server.answer = lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        for _ in range(3):
            assert await pools.ask(server.url, method=method, content=None) == b""

    both.run(scenario)
    assert server.opened == 1


@pytest.mark.parametrize("size", [0, 10, 200_000, 3_000_000])
def test_bodies_arrive(both: type[Pools], server: RawServer, size: int) -> None:
    """Bodies from memory arrive whole, whatever their size, and so do answers."""

    def answer(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(exchange.body) + exchange.body)

    server.answer = answer
    body = chance.randbytes(size)

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url, content=body) == body
        assert pools.stats.idle == 1

    both.run(scenario)


def test_body_from_an_iterator_is_sent_in_chunks(both: type[Pools]) -> None:
    """A body of unknown length goes out chunk by chunk, and the connection lives on."""

    async def scenario(pools: Pools) -> None:
        with Upstream() as upstream:
            upstream.always(body=b"{}")
            for _ in range(2):
                body = iter_body(pools, [b"one", b"two"])
                assert await pools.ask(upstream.base_url + "/files", content=body) == b"{}"
            assert [recorded.body for recorded in upstream.requests] == [b"onetwo"] * 2
            assert upstream.connections_opened == 1

    both.run(scenario)


def test_failing_body_closes_the_connection(both: type[Pools], server: RawServer) -> None:
    """An error of the caller's own iterator comes through, and the half-sent request is cut off."""

    async def scenario(pools: Pools) -> None:
        async def later() -> Any:
            yield b"one"
            raise LookupError("mine")

        def now() -> Any:
            yield b"one"
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await pools.ask(server.url, content=now() if pools.blocking else later())
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)

    both.run(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
    ],
    ids=["close", "http/1.0", "more than was asked for"],
)
def test_connection_that_is_not_clean_is_not_reused(
    both: type[Pools], server: RawServer, answer: bytes
) -> None:
    """A connection that the server wants closed, or on which it said too much, serves no other request."""
    server.answer = lambda exchange: exchange.write(answer)

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"
        assert await pools.ask(server.url) == b"{}"
        assert pools.stats.idle == 0

    both.run(scenario)
    assert server.opened == 2


def test_unasked_answer_on_an_idle_connection_is_never_read(both: type[Pools], server: RawServer) -> None:
    """What a server sends between two requests cannot become the answer to the second."""
    exchanges: list[Exchange] = []

    def answer(exchange: Exchange) -> None:
        exchanges.append(exchange)
        exchange.write(OK)

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        sent = threading.Event()

        def forge() -> None:
            exchanges[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            sent.set()

        assert server._loop is not None
        server._loop.call_soon_threadsafe(forge)
        await pools.wait(sent.wait)
        assert await pools.ask(server.url) == b"{}"
        assert pools.stats.opened_total == 2

    both.run(scenario)


def test_answer_that_is_not_http(both: type[Pools], server: RawServer) -> None:
    """Something else than HTTP is a RemoteProtocolError, and the connection is closed."""
    server.answer = lambda exchange: exchange.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await pools.ask(server.url)
        assert pools.stats.open == 0

    both.run(scenario)


def test_truncated_body(both: type[Pools], server: RawServer) -> None:
    """A body shorter than announced is a RemoteProtocolError, in the middle of reading."""

    def answer(exchange: Exchange) -> None:
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        exchange.close()

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        with pytest.raises(httpx.RemoteProtocolError):
            await pools.read(response)
        assert pools.stats.in_use == 0

    both.run(scenario)


def test_illegal_request_is_refused_unsent(both: type[Pools], server: RawServer) -> None:
    """A header that would break the request apart is a LocalProtocolError, and nothing is sent."""

    async def scenario(pools: Pools) -> None:
        message = request(server.url)
        message.headers.raw.append((b"X-Key", b"a\r\nX-Other: b"))
        message.headers = httpx.Headers([*message.headers.raw, (b"X-Key", b"a\r\nX-Other: b")])
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await pools.send(message)
        assert not may_have_been_sent(caught.value)
        assert pools.stats.in_use == 0

    both.run(scenario)


def test_informational_responses_are_skipped(both: type[Pools], server: RawServer) -> None:
    """A `100 Continue` or `103 Early Hints` before the response is not the response."""
    server.answer = lambda exchange: exchange.write(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK
    )

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"

    both.run(scenario)


@pytest.mark.parametrize("asked", [True, False])
def test_other_protocols_are_refused(both: type[Pools], server: RawServer, asked: bool) -> None:
    """A server that switches protocols, asked or not, is a RemoteProtocolError: there is nobody to speak another."""
    server.answer = lambda exchange: exchange.write(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chess\r\n\r\ne2e4"
    )

    async def scenario(pools: Pools) -> None:
        message = request(server.url, method="GET", content=None)
        if asked:
            message.headers.update({"Connection": "upgrade", "Upgrade": "chess"})
        with pytest.raises(httpx.RemoteProtocolError):
            await pools.send(message)
        assert pools.stats.open == 0

    both.run(scenario)


def test_stream_read_to_its_end_returns_the_connection(both: type[Pools], server: RawServer) -> None:
    """The connection of a stream is free as soon as the end arrived, also if the response is never closed."""

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM + chunk(b"a"))
        exchange.later(0.01, chunk(b"b") + chunk(b""))

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        assert pools.stats.in_use == 1
        assert await pools.part(response) == b"a"
        assert await pools.part(response) == b"b"
        assert (pools.stats.in_use, pools.stats.idle) == (0, 1)

    both.run(scenario)


def test_early_close_of_a_stream_closes_the_connection(both: type[Pools], server: RawServer) -> None:
    """A stream left in the middle frees its place, and the server sees the connection go."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        assert await pools.part(response) == b"begin"
        await pools.close(response)
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)
        await pools.wait(server.wait_for, lambda: server.open == 0)
        await pools.close(response)

    both.run(scenario)


def test_close_after_the_end_has_arrived_keeps_the_connection(both: type[Pools], server: RawServer) -> None:
    """A stream closed after its last event, but before its formal end was read, still returns the connection."""
    ended = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM + chunk(b"data: [DONE]"))
        finish.append(exchange)

    finish: list[Exchange] = []
    server.answer = answer

    def end() -> None:
        finish[0].write(chunk(b""))
        ended.set()

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        assert await pools.part(response) == b"data: [DONE]"
        assert server._loop is not None
        server._loop.call_soon_threadsafe(end)
        await pools.wait(ended.wait)
        await pools.wait(lambda: None)  # lets an event loop take in what has arrived
        await pools.close(response)
        assert (pools.stats.in_use, pools.stats.idle) == (0, 1)

    both.run(scenario)


def test_forgotten_response_gives_its_place_back(both: type[Pools], server: RawServer) -> None:
    """A response dropped unread has its connection closed and its permit freed when it is collected."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        assert pools.stats.in_use == 1
        del response
        gc.collect()
        assert await pools.ask(server.url, pool=5.0) == b"{}"
        await pools.wait(server.wait_for, lambda: server.open == 1)

    both.run(scenario, max_connections=1)


def test_forgotten_pool_closes_its_connections(both: type[Pools], server: RawServer) -> None:
    """A pool dropped without being closed leaves no connection open."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        dropped = weakref.ref(pools.pool)
        pools.pool = (BlockingPool if pools.blocking else AwaitablePool)()
        gc.collect()
        assert dropped() is None
        await pools.wait(server.wait_for, lambda: server.open == 0)

    both.run(scenario)


def test_closed_pool(both: type[Pools], server: RawServer) -> None:
    """Closing ends the idle connections and those in use; afterwards the pool refuses, by its name."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        await pools.ask(server.url)
        assert pools.stats.open == 2
        await pools.close_pool()
        await pools.wait(server.wait_for, lambda: server.open == 0)
        await pools.part(response)
        with pytest.raises(httpx.TransportError):
            await pools.part(response)
        with pytest.raises(RuntimeError, match="pool is closed"):
            await pools.ask(server.url)
        assert (pools.stats.open, pools.stats.in_use) == (0, 0)

    both.run(scenario)


def test_closing_the_pool_ends_waiting(both: type[Pools], server: RawServer) -> None:
    """Requests that wait for a connection fail at once when the pool is closed."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)

        async def ask() -> None:
            await pools.ask(server.url)

        async def close() -> None:
            while pools.stats.waiting < 3:
                if pools.blocking:
                    time.sleep(0.001)
                else:
                    await asyncio.sleep(0)
            await pools.close_pool()

        *failed, _ = await pools.together([ask, ask, ask, close])
        assert [type(error) for error in failed] == [RuntimeError] * 3
        await pools.close(response)

    both.run(scenario, max_connections=1)


def test_sockets_keep_alive(both: type[Pools], server: RawServer) -> None:
    """Connections send at once and are probed by TCP after 60 seconds, every 60 seconds, 5 times."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        (connection,) = pools.pool._ledger._idle
        connected = connection.stream._socket
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        idle = getattr(socket, "TCP_KEEPIDLE", None) or socket.TCP_KEEPALIVE
        assert connected.getsockopt(socket.IPPROTO_TCP, idle) == 60
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 60
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 5

    both.run(scenario)


def test_stream_tells_about_its_connection(both: type[Pools], server: RawServer) -> None:
    """A response under way gives its socket and addresses as httpx does, and none once the connection is back."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        network = response.extensions["network_stream"]
        connected = network.get_extra_info("socket")
        assert network.get_extra_info("server_addr") == ("127.0.0.1", server.port) == connected.getpeername()
        assert network.get_extra_info("client_addr") == connected.getsockname()
        assert network.get_extra_info("ssl_object") is None
        await pools.close(response)
        assert network.get_extra_info("socket") is None
        whole = await pools.send(request(server.url))
        assert "network_stream" not in whole.extensions

    both.run(scenario)


def test_stream_closed_by_another_thread(server: RawServer) -> None:
    """Closing a blocking stream wakes the thread that waits for its next byte, and frees the connection."""

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        assert await pools.part(response) == b"begin"
        woken: list[BaseException] = []

        def read() -> None:
            try:
                next(iter(response.stream))
            except httpx.TransportError as error:
                woken.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        while not response.stream._reading:
            time.sleep(0.001)
        response.close()
        thread.join(5)
        assert len(woken) == 1
        assert (pools.stats.in_use, pools.stats.open) == (0, 0)

    Blocking.run(scenario)
