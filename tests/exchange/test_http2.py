"""Sync clients over a user's HTTP client that speaks HTTP/2, whose calls share a connection."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from ai_client import OpenAI
from tests.support.invoke import CHAT, KEY

EVENT = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": null}]}\n\n'
LAST = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


class Site:
    """Streams two events, the last of them late where the model is `slow`; bodies end once the test goes on."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.protocols: set[str] = set()

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        self.protocols.add(scope["http_version"])
        slow = b'"slow"' in await _body(receive)
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": EVENT, "more_body": True})
        if slow:
            await self._wait()
        await send({"type": "http.response.body", "body": LAST, "more_body": True})
        await self._wait()
        await send({"type": "http.response.body", "body": b""})

    async def _wait(self) -> None:
        while not self.goes_on.is_set():
            await asyncio.sleep(0.01)


async def _body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    """Return the whole body of a request: an answer that ends before that makes hypercorn fail."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Site, OpenAI]]:
    """Yield an application that is served over HTTP/2, and a client for it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    config.graceful_timeout = 1
    application, stop = Site(), threading.Event()

    async def stopped() -> None:
        while not stop.is_set():
            await asyncio.sleep(0.01)

    server = threading.Thread(
        target=lambda: asyncio.run(serve(application, config, shutdown_trigger=stopped))
    )
    server.start()
    http = httpx.Client(http2=True, verify=trusting)
    try:
        with OpenAI(
            api_key=KEY, base_url=f"https://127.0.0.1:{port}/v1", http_client=http, max_retries=0
        ) as client:
            yield application, client
    finally:
        application.goes_on.set()
        stop.set()
        server.join()


def test_a_stream_that_is_over_ends_no_other_of_its_connection(site: tuple[Site, OpenAI]) -> None:
    """Where the end of a body is late after its last event, the other streams of the connection go on."""
    application, client = site
    with client.chat.completions.create(**{**CHAT, "model": "slow"}, stream=True) as slow:
        next(slow)
        assert len(list(client.chat.completions.create(**CHAT, stream=True))) == 2
        application.goes_on.set()
        assert len(list(slow)) == 1
    assert application.protocols == {"2"}


def test_connections_are_logged(site: tuple[Site, OpenAI], caplog: pytest.LogCaptureFixture) -> None:
    """The log shows that the first of two requests opened a connection, and that the second shared it."""
    application, client = site
    application.goes_on.set()
    with caplog.at_level(logging.DEBUG, "ai_client.connections"):
        for _ in range(2):
            assert len(list(client.chat.completions.create(**CHAT, stream=True))) == 2
    logged = [record for record in caplog.records if record.name == "ai_client.connections"]
    first, second = (record.getMessage() for record in logged)
    assert first.startswith(
        f"Connection of OpenAI to {str(client.base_url).removesuffix('/v1/')}: opened in "
    )
    assert first.endswith(", HTTP/2")
    assert second.endswith(": reused, HTTP/2")
