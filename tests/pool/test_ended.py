"""Idle connections that their servers end: they are closed and leave the books, before anybody asks for them."""

import asyncio
import ssl
import time

import pytest
import trustme

from ai_client._pool import sync_pool
from tests.support.both_pools import Pools, SyncPools, burst, descriptors_to
from tests.support.raw_server import OK, Exchange, RawServer

GONE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def left(pools: Pools, server: RawServer, number: int) -> None:
    """Wait until so many connections are left, in the books and in this process."""
    for _ in range(1000):
        stats = pools.stats
        found = (stats.open, stats.idle, descriptors_to(server.port))
        if found == (number, number, number):
            return
        await (pools.wait(time.sleep, 0.01) if pools.sync else asyncio.sleep(0.01))
    raise AssertionError(found)


def test_ended_connections_are_not_counted(both: type[Pools], server: RawServer) -> None:
    """Connections that the server closed are no longer open, idle, or held by this process."""

    async def scenario(pools: Pools) -> None:
        await burst(pools, server, 8)
        await pools.wait(server.close_connections)
        await left(pools, server, 0)
        assert await pools.ask(server.url) == b"{}"
        await left(pools, server, 1)

    both.run(scenario)


def test_a_connection_that_speaks_unasked_is_closed(both: type[Pools], server: RawServer) -> None:
    """A server that says why it is about to close a connection does not have to wait for it to be closed."""

    def answer(exchange: Exchange) -> None:
        exchange.write(OK)
        exchange.later(0.05, GONE)

    server.answer = answer

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"
        await left(pools, server, 0)

    both.run(scenario)


@pytest.mark.parametrize("ends", ["in order", "with words"])
def test_ended_tls(both: type[Pools], ends: str, caplog: pytest.LogCaptureFixture) -> None:
    """So is what the server ends in TLS, without a word in the log of the event loop."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    def answer(exchange: Exchange) -> None:
        exchange.write(OK)
        if ends == "in order":
            asyncio.get_running_loop().call_later(0.05, exchange.close)
        else:
            exchange.later(0.05, GONE)

    async def scenario(pools: Pools) -> None:
        for _ in range(2):
            assert await pools.ask(server.url) == b"{}"
            await left(pools, server, 0)

    with RawServer(answer, context) as server:
        both.run(scenario, verify=trusting)
    assert not caplog.records


def test_threads_look_for_ended_connections(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool of threads in use closes, now and then, what servers have ended, also where nobody asks for its state."""
    monkeypatch.setattr(sync_pool, "_LOOK_SECONDS", 0.0)

    async def scenario(pools: Pools) -> None:
        await burst(pools, server, 8)
        await pools.wait(server.close_connections)
        assert descriptors_to(server.port) == 8
        assert await pools.ask(server.url) == b"{}"
        assert descriptors_to(server.port) <= 1

    SyncPools.run(scenario)
