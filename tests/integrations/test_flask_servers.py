"""The Flask extension under gunicorn."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from ai_client.testing import Gate, Upstream
from tests.support.load import get_many
from tests.support.servers import Served, serving

pytestmark = pytest.mark.slow

THREADS = 8
REQUESTS = 200


@contextmanager
def gunicorn(upstream: Upstream, *arguments: str) -> Iterator[Served]:
    """Serve the app."""
    with serving(
        *(
            "gunicorn",
            "--bind",
            "127.0.0.1:{port}",
            *arguments,
            "tests.support.sites.flask_site:create_app()",
        ),
        UPSTREAM=upstream.base_url,
    ) as served:
        yield served


@pytest.mark.parametrize("path", ["/items/1", "/async/1"])
def test_sync_worker(ai_client_upstream: Upstream, path: str) -> None:
    """Sync and async views of a worker that serves one request at a time use one connection for them all."""
    with gunicorn(ai_client_upstream) as served:
        answers = get_many(served.url + path, REQUESTS) + get_many(served.url + path, REQUESTS, REQUESTS)
        assert served.stop() == 0
        assert "Traceback" not in served.log
    assert len(answers) == 2 * REQUESTS
    assert len({answer["pid"] for answer in answers}) == 1
    assert len(ai_client_upstream.requests) == 2 * REQUESTS
    assert ai_client_upstream.connections_opened == 1


@pytest.mark.parametrize("path", ["/items/1", "/async/1"])
def test_threads(ai_client_upstream: Upstream, path: str) -> None:
    """Two workers of eight threads each have one client, with at most a connection for each thread."""
    with gunicorn(ai_client_upstream, "-k", "gthread", "-w", "2", "--threads", str(THREADS)) as served:
        one_by_one = get_many(served.url + path, REQUESTS)
        processes = {answer["pid"] for answer in one_by_one}
        assert ai_client_upstream.connections_opened == len(processes)
        answers = get_many(served.url + path, REQUESTS, REQUESTS)
        assert served.stop() == 0
        assert "Traceback" not in served.log
    assert len(one_by_one) == len(answers) == REQUESTS
    assert {answer["endpoint"] for answer in answers} == {path.replace("1", "<int:pk>")}
    assert len({answer["pid"] for answer in answers} | processes) <= 2
    assert ai_client_upstream.connections_opened <= 2 * THREADS


@pytest.mark.parametrize("path", ["/items/1", "/async/1"])
def test_call_under_way_at_the_end(ai_client_upstream: Upstream, path: str) -> None:
    """A call that is under way when the server is told to end gets its answer."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate)
    with (
        gunicorn(ai_client_upstream, "-k", "gthread", "--threads", "2") as served,
        ThreadPoolExecutor() as pool,
    ):
        asked = pool.submit(httpx.get, served.url + path, timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1)
        served.process.send_signal(signal.SIGTERM)
        gate.set()
        assert asked.result().status_code == 200
        assert served.process.wait(30) == 0


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_request_that_calls_again_at_the_end(ai_client_upstream: Upstream, worker: str) -> None:
    """A request under way when the server is told to end may make further calls, and gets its answer."""
    with gunicorn(ai_client_upstream, "-k", worker) as served, ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{served.url}/twice", timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1)
        assert served.stop() == 0
        assert asked.result().status_code == 200
        assert "Traceback" not in served.log
    assert len(ai_client_upstream.requests) == 2


@pytest.mark.parametrize("path", ["/stream", "/stream-async"])
def test_reader_that_leaves(ai_client_upstream: Upstream, path: str) -> None:
    """When the reader of a stream has left, the server's next writes find out and the upstream is closed."""
    ai_client_upstream.reply(pause=0.05)
    with gunicorn(ai_client_upstream) as served:
        with served.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            assert connection.recv(65536)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)


@pytest.mark.parametrize("path", ["/stream", "/stream-async"])
def test_whole_stream(ai_client_upstream: Upstream, path: str) -> None:
    """A stream of either client reaches its reader whole, over one connection to the upstream for all."""
    with gunicorn(ai_client_upstream) as served:
        for _ in range(5):
            assert httpx.get(served.url + path, timeout=60).text.endswith("data: [DONE]\n\n")
        assert "Traceback" not in served.log
    assert ai_client_upstream.connections_opened == 1
