"""The upstream under load: many connections, many streams, over TLS, without leftovers."""

import asyncio
import gc
import json
import ssl
import threading
import warnings
from pathlib import Path

import httpx
import pytest
import trustme

from ai_client.testing import Gate, Upstream, sse

CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\napi-key: any\r\nContent-Length: %d\r\n\r\n"
CALL = HEAD % len(CHAT) + CHAT


async def send_call(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and send a call on it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(CALL)
    return reader, writer


async def close_all(writers: list[asyncio.StreamWriter]) -> None:
    """Close connections and wait until they are closed."""
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


def test_two_hundred_calls_are_in_flight_at_once(upstream: Upstream) -> None:
    """200 calls that are held together are all answered."""
    gate = Gate()
    upstream.always(gate=gate)

    async def main() -> None:
        pairs = [await send_call(upstream.port) for _ in range(200)]
        await upstream.wait_for_async(lambda: upstream.in_flight == 200)
        gate.set()
        heads = await asyncio.gather(*(reader.readuntil(b"\r\n") for reader, _ in pairs))
        assert set(heads) == {b"HTTP/1.1 200 OK\r\n"}
        await close_all([writer for _, writer in pairs])

    asyncio.run(main())
    assert (upstream.max_in_flight, upstream.connections_opened) == (200, 200)
    upstream.wait_for(lambda: upstream.connections_open == 0)


def test_five_hundred_streams_that_are_left_are_noticed(upstream: Upstream) -> None:
    """500 clients that leave in mid-stream leave no connection and no task behind."""
    upstream.always(chunks=[sse({"n": 1}), Gate()])

    async def main() -> None:
        pairs = [await send_call(upstream.port) for _ in range(500)]
        await asyncio.gather(*(reader.readuntil(b"}\n\n") for reader, _ in pairs))
        assert upstream.in_flight == 500
        await close_all([writer for _, writer in pairs])
        await upstream.wait_for_async(lambda: upstream.in_flight == 0)

    asyncio.run(main())
    assert upstream.connections_open == 0
    assert upstream.requests
    assert all(recorded.aborted for recorded in upstream.requests)


def test_stopping_leaves_nothing_behind() -> None:
    """Threads and descriptors are as before, and no resource warning comes, after a stop in full work."""

    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    gc.collect()  # what earlier tests left is closed now, and not while this one counts
    threads, before = threading.active_count(), descriptors()
    upstream = Upstream().start()
    upstream.always(gate=Gate())

    async def main() -> None:
        pairs = [await send_call(upstream.port) for _ in range(50)]
        await upstream.wait_for_async(lambda: upstream.in_flight == 50)
        await asyncio.to_thread(upstream.stop)
        assert [await reader.read() for reader, _ in pairs] == [b""] * 50
        await close_all([writer for _, writer in pairs])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
    assert threading.active_count() <= threads
    assert descriptors() <= before


def test_it_serves_tls() -> None:
    """With a context it speaks https, and sees a client leave there too."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Upstream(ssl_context=context) as upstream, httpx.Client(verify=trusting) as http:
        assert upstream.base_url.startswith("https://127.0.0.1:")
        headers = {"Authorization": "Bearer any"}
        url = f"{upstream.base_url}/chat/completions"
        assert http.post(url, content=CHAT, headers=headers).status_code == 200
        upstream.reply(chunks=[sse({"n": 1}), Gate()])
        with http.stream("POST", url, content=CHAT, headers=headers) as response:
            next(response.iter_raw())
        upstream.wait_for(lambda: upstream.requests[-1].aborted)


@pytest.mark.parametrize("size", [1, 7, 1 << 22])
def test_a_body_arrives_whole_however_it_is_cut(upstream: Upstream, size: int) -> None:
    """Bodies in small pieces and bodies of some megabytes are recorded whole."""
    body = CHAT if size < 100 else b" " * size + CHAT
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    headers = {"Authorization": "Bearer any"}
    response = httpx.post(f"{upstream.base_url}/chat/completions", content=iter(pieces), headers=headers)
    assert response.status_code == 200
    assert upstream.requests[0].body == body
