"""Who gets a connection of the pools: bounds, turns, waiting, and what cancellations leave behind."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from ai_client._http.library import may_have_been_sent
from tests.support.both_pools import (
    AsyncPools,
    CountingSocket,
    Pools,
    SyncPools,
    ask_in_thread,
    chance,
    descriptors_to,
    request,
)
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

REQUESTS = 2400
from tests.support.both_pools import burst, hold


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


def test_cancellations_leave_the_async_pool_whole(server: RawServer, sockets: type[CountingSocket]) -> None:
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

    AsyncPools.run(scenario, max_connections=5)
    assert descriptors_to(server.port) == 0
    assert sockets.most == 5


def test_timeouts_leave_the_sync_pool_whole(server: RawServer, sockets: type[CountingSocket]) -> None:
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
        assert {"ReadTimeout"} <= ends.keys() <= {"answered", "ReadTimeout", "PoolTimeout"}
        await ten_more(pools, server)

    SyncPools.run(scenario, max_connections=5)
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
    streams: list[Exchange] = []

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
            streams.append(exchange)
            if (
                len(streams) == 3
            ):  # one that ended before would be whole at once, and its connection used again
                for stream in streams:
                    stream.write(chunk(b""))
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
        if pools.sync:
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
        (connection,) = pools.pool._permits._idle
        connection.idle_since -= 31
        await pools.ask(server.url)
        assert server.opened == 2
        await pools.wait(server.wait_for, lambda: server.open == 1)

    both.run(scenario, keepalive_expiry=30)


def test_expired_connections_are_closed_a_few_at_a_time(both: type[Pools], server: RawServer) -> None:
    """Connections that expired unused are closed by later requests, at most two each."""

    async def scenario(pools: Pools) -> None:
        await burst(pools, server, 7)
        pools.pool._permits.expiry = -1
        with RawServer() as other:
            for left in (5, 3, 1):
                await pools.ask(other.url)
                assert pools.stats.idle in {left, left + 1}

    both.run(scenario)
