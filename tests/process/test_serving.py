"""A provider under real servers: one client per process, and an orderly end."""

import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from ai_client.testing import Gate, Recorded, Reply, Upstream, sse
from tests.support.servers import Served, serving

pytestmark = pytest.mark.slow

CHUNK = sse(
    {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "word "}}]}
)
SHUTDOWN_TIMEOUT = 2.0

ASGI, WSGI = "tests.support.sites.serving_site:asgi", "tests.support.sites.serving_site:wsgi"
GUNICORN = ("gunicorn", "-b", "127.0.0.1:{port}")
SERVERS = {
    "uvicorn": ("uvicorn", "--port", "{port}", ASGI),
    "uvicorn-standard": ("uvicorn", "--loop", "uvloop", "--http", "httptools", "--port", "{port}", ASGI),
    "gunicorn-asgi": (*GUNICORN, "-k", "asgi", ASGI),
    "gunicorn-uvicorn": (*GUNICORN, "-k", "uvicorn.workers.UvicornWorker", ASGI),
    "gunicorn-gthread": (*GUNICORN, "-k", "gthread", "--threads", "70", WSGI),
    "gunicorn-gthread-preload": (*GUNICORN, "--preload", "-k", "gthread", "--threads", "70", WSGI),
    "gunicorn-gevent": (*GUNICORN, "-k", "gevent", WSGI),
    "gunicorn-sync": (*GUNICORN, "-w", "6", WSGI),
}


def get(served: Served, path: str) -> tuple[int, bytes]:
    """Request a path of an application and read the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", path, headers={"connection": "close"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def endless() -> Iterator[bytes | float]:
    """Give the chunks of a stream that never ends by itself."""
    return itertools.chain.from_iterable(itertools.repeat([CHUNK, 0.05]))


@pytest.mark.parametrize("server", SERVERS)
def test_signal_drains(ai_client_upstream: Upstream, server: str) -> None:
    """At SIGTERM calls finish, open streams end at the deadline with an error, and the server exits as usual."""
    calls, streams = (3, 2) if server == "gunicorn-sync" else (50, 10)
    gate = Gate()

    def reply(recorded: Recorded) -> Reply:
        streamed = recorded.json().get("stream")
        return Reply(chunks=endless()) if streamed else Reply(gate=gate, content="finished")

    ai_client_upstream.always(reply)
    environment = {
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": ai_client_upstream.base_url,
        "AI_CLIENT_SHUTDOWN_TIMEOUT": str(SHUTDOWN_TIMEOUT),
    }
    with serving(*SERVERS[server], **environment) as served, ThreadPoolExecutor(calls + streams) as pool:
        asked = [pool.submit(get, served, "/ask") for _ in range(calls)]
        streamed = [pool.submit(get, served, "/stream") for _ in range(streams)]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == calls + streams, 20)
        begun = time.monotonic()
        opener = threading.Timer(SHUTDOWN_TIMEOUT / 2, gate.set)
        opener.start()
        code = served.stop()
        took = time.monotonic() - begun
        answers = [call.result() for call in asked]
        bodies = [stream.result() for stream in streamed]
    assert [(status, json.loads(body).get("text")) for status, body in answers] == [(200, "finished")] * calls
    for status, body in bodies:
        assert status == 200
        assert body.startswith(b"data: ")
        last = body.rstrip().rpartition(b"\n\n")[2]
        assert last.startswith(b"event: error\n")
        assert b'"unavailable"' in last
    assert SHUTDOWN_TIMEOUT - 0.1 < took < SHUTDOWN_TIMEOUT + 15  # gunicorn itself would wait for 30
    assert code == (-15 if server.startswith("uvicorn") else 0)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_preloaded_workers_have_their_own_clients(tmp_path: Path) -> None:
    """Under `gunicorn --preload -w 4` with clients used in the master, 1,000 calls over TLS work, 4 x 2 clients."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Upstream(ssl_context=context) as upstream:
        environment = {
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": upstream.base_url,
            "AI_CLIENT_MAX_RETRIES": "0",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            "USED_BEFORE_FORK": "1",
        }
        command = (*GUNICORN, "--preload", "-w", "4", WSGI)
        with serving(*command, **environment) as served, ThreadPoolExecutor(16) as pool:
            paths = ["/ask", "/awaited"] * 500
            answers = list(pool.map(lambda path: get(served, path), paths))
            workers = {json.loads(body)["process"] for _, body in answers}
            assert [status for status, _ in answers] == [200] * 1000
            assert len(workers) == 4
            assert upstream.connections_opened == 2 + 4 * 2
            assert upstream.connections_open == 2 + 4 * 2
            assert served.stop() == 0
        upstream.wait_for(lambda: upstream.connections_open == 0)
