"""The Django app under gunicorn and uvicorn."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from ai_client._process import iteration
from ai_client.testing import Gate, Upstream
from tests.support.load import get_many
from tests.support.servers import Served, serving

pytestmark = pytest.mark.slow

Serve = Callable[[Upstream], AbstractContextManager[Served]]
THREADS = 8
REQUESTS = 200
CLOSERS = 4
"""The threads in which a process closes streams, beside those in which it reads them."""
SITE = "tests.support.sites.django_site"


@contextmanager
def gunicorn(upstream: Upstream, *arguments: str) -> Iterator[Served]:
    """Serve the site by WSGI."""
    with serving(
        *("gunicorn", "--bind", "127.0.0.1:{port}", *arguments, f"{SITE}.wsgi"), UPSTREAM=upstream.base_url
    ) as served:
        yield served


@contextmanager
def uvicorn(upstream: Upstream, *arguments: str) -> Iterator[Served]:
    """Serve the site by ASGI."""
    with serving(
        *("uvicorn", f"{SITE}.asgi:application", "--port", "{port}", "--no-access-log", *arguments),
        UPSTREAM=upstream.base_url,
    ) as served:
        yield served


@pytest.mark.parametrize("path", ["/items/1/", "/async/1/"])
def test_sync_workers(ai_client_upstream: Upstream, path: str) -> None:
    """Each sync worker has one client with one connection, for sync and async views."""
    with gunicorn(ai_client_upstream, "-w", "2") as served:
        answers = get_many(served.url + path, REQUESTS) + get_many(served.url + path, REQUESTS, REQUESTS)
        assert served.stop() == 0
        assert "Traceback" not in served.log
    assert len(answers) == 2 * REQUESTS
    assert {answer["endpoint"] for answer in answers} == {path[1:].replace("1", "<int:pk>")}
    assert ai_client_upstream.connections_opened == len({answer["pid"] for answer in answers}) <= 2


@pytest.mark.parametrize("path", ["/items/1/", "/async/1/"])
def test_threads(ai_client_upstream: Upstream, path: str) -> None:
    """Two workers of eight threads each have one client, with at most a connection for each thread."""
    with gunicorn(ai_client_upstream, "-k", "gthread", "-w", "2", "--threads", str(THREADS)) as served:
        one_by_one = get_many(served.url + path, REQUESTS)
        assert ai_client_upstream.connections_opened == len({answer["pid"] for answer in one_by_one})
        answers = get_many(served.url + path, REQUESTS, REQUESTS)
        assert served.stop() == 0
        assert "Traceback" not in served.log
    assert len(answers) == REQUESTS
    assert ai_client_upstream.connections_opened <= 2 * THREADS


@pytest.mark.parametrize("lifespan", ["on", "off"])
@pytest.mark.parametrize("path", ["/items/1/", "/async/1/"])
def test_asgi(ai_client_upstream: Upstream, path: str, lifespan: str) -> None:
    """Under uvicorn the process has one client of each kind, whether the server has a lifespan or not."""
    in_flight = 50
    with uvicorn(ai_client_upstream, "--lifespan", lifespan) as served:
        one_by_one = get_many(served.url + path, REQUESTS)
        assert ai_client_upstream.connections_opened == 1
        answers = get_many(served.url + path, REQUESTS, in_flight)
        assert served.stop() in {0, -signal.SIGTERM}
        assert "Traceback" not in served.log
    assert {answer["pid"] for answer in answers + one_by_one} == {answers[0]["pid"]}
    assert {answer["endpoint"] for answer in answers} == {path[1:].replace("1", "<int:pk>")}
    assert ai_client_upstream.connections_opened <= in_flight


def test_asgi_worker(ai_client_upstream: Upstream) -> None:
    """Each of gunicorn's own ASGI workers has one client, and ends in order."""
    command = ("gunicorn", "-k", "asgi", "-w", "2", "--bind", "127.0.0.1:{port}", f"{SITE}.asgi")
    with serving(*command, UPSTREAM=ai_client_upstream.base_url) as served:
        answers = get_many(f"{served.url}/async/1/", REQUESTS)
        assert ai_client_upstream.connections_opened == len({answer["pid"] for answer in answers}) <= 2
        assert served.stop() == 0
        assert "Traceback" not in served.log


def test_autoreload(ai_client_upstream: Upstream) -> None:
    """The development server's second process has the one client; the first, which only watches, has none."""
    command = ("django", "runserver", "127.0.0.1:{port}", "--settings", f"{SITE}.settings")
    with serving(*command, UPSTREAM=ai_client_upstream.base_url) as served:
        answers = get_many(f"{served.url}/items/1/", 5)
        assert served.process.pid not in {answer["pid"] for answer in answers}
        assert len({answer["pid"] for answer in answers}) == 1
    assert ai_client_upstream.connections_opened == 1


