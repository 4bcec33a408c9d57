"""What the pools make of connections that break, time that runs out and servers that are not there."""

import socket

import httpx
import pytest

from ai_client._http.library import may_have_been_sent
from tests.support.both_pools import Pools, burst, iter_body, request
from tests.support.raw_server import HEAD_OF_STREAM, Exchange, RawServer, chunk


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
        kept = pools.pool._permits.stats().idle  # an event loop hears of all that ended, threads try them
        assert pools.stats.opened_total == 11
        assert kept == 8 if pools.sync else kept <= 8

    both.run(scenario)


def test_dead_connection_found_while_writing_is_replaced_unseen(both: type[Pools], server: RawServer) -> None:
    """A reused connection on which not a byte could be written is replaced, whatever the body is."""

    async def scenario(pools: Pools) -> None:
        await pools.ask(server.url)
        (connection,) = pools.pool._permits._idle
        connection.stream._socket.shutdown(socket.SHUT_WR)  # every write fails, and reading does not tell
        body = iter_body(pools, [b"one", b"two"])
        message = request(server.url, content=body)
        message.headers["Content-Length"] = "6"
        del message.headers["Transfer-Encoding"]
        assert await pools.read(await pools.send(message)) == b"{}"
        assert pools.stats.opened_total == 2

    both.run(scenario)


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
