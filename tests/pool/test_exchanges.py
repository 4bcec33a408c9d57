"""Requests and answers over the pools: bodies, and what is not HTTP."""

import threading
from typing import Any

import httpx
import pytest

from ai_client._http.library import may_have_been_sent
from ai_client.testing import Upstream
from tests.support.both_pools import Pools, chance, iter_body, request
from tests.support.raw_server import OK, Exchange, RawServer


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
    server.answer = lambda exchange: None  # noqa: ARG005 - an answer to the head alone would be taken for the answer

    async def scenario(pools: Pools) -> None:
        async def later() -> Any:
            yield b"one"
            raise LookupError("mine")

        def now() -> Any:
            yield b"one"
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await pools.ask(server.url, content=now() if pools.sync else later())
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
