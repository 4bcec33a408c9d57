"""How streams and pools end, and what then becomes of their connections."""

import asyncio
import gc
import socket
import threading
import time
import weakref

import httpx
import pytest

from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.sync_pool import SyncPool
from tests.support.both_pools import Pools, SyncPools, hold, request
from tests.support.raw_server import HEAD_OF_STREAM, Exchange, RawServer, chunk


def test_stream_read_to_its_end_returns_the_connection(both: type[Pools], server: RawServer) -> None:
    """The connection of a stream is free as soon as the end arrived, also if the response is never closed."""
    begun: list[tuple[asyncio.AbstractEventLoop, Exchange]] = []

    def answer(exchange: Exchange) -> None:
        begun.append((asyncio.get_running_loop(), exchange))
        exchange.write(HEAD_OF_STREAM + chunk(b"a"))

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        assert pools.stats.in_use == 1
        assert await pools.part(response) == b"a"
        loop, exchange = begun.pop()
        loop.call_soon_threadsafe(exchange.write, chunk(b"b") + chunk(b""))
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
        pools.pool = (SyncPool if pools.sync else AsyncPool)()
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
                if pools.sync:
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
        (connection,) = pools.pool._permits._idle
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
        network = whole.extensions["network_stream"]
        assert network.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        assert network.get_extra_info("socket") is None
        await pools.close_pool()
        assert network.get_extra_info("server_addr") is None

    both.run(scenario)


def test_stream_closed_by_another_thread(server: RawServer) -> None:
    """Closing a sync stream wakes the thread that waits for its next byte, and frees the connection."""

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

    SyncPools.run(scenario)
