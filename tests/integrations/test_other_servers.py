"""The adapters under hypercorn, granian and daphne."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from ai_client.testing import Gate, Upstream, sse
from tests.support.load import get_many
from tests.support.servers import Served, serving

pytestmark = pytest.mark.slow

LISTENING = {
    "hypercorn": ("hypercorn", "--bind", "127.0.0.1:{port}"),
    "granian": ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"),
    "daphne": ("daphne", "-b", "127.0.0.1", "-p", "{port}"),
}
WORKERS = {name: () if name == "daphne" else ("--workers", "2") for name in LISTENING}
APPLICATIONS = {
    "fastapi": "tests.support.sites.fastapi_app:app",
    "django": "tests.support.sites.django_site.asgi:application",
}
ASK = {"fastapi": "/ask", "django": "/async/1/"}
STREAM = {"fastapi": "/stream", "django": "/stream-async/"}
ITEM = sse(
    {
        "id": "1",
        "created": 1,
        "model": "m",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": "one"}}],
    }
)
REQUESTS = 200


@contextmanager
def served(upstream: Upstream, server: str, application: str, *arguments: str) -> Iterator[Served]:
    """Serve an application."""
    command = (*LISTENING[server], *arguments, APPLICATIONS[application])
    with serving(
        *command, OPENAI_API_KEY="any", OPENAI_BASE_URL=upstream.base_url, UPSTREAM=upstream.base_url
    ) as process:
        yield process


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("server", LISTENING)
def test_one_client_per_worker(ai_client_upstream: Upstream, server: str, application: str) -> None:
    """Each worker has one client, whose connections are as many as its calls at once; a stream arrives whole."""
    with served(ai_client_upstream, server, application, *WORKERS[server]) as running:
        bodies = get_many(running.url + ASK[application], REQUESTS, 10)
        assert len(bodies) == REQUESTS
        processes = {body.get("process", body.get("pid")) for body in bodies}
        assert len(processes) <= (1 if server == "daphne" else 2)
        assert {tuple(body.get("built", ["AsyncOpenAI"])) for body in bodies} == {("AsyncOpenAI",)}
        assert ai_client_upstream.connections_opened <= 10 * len(processes)
        text = httpx.get(running.url + STREAM[application]).raise_for_status().text
        assert text.endswith("data: [DONE]\n\n")
        running.stop()


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("server", LISTENING)
def test_reader_leaves(ai_client_upstream: Upstream, server: str, application: str) -> None:
    """When the reader of a stream leaves, its connection to the upstream is closed, and the client goes on."""
    ai_client_upstream.reply(chunks=[ITEM, Gate()], headers={"content-type": "text/event-stream"})
    with served(ai_client_upstream, server, application) as running:
        with httpx.stream("GET", running.url + STREAM[application], timeout=30) as response:
            pieces = response.iter_raw()  # the reader leaves with it
            assert b"one" in next(pieces)
            assert not ai_client_upstream.requests[0].aborted
        ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted, 30)
        assert httpx.get(running.url + ASK[application], timeout=30).status_code == 200
        running.stop()


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("server", ["hypercorn", "granian"])
def test_what_is_under_way_at_the_end(ai_client_upstream: Upstream, server: str, application: str) -> None:
    """At SIGTERM a call and a stream that are under way are finished, and the server ends in order."""
    gate = Gate()
    with served(ai_client_upstream, server, application) as running, ThreadPoolExecutor() as pool:
        ai_client_upstream.reply(
            chunks=[ITEM, gate, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
        )
        streamed = pool.submit(httpx.get, running.url + STREAM[application], timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1, 30)
        ai_client_upstream.reply(gate=gate)
        asked = pool.submit(httpx.get, running.url + ASK[application], timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 2, 30)
        running.process.send_signal(signal.SIGTERM)
        gate.set()
        assert asked.result().status_code == 200
        assert streamed.result().text.endswith("data: [DONE]\n\n")
        assert running.process.wait(30) in {0, -signal.SIGTERM}
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0, 30)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_daphne_ends_at_once(ai_client_upstream: Upstream, application: str) -> None:
    """At SIGTERM daphne kills what it serves: the calls of that are given up at the upstream, and the process ends."""
    ai_client_upstream.reply(chunks=[ITEM, Gate()], headers={"content-type": "text/event-stream"})
    with (
        served(ai_client_upstream, "daphne", application) as running,
        httpx.stream("GET", running.url + STREAM[application], timeout=30) as response,
    ):
        pieces = response.iter_raw()  # the reader leaves with it
        assert b"one" in next(pieces)
        assert running.stop() == 0
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0, 30)