@pytest.mark.parametrize("path", ["/items/1/", "/async/1/"])
def test_call_under_way_at_the_end(ai_client_upstream: Upstream, path: str) -> None:
    """A call that is under way when uvicorn is told to end gets its answer."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate)
    with uvicorn(ai_client_upstream) as served, ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, served.url + path, timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1)
        served.process.send_signal(signal.SIGTERM)
        gate.set()
        assert asked.result().status_code == 200
        assert served.process.wait(30) in {0, -signal.SIGTERM}
        assert "Application shutdown complete" in served.log
        assert "Traceback" not in served.log


@pytest.mark.parametrize("serve", [gunicorn, uvicorn])
def test_request_that_calls_again_at_the_end(ai_client_upstream: Upstream, serve: Serve) -> None:
    """A request under way when the server is told to end may make further calls, and gets its answer."""
    with serve(ai_client_upstream) as served, ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{served.url}/twice/", timeout=60)
        ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1)
        assert served.stop() in {0, -signal.SIGTERM}
        assert asked.result().status_code == 200
        assert "Traceback" not in served.log
    assert len(ai_client_upstream.requests) == 2


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
@pytest.mark.parametrize("serve", [gunicorn, uvicorn])
def test_whole_stream(ai_client_upstream: Upstream, serve: Serve, path: str) -> None:
    """A stream of either client reaches its reader whole from either kind of server, over one connection."""
    with serve(ai_client_upstream) as served:
        for _ in range(5):
            assert httpx.get(served.url + path, timeout=60).text.endswith("data: [DONE]\n\n")
        assert "Traceback" not in served.log
        assert "Warning" not in served.log
    assert ai_client_upstream.connections_opened == 1


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_reader_that_leaves_a_wsgi_server(ai_client_upstream: Upstream, path: str) -> None:
    """When the reader of a stream has left, the server's next writes find out and the upstream is closed."""
    ai_client_upstream.reply(pause=0.05)
    with gunicorn(ai_client_upstream) as served:
        leave(served, path)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)


@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_reader_that_leaves_an_asgi_server(ai_client_upstream: Upstream, path: str) -> None:
    """When the reader of a stream leaves, the upstream is closed at once, though its next item is far away."""
    ai_client_upstream.reply(pause=60)
    with uvicorn(ai_client_upstream) as served:
        leave(served, path)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)
        assert "Traceback" not in served.log


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
@pytest.mark.parametrize("path", ["/stream/", "/stream-async/"])
def test_many_readers_that_leave(ai_client_upstream: Upstream, path: str) -> None:
    """Of 500 readers that leave, nothing is left: no connection, no descriptor, no thread but those that serve all."""
    ai_client_upstream.always(pause=60)
    with uvicorn(ai_client_upstream) as served:
        leave(served, path)
        ai_client_upstream.wait_for(lambda: not ai_client_upstream.in_flight)
        kept = resources(served) + iteration.THREADS + CLOSERS
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda _: leave(served, path), range(500)))
        ai_client_upstream.wait_for(lambda: not ai_client_upstream.in_flight)
        assert len(ai_client_upstream.requests) == 501
        assert all(request.aborted for request in ai_client_upstream.requests)
        for _ in range(1000):
            if resources(served) <= kept:
                break
            time.sleep(0.01)
        assert resources(served) <= kept
        assert "Traceback" not in served.log


def resources(served: Served) -> int:
    """Count the descriptors and the threads of a server."""
    return sum(len(list(Path(f"/proc/{served.process.pid}/{kind}").iterdir())) for kind in ("fd", "task"))


def test_reader_that_leaves_before_the_answer(ai_client_upstream: Upstream) -> None:
    """An awaited call whose reader leaves is ended at the upstream."""
    ai_client_upstream.reply(never=True)
    with uvicorn(ai_client_upstream) as served:
        with served.connect() as connection:
            connection.sendall(b"GET /async/1/ HTTP/1.1\r\nHost: test\r\n\r\n")
            ai_client_upstream.wait_for(lambda: len(ai_client_upstream.requests) == 1)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)


def leave(served: Served, path: str) -> None:
    """Ask for a stream, and leave when it has begun."""
    with served.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        read = b""
        while b"data: " not in read:
            part = connection.recv(65536)
            assert part, read
            read += part
