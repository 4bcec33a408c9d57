"""Probes of applications under real servers: while they end, and while they have no thread to spare."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest

from ai_client.testing import Gate, Reply, Upstream
from tests.support.servers import Served, serving
from tests.support.waiting import until

SITES = "tests.support.sites.health_sites"
THREADS_OF_ANYIO = 40


def begun(served: Served, path: str) -> socket.socket:
    """Send a part of a probe."""
    connection = served.connect()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode())
    return connection


def ended(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Send the rest of a probe; return status and body."""
    with connection, HTTPResponse(connection) as response:
        connection.sendall(b"\r\n")
        response.begin()
        return response.status, json.loads(response.read())


@pytest.mark.slow
@pytest.mark.parametrize("app", ["flask_app", "django_app"])
def test_the_end_of_a_server(upstream: Upstream, app: str) -> None:
    """From the signal on a server is not ready and lives, while it finishes a stream."""
    gate = Gate()
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}
    first = f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()
    last = first.replace(b"null", b'"stop"')
    upstream.reply(
        chunks=[first, gate, last, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
    )
    command = ("gunicorn", "--bind", "127.0.0.1:{port}", "--threads", "8", "--graceful-timeout", "60")
    with (
        serving(*command, f"{SITES}:{app}", UPSTREAM=upstream.base_url) as served,
        httpx.Client(base_url=served.url, timeout=60) as http,
    ):
        ready, live = begun(served, "/health/ready"), begun(served, "/health/live")
        assert http.get("/health/ready").json() == {
            "status": "ready",
            "reasons": [],
        }  # the others are accepted
        with http.stream("GET", "/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "assistant"
            served.process.terminate()
            assert next(lines) == "draining"
            status, body = ended(ready)
            assert (status, body["status"], [each["check"] for each in body["reasons"]]) == (
                503,
                "unready",
                ["drain"],
            )
            assert ended(live) == (200, {"status": "live", "reasons": []})
            gate.set()
            assert [*lines] == ["1 more"]
        assert served.process.wait(60) == 0


@pytest.mark.slow
def test_no_thread_to_spare(upstream: Upstream) -> None:
    """While all threads of an ASGI server wait for the API both probes are answered, GET and HEAD."""
    gate = Gate()
    calls = THREADS_OF_ANYIO + 5
    upstream.always(Reply(content="yes", gate=gate))
    with (
        serving("uvicorn", "--port", "{port}", f"{SITES}:fastapi_app", UPSTREAM=upstream.base_url) as served,
        httpx.Client(base_url=served.url, timeout=60) as http,
        ThreadPoolExecutor(calls) as pool,
    ):
        asked = [pool.submit(httpx.get, f"{served.url}/ask", timeout=60) for _ in range(calls)]
        until(lambda: len(upstream.requests) == THREADS_OF_ANYIO)
        for path in ("/health/live", "/health/ready"):
            assert http.get(path).status_code == 200
            head = http.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["cache-control"] == "no-store"
        gate.set()
        assert {each.result().status_code for each in asked} == {200}
