"""Tests of the FastAPI adapter under uvicorn."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from ai_client.testing import Gate, Upstream, sse
from tests.support.load import get_many
from tests.support.servers import SECONDS_TO_START, Served, serving

pytestmark = pytest.mark.slow

REQUESTS = 1000
IN_FLIGHT = 50
CHUNK = {"id": "1", "created": 1, "model": "m", "object": "chat.completion.chunk"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Yield a started upstream."""
    with Upstream() as upstream:
        yield upstream


@contextmanager
def uvicorn(upstream: Upstream, *arguments: str, shutdown_timeout: str = "10") -> Iterator[Served]:
    """Serve the application."""
    with serving(
        *(
            "uvicorn",
            "tests.support.sites.fastapi_app:app",
            "--port",
            "{port}",
            "--no-access-log",
            *arguments,
        ),
        OPENAI_API_KEY="any",
        OPENAI_BASE_URL=upstream.base_url,
        AI_CLIENT_SHUTDOWN_TIMEOUT=shutdown_timeout,
    ) as served:
        yield served


def test_one_client_per_worker(upstream: Upstream) -> None:
    """A worker under load builds one client, which opens no more connections than calls were in flight."""
    with uvicorn(upstream) as served:
        answers = get_many(f"{served.url}/ask", REQUESTS, IN_FLIGHT)
        assert served.stop() in {0, -signal.SIGTERM}
        assert "ERROR" not in served.log
    assert len(answers) == REQUESTS
    assert {(answer["process"], *answer["built"]) for answer in answers} == {
        (answers[0]["process"], "AsyncOpenAI")
    }
    assert upstream.connections_opened <= IN_FLIGHT


def test_one_client_in_each_of_two_workers(upstream: Upstream) -> None:
    """With two workers each builds one client."""
    with uvicorn(upstream, "--workers", "2") as served:
        seen: set[int] = set()
        for _ in range(100 * SECONDS_TO_START):
            seen |= {answer["process"] for answer in get_many(f"{served.url}/ask", 2, 2)}
            if len(seen) == 2:
                break
        answers = get_many(f"{served.url}/ask", REQUESTS, IN_FLIGHT)
        served.stop()
        assert "ERROR" not in served.log
    assert len(answers) == REQUESTS
    assert {answer["process"] for answer in answers} == seen
    assert all(answer["built"] == ["AsyncOpenAI"] for answer in answers)
    assert upstream.connections_opened <= 2 * IN_FLIGHT


def test_one_client_under_reload(upstream: Upstream) -> None:
    """With the reloader the serving process builds one client, and the process that watches it none."""
    with uvicorn(upstream, "--reload") as served:
        answers = get_many(f"{served.url}/ask", 100, 10)
        served.stop()
        assert "ERROR" not in served.log
    assert len({answer["process"] for answer in answers}) == 1
    assert all(answer["built"] == ["AsyncOpenAI"] for answer in answers)
    assert upstream.connections_opened <= 10


@contextmanager
def request(served: Served, path: str) -> Iterator[socket.socket]:
    """Send a request whose reader leaves at the end of the block."""
    with served.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        yield connection


def received(connection: socket.socket, wanted: bytes) -> None:
    """Read until something has come."""
    read = b""
    while wanted not in read:
        part = connection.recv(65536)
        assert part, f"the answer ended: {read!r}"
        read += part


def no_answer(upstream: Upstream) -> None:
    """Let the upstream keep silent."""
    upstream.reply(never=True)


def no_item(upstream: Upstream) -> None:
    """Let the upstream open a stream and send nothing on it."""
    upstream.reply(chunks=[Gate()], headers={"content-type": "text/event-stream"})


