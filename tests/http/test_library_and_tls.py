"""The HTTP library below the clients, its TLS contexts, and the pools as its transports."""

import asyncio
import gzip
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import trustme

from ai_client._http.library import Library, library, may_have_been_sent
from ai_client._http.options import PoolOptions
from ai_client._http.tls import tls_context
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.sync_pool import SyncPool
from tests.support.raw_server import HEAD_OF_STREAM, Exchange, RawServer, chunk


def test_library_is_imported_once() -> None:
    """Each backend is one object, and httpx is the default."""
    assert library("httpx") is library("httpx") == library()
    assert library() == Library("httpx", httpx)
    assert library("httpx2") == Library("httpx2", httpx2)


def test_unknown_backend() -> None:
    """A backend that there is not is refused, and those that there are are named."""
    with pytest.raises(ValueError, match=r"no HTTP backend 'requests'; use 'httpx' or 'httpx2'"):
        library("requests")


def test_missing_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where httpx2 is not installed the error names the command that installs it."""
    monkeypatch.setitem(sys.modules, "httpx2", None)
    library.cache_clear()
    try:
        with pytest.raises(ImportError, match=r'pip install "ai-client\[httpx2\]"'):
            library("httpx2")
    finally:
        library.cache_clear()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_connections": 0}, "at least 1, not 0"),
        ({"trust": "nobody"}, "'certifi' or 'system', not 'nobody'"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    """Options without sense are refused by name."""
    with pytest.raises(ValueError, match=message):
        PoolOptions(**options)


def test_one_tls_context_per_trust_store() -> None:
    """The process has one TLS context for each trust store, also where 16 threads ask for the first at once."""
    code = """
import threading
from ai_client._http.options import PoolOptions
from ai_client._http.tls import _contexts, tls_context
found, start = [], threading.Barrier(16)
def ask():
    start.wait()
    found.append(tls_context())
threads = [threading.Thread(target=ask) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(set(map(id, found))) == 1, found
assert PoolOptions().tls() is found[0]
assert tls_context("system") is tls_context("system") is not found[0]
assert len(_contexts) == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_no_tls_context_for_plain_http() -> None:
    """Pools that only speak to http servers build no TLS context."""
    code = """
import sys, httpx
from ai_client._http.tls import _contexts
from ai_client._pool.sync_pool import SyncPool
with SyncPool() as pool:
    pool.handle_request(httpx.Request("GET", sys.argv[1])).read()
assert not _contexts
"""
    with RawServer() as server:
        subprocess.run([sys.executable, "-c", code, server.url], check=True, timeout=300)


def test_trust_stores() -> None:
    """Both trust stores check certificates and names, and hold authorities; without `verify` nothing is checked."""
    for context in (tls_context("certifi"), tls_context("system")):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    assert tls_context("certifi").cert_store_stats()["x509_ca"] > 50
    assert tls_context(verify=False).verify_mode is ssl.CERT_NONE
    own = ssl.create_default_context()
    assert PoolOptions(verify=own).tls() is own


def test_certificates_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SSL_CERT_FILE` replaces the trusted authorities, unless the environment does not count."""
    path = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert len(tls_context().get_ca_certs()) == 1
    assert PoolOptions().tls() is tls_context()
    assert len(PoolOptions(trust_env=False).tls().get_ca_certs()) > 50


def test_unknown_errors_may_have_been_sent() -> None:
    """Of an error that no pool raised it is not known whether the server saw the request."""
    assert may_have_been_sent(httpx.ReadError("x"))


def answers(exchange: Exchange) -> None:
    """Redirect, stream, or answer in gzip."""
    if exchange.target == "/moved":
        exchange.write(b"HTTP/1.1 308 Moved\r\nLocation: /gzip\r\nContent-Length: 0\r\n\r\n")
    elif exchange.target == "/stream":
        exchange.write(HEAD_OF_STREAM + chunk(b"one\ntwo\n"))
        exchange.later(0.01, chunk(b"three\n") + chunk(b""))
    elif exchange.target == "/gone":
        exchange.close()
    else:
        body = gzip.compress(b'{"packed": true}')
        exchange.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Yield a server that knows those answers."""
    with RawServer(answers) as server:
        yield server


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_sync_pool_is_a_transport(server: RawServer, name: Any) -> None:
    """A sync client of either library works over the pool: decoding, redirects, streams, its own exceptions."""
    http: Any = library(name).http
    pool = SyncPool(PoolOptions(library=name, trust_env=False))
    with http.Client(transport=pool, base_url=server.url, follow_redirects=True) as client:
        response = client.post("/moved", json={"a": 1})
        assert response.json() == {"packed": True}
        assert response.elapsed.total_seconds() > 0
        with client.stream("GET", "/stream") as stream:
            assert list(stream.iter_lines()) == ["one", "two", "three"]
        with pytest.raises(http.RemoteProtocolError) as caught:
            client.get("/gone")
        assert may_have_been_sent(caught.value)
        assert pool.stats().idle == 0
    with pytest.raises(RuntimeError, match="closed"):
        pool.handle_request(http.Request("GET", server.url))
    assert server.opened == 1


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_async_pool_is_a_transport(server: RawServer, name: Any) -> None:
    """An async client of either library works over the pool: decoding, redirects, streams, its own exceptions."""
    http: Any = library(name).http
    pool = AsyncPool(PoolOptions(library=name, trust_env=False))

    async def main() -> None:
        async with http.AsyncClient(transport=pool, base_url=server.url, follow_redirects=True) as client:
            response = await client.post("/moved", json={"a": 1})
            assert response.json() == {"packed": True}
            assert response.elapsed.total_seconds() > 0
            async with client.stream("GET", "/stream") as stream:
                assert [line async for line in stream.aiter_lines()] == ["one", "two", "three"]
            with pytest.raises(http.RemoteProtocolError) as caught:
                await client.get("/gone")
            assert may_have_been_sent(caught.value)
            assert pool.stats().idle == 0
        with pytest.raises(RuntimeError, match="closed"):
            await pool.handle_async_request(http.Request("GET", server.url))

    asyncio.run(main())
    assert server.opened == 1


def test_pools_of_a_client_close_from_any_thread(server: RawServer) -> None:
    """A sync pool made in one thread and used in another is closed by a third."""
    pool = SyncPool(PoolOptions(trust_env=False))
    works = [
        lambda: pool.handle_request(httpx.Request("GET", server.url)).read(),
        pool.close,
    ]
    for work in works:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    server.wait_for(lambda: server.open == 0)
    assert server.opened == 1
