"""The log of connections: what becomes of each, with its way and the reason, and never a secret."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import trustme

from ai_client import OpenAI
from ai_client._pool.connection_log import ABANDONED
from ai_client.provider import ClientProvider
from tests.support.both_pools import AsyncPools, Pools, SyncPools, request
from tests.support.forks import in_child, unannounced
from tests.support.ports import free_port
from tests.support.proxy_server import ProxyServer
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

NAME = "ai_client.connections"
SECRET = "hush-hush"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Log connections."""
    with caplog.at_level(logging.DEBUG, NAME):
        yield caplog


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of connections."""
    return [record.getMessage() for record in log.records if record.name == NAME]


def events(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of connections, without which they were, their times and the state of the pool."""
    bare = (
        re.sub(r"^Connection \d+ of .*? to \S+( (at|through) \S+)?: | \([^()]*\)$", "", line)
        for line in lines(log)
    )
    return [re.sub(r"\d+\.\d+ s", "t", line) for line in bare]


def test_opened_reused_and_closed(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """A connection that serves three requests is opened once, reused twice, and closed with the pool."""

    async def scenario(pools: Pools) -> None:
        for _ in range(3):
            await pools.ask(f"{server.url}/{SECRET}?key={SECRET}")
        await pools.close_pool()

    both.run(scenario)
    assert events(log) == [
        "opened in t",
        "reused for request 2, idle for t",
        "reused for request 3, idle for t",
        "closed after 3 requests in t: the client was closed",
    ]
    first, *_, last = lines(log)
    assert f" of a transport to {server.url}: opened in " in first
    assert first.endswith("(1 open, 0 idle, 1 in use, 0 waiting)")
    assert last.endswith("(0 open, 0 idle, 0 in use, 0 waiting)")
    assert SECRET not in log.text


def test_nothing_is_logged_by_default(
    both: type[Pools], server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level INFO nothing is said, and nothing is kept to be said later."""

    async def scenario(pools: Pools) -> None:
        for _ in range(3):
            await pools.ask(server.url)
        assert not pools.pool._unwritten

    with caplog.at_level(logging.INFO, NAME):
        both.run(scenario)
    assert not lines(caplog)


def last_answer(exchange: Exchange) -> None:
    """Answer, and say that the connection ends with it."""
    exchange.write(OK.replace(b"200 OK\r\n", b"200 OK\r\nConnection: close\r\n"))


def server_error(exchange: Exchange) -> None:
    """Answer 500."""
    exchange.write(OK.replace(b"200 OK", b"500 Oh"))


@pytest.mark.parametrize("answer", [last_answer, server_error])
def test_connection_that_is_not_kept(
    both: type[Pools], server: RawServer, answer: object, log: pytest.LogCaptureFixture
) -> None:
    """A connection that a server ends with its answer, or that answered 500, is closed for that."""
    server.answer = answer  # type: ignore[assignment]

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)

    both.run(scenario)
    assert events(log)[1].startswith("closed after 1 request in t: its last answer was read")


def test_idle_connection_that_expired(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """A connection that lay idle for too long is closed before the next is opened, and the log says so."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        await (pools.wait(time.sleep, 0.05) if pools.sync else asyncio.sleep(0.05))
        await pools.ask(server.url)

    both.run(scenario, keepalive_expiry=0.02)
    assert events(log)[:3] == [
        "opened in t",
        "closed after 1 request in t: idle for longer than keepalive_expiry",
        "opened in t",
    ]


def test_idle_connection_that_the_server_ends(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """Where a server ends an idle connection, the log says that it did."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        await pools.wait(server.close_connections)
        for _ in range(1000):
            if pools.stats.open == 0:
                break
            await (pools.wait(time.sleep, 0.01) if pools.sync else asyncio.sleep(0.01))
        await pools.ask(server.url)

    both.run(scenario)
    assert events(log)[1] == "closed after 1 request in t: the server ended it while it was idle"


def test_connection_in_the_way_of_another(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """An idle connection that makes room for one to another server is closed for the bound."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        with RawServer() as other:
            await pools.ask(other.url)

    both.run(scenario, max_connections=1)
    assert events(log)[1] == (
        "closed after 1 request in t: max_connections leaves no room for it beside another"
    )


def test_answer_that_is_not_read(both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture) -> None:
    """A response that is closed before its end takes its connection along."""
    server.answer = lambda exchange: exchange.write(HEAD_OF_STREAM + chunk(b"a"))

    async def scenario(pools: Pools) -> None:
        response = await pools.send(request(server.url))
        assert await pools.part(response) == b"a"
        await pools.close(response)

    both.run(scenario)
    assert events(log)[1] == "closed after 1 request in t: its answer was not read to the end"


def test_errors_are_named_by_their_class(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """A connection that fails is closed with the class of the error, without its message."""
    server.answer = lambda exchange: exchange.write(f"HTTP/9 {SECRET}\r\n\r\n".encode())

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await pools.ask(server.url)

    both.run(scenario)
    assert events(log)[1] == "closed after 1 request in t: RemoteProtocolError"
    assert SECRET not in log.text


def test_connection_that_cannot_be_opened(both: type[Pools], log: pytest.LogCaptureFixture) -> None:
    """A connection that is refused is said not to be opened, and where it would have led."""
    port = free_port()

    async def scenario(pools: Pools) -> None:
        with pytest.raises(httpx.ConnectError):
            await pools.ask(f"http://127.0.0.1:{port}")

    both.run(scenario)
    assert events(log) == ["not opened after t: ConnectError"]
    assert f"http://127.0.0.1:{port}" in lines(log)[0]


def test_cancelled_request(server: RawServer, log: pytest.LogCaptureFixture) -> None:
    """A task that is cancelled takes its connection along, and the log says that it was cancelled."""
    arrived: list[Exchange] = []
    server.answer = arrived.append

    async def scenario(pools: Pools) -> None:
        task = asyncio.ensure_future(pools.ask(server.url))
        while not arrived:
            await asyncio.sleep(0.001)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    AsyncPools.run(scenario)
    assert events(log)[1] == "closed after 1 request in t: cancelled (CancelledError)"


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_proxies_are_shown_without_their_password(
    both: type[Pools], kind: str, tls: bool, log: pytest.LogCaptureFixture
) -> None:
    """A way through a proxy, tunnelled or forwarded, is shown with the proxy's origin and never with its password."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"

    with (
        RawServer(ssl_context=context if tls else None) as server,
        ProxyServer(kind, user=f"someone:{SECRET}") as proxy,
    ):
        address = proxy.address.replace("//", f"//someone:{SECRET}@")
        both.run(scenario, proxy=address, verify=trusting)
    assert f" to {server.url} through {proxy.address}: opened in " in lines(log)[0]
    assert SECRET not in log.text
    assert "someone" not in log.text


def test_unix_sockets(both: type[Pools], tmp_path: Path, log: pytest.LogCaptureFixture) -> None:
    """A way to a unix socket is shown with its path."""
    path = tmp_path / "s"

    async def scenario(pools: Pools) -> None:
        assert await pools.ask("http://localhost/v1") == b"{}"

    with RawServer(path=path):
        both.run(scenario, uds=str(path), places=(("http", "localhost", 80),))
    assert f" to http://localhost:80 at {str(path)!r}: opened in " in lines(log)[0]


@pytest.mark.parametrize("announced", [True, False])
def test_child_of_a_fork(announced: bool, server: RawServer, log: pytest.LogCaptureFixture) -> None:
    """A child leaves its parent's connections to it, says so, and opens its own."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)

        def child() -> bool:
            log.clear()
            pools.pool.handle_request(request(server.url)).read()
            return events(log) == [
                f"closed after 1 request in t: {ABANDONED}",
                "opened in t",
            ]

        assert in_child(child) if announced else in_child(child, unannounced)
        await pools.ask(server.url)

    SyncPools.run(scenario)
    assert events(log)[-2].startswith("reused for request 2")


def test_handlers_that_fail_disturb_no_request(
    both: type[Pools], server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """A filter of the application's that raises is no error of a call."""

    def fail(record: logging.LogRecord) -> bool:
        raise LookupError(record.name)

    async def scenario(pools: Pools) -> None:
        assert await pools.ask(server.url) == b"{}"
        assert pools.stats.idle == 1

    logger = logging.getLogger(NAME)
    logger.addFilter(fail)
    try:
        both.run(scenario)
    finally:
        logger.removeFilter(fail)
    assert not lines(log)


def test_clients_are_named(server: RawServer, log: pytest.LogCaptureFixture) -> None:
    """The log shows by which client a connection is used: its class, and a provider's alias."""
    provider = ClientProvider(
        {"base_url": server.url, "api_key": SECRET},
        aliases={"azure": {"base_url": server.url, "api_key": SECRET}},
    )
    with OpenAI(base_url=server.url, api_key=SECRET) as client:
        client.models.list()
    provider.client.models.list()
    provider["azure"].client.models.list()
    provider.close()
    opened = [line for line in lines(log) if "opened in" in line]
    owners = [line.partition(" of ")[2].partition(" to ")[0] for line in opened]
    assert owners == ["OpenAI", "OpenAI of 'default'", "OpenAI of 'azure'"]
    assert SECRET not in log.text