def two_items(upstream: Upstream) -> None:
    """Let the upstream begin a stream and then say nothing more."""
    items = [sse({**CHUNK, "choices": [{"index": 0, "delta": {"content": word}}]}) for word in ("one", "two")]
    upstream.reply(chunks=[*items, Gate()], headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize(
    ("path", "prepare", "wanted"),
    [
        ("/awaited", no_answer, b""),
        ("/stream", no_answer, b""),
        ("/stream", no_item, b"\r\n\r\n"),
        ("/opened", no_item, b"\r\n\r\n"),
        ("/stream", two_items, b"two"),
        ("/opened", two_items, b"two"),
        ("/sync", no_item, b"\r\n\r\n"),
        ("/sync", two_items, b"two"),
    ],
    ids=[
        "before the answer",
        "before the stream is open",
        "before the first item",
        "before the first item of an opened stream",
        "between two items",
        "between two items of an opened stream",
        "before the first item of a sync stream",
        "between two items of a sync stream",
    ],
)
def test_reader_leaves(
    upstream: Upstream, path: str, prepare: Callable[[Upstream], None], wanted: bytes
) -> None:
    """When a reader leaves, the upstream's connection is closed, nothing is logged, and the client goes on."""
    prepare(upstream)
    with uvicorn(upstream) as served:
        with request(served, path) as connection:
            upstream.wait_for(lambda: len(upstream.requests) == 1)
            received(connection, wanted)
            assert not upstream.requests[0].aborted
        upstream.wait_for(lambda: upstream.requests[0].aborted)
        httpx.get(f"{served.url}/ask").raise_for_status()
        upstream.wait_for(lambda: upstream.connections_open <= 1)
        served.stop()
        assert "Traceback" not in served.log


def test_many_readers_leave(upstream: Upstream) -> None:
    """When many readers leave in the middle, neither a connection nor a task nor a descriptor is left of them."""
    item = sse({**CHUNK, "choices": [{"index": 0, "delta": {"content": "one"}}]})
    with uvicorn(upstream) as served:
        before = get_many(f"{served.url}/left", 1)
        for _ in range(5):
            gate = Gate()
            upstream.reply(chunks=[item, gate], headers={"content-type": "text/event-stream"}, times=100)
            with ExitStack() as readers:
                for _ in range(100):
                    received(readers.enter_context(request(served, "/stream")), b"one")
            upstream.wait_for(lambda: upstream.in_flight == 0)
        upstream.wait_for(lambda: upstream.connections_open == 0)
        for _ in range(100):  # what uvicorn keeps of a connection goes a little later
            if (after := get_many(f"{served.url}/left", 1)) == before:
                break
        assert after == before
        served.stop()
        assert "Traceback" not in served.log
    assert sum(recorded.aborted for recorded in upstream.requests) == 500


@pytest.mark.parametrize("path", ["/stream", "/opened", "/sync"])
def test_stream_to_its_end(upstream: Upstream, path: str) -> None:
    """A stream that is read to its end leaves its connection to the next one."""
    with uvicorn(upstream) as served:
        for _ in range(2):
            answer = httpx.get(f"{served.url}{path}").raise_for_status()
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.text.endswith("data: [DONE]\n\n")
    assert upstream.connections_opened == 1


def test_request_that_calls_again_at_the_end(upstream: Upstream) -> None:
    """A request under way when the server is told to end may make further calls, and gets its answer."""
    with uvicorn(upstream) as served, ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{served.url}/twice", timeout=60)
        upstream.wait_for(lambda: len(upstream.requests) == 1)
        assert served.stop() in {0, -signal.SIGTERM}
        assert asked.result().status_code == 200
        assert "Traceback" not in served.log
    assert len(upstream.requests) == 2


def test_stream_at_the_end_of_the_application(upstream: Upstream) -> None:
    """A server told to end gives open streams the time that is configured, then ends them with an error event."""
    two_items(upstream)
    with uvicorn(upstream, shutdown_timeout="0.5") as served:
        with httpx.stream("GET", f"{served.url}/stream") as response:
            lines = response.iter_lines()
            assert next(lines).startswith("data: {")
            served.process.send_signal(signal.SIGTERM)
            text = "\n".join(lines)
        assert served.stop() in {0, -signal.SIGTERM}
        assert "Traceback" not in served.log
    assert "event: error\ndata: {" in text
    assert '"unavailable"' in text


def test_requests_around_the_end(upstream: Upstream) -> None:
    """Every request that the server still answers when it was told to end is answered as before."""
    statuses: list[bytes] = []
    told = threading.Event()

    def ask() -> None:
        while True:
            late = told.is_set()
            try:
                with request(served, "/ask") as connection:
                    answer = connection.recv(65536)
            except OSError:  # what the server no longer takes
                answer = b""
            if answer:
                statuses.append(answer[:12])
            elif late:
                return

    with uvicorn(upstream) as served, ThreadPoolExecutor(12) as pool:
        asking = [pool.submit(ask) for _ in range(12)]
        upstream.wait_for(lambda: len(upstream.requests) > 100)
        served.process.send_signal(signal.SIGTERM)
        told.set()
        for asked in asking:
            asked.result(60)
        assert served.process.wait(30) in {0, -signal.SIGTERM}
    assert set(statuses) == {b"HTTP/1.1 200"}
