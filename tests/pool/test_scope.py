"""What a pool belongs to: threads, event loops, processes; and what a request costs in a large one."""

import asyncio
import gc
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

import ai_client._pool
from ai_client._http.options import PoolOptions
from ai_client._pool.async_pool import AsyncPool
from tests.support.both_pools import AsyncPools, Pools, SyncPools, descriptors_to, request
from tests.support.counting import counted
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

POOL = str(Path(ai_client._pool.__file__).parent)


def test_threads_share_a_sync_pool(server: RawServer) -> None:
    """A thousand requests of 32 threads are answered over no more connections than the bound."""

    async def scenario(pools: Pools) -> None:
        async def work() -> None:
            for _ in range(32):
                assert await pools.ask(server.url) == b"{}"

        assert await pools.together([work] * 32) == [None] * 32
        assert (pools.stats.in_use, pools.stats.waiting) == (0, 0)
        assert pools.stats.opened_total <= 8

    SyncPools.run(scenario, max_connections=8)
    assert server.opened <= 8


def test_loops_in_threads_do_not_mix_what_they_read(server: RawServer) -> None:
    """Two loops that read large answers at the same time, each over its own pool, get each its own."""

    def answer(exchange: Exchange) -> None:
        body = exchange.target[1:].encode() * 2_000_000
        exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server.answer = answer
    wrong: list[str] = []

    def read(letter: str) -> None:
        async def scenario(pools: Pools) -> None:
            for _ in range(50):
                body = await pools.ask(f"{server.url}/{letter}")
                if body.count(letter.encode()) != 2_000_000:
                    wrong.append(letter)

        AsyncPools.run(scenario)

    threads = [threading.Thread(target=read, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pool_of_a_closed_loop_starts_anew(server: RawServer) -> None:
    """An async pool whose loop was closed serves the next loop silently, with new connections."""
    pool = AsyncPool(PoolOptions(trust_env=False))

    async def ask() -> bytes:
        response = await pool.handle_async_request(request(server.url))
        return await response.aread()

    for _ in range(3):
        assert asyncio.run(ask()) == b"{}"
    asyncio.run(pool.aclose())
    gc.collect()  # what complains of being unclosed does so now
    assert pool.stats().open == 0
    assert descriptors_to(server.port) == 0
    assert server.opened == 3


def test_pool_of_a_loop_that_closed_in_the_middle(server: RawServer) -> None:
    """Streams and requests that a dead loop left behind cost its pool nothing."""
    pool = AsyncPool(PoolOptions(trust_env=False, max_connections=1))
    server.answer = lambda exchange: exchange.write(HEAD_OF_STREAM)

    async def leave() -> Any:
        return await pool.handle_async_request(request(server.url))

    response = asyncio.run(leave())
    server.answer = lambda exchange: exchange.write(OK)

    async def ask() -> bytes:
        return await (await pool.handle_async_request(request(server.url, pool=5.0))).aread()

    assert asyncio.run(ask()) == b"{}"
    del response
    pool.abandon()
    gc.collect()
    assert descriptors_to(server.port) == 0


def test_pool_of_another_loop_is_refused(server: RawServer) -> None:
    """Using an async pool from a second loop while its own is not closed is an error that says what to do."""
    pool = AsyncPool(PoolOptions(trust_env=False))
    first = asyncio.new_event_loop()
    try:
        first.run_until_complete(pool.handle_async_request(request(server.url)))
        with pytest.raises(RuntimeError, match="one client per loop"):
            asyncio.run(pool.handle_async_request(request(server.url)))
        first.run_until_complete(pool.aclose())
    finally:
        first.close()


def test_pool_is_closed_from_another_loop(server: RawServer) -> None:
    """Closing an async pool from a loop that is not its own closes its connections on its own loop."""
    pool = AsyncPool(PoolOptions(trust_env=False))
    home = asyncio.new_event_loop()
    thread = threading.Thread(target=home.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(pool.handle_async_request(request(server.url)), home).result()
        asyncio.run(pool.aclose())
        server.wait_for(lambda: server.open == 0)
    finally:
        home.call_soon_threadsafe(home.stop)
        thread.join()
        home.close()


_FORK = """
import asyncio, gc, os, ssl, sys, warnings
sys.path[:0] = {path!r}
from tests.support.both_pools import descriptors_to, request
from ai_client._http.options import PoolOptions
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.sync_pool import SyncPool

warnings.simplefilter("error")
port, authority, kind = int(sys.argv[1]), sys.argv[2], sys.argv[3]
url = f"https://127.0.0.1:{{port}}"
tls = ssl.create_default_context(cafile=authority)
options = PoolOptions(trust_env=False, verify=tls)
if kind == "sync":
    pool = SyncPool(options)

    def ask():
        return pool.handle_request(request(url)).read()

    def hold():
        return pool.handle_request(request(url + "/stream"))

    def close():
        pool.close()
else:
    pool = AsyncPool(options)
    loop = asyncio.new_event_loop()

    def ask():
        async def main():
            return await (await pool.handle_async_request(request(url))).aread()
        return loop.run_until_complete(main())

    def hold():
        return loop.run_until_complete(pool.handle_async_request(request(url + "/stream")))

    def close():
        loop.run_until_complete(pool.aclose())

stream = hold()  # both an idle connection and one in use are inherited
assert ask() == b"{{}}"
assert pool.stats().open == 2
child = os.fork()
if not child:
    assert descriptors_to(port) == 0
    assert pool.stats().open == 0
    if kind == "async":
        parents, loop = loop, asyncio.new_event_loop()
    assert ask() == b"{{}}"
    assert pool.stats().opened_total == 1
    del stream
    close()
    gc.collect()  # what complains of being unclosed does so now
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert ask() == b"{{}}"
assert pool.stats().opened_total == 2
close()
if kind == "async":
    loop.close()
"""


def test_child_of_a_fork_starts_anew(sync: bool, tmp_path: Path) -> None:
    """A forked child leaves the parent's TLS connections alone, idle or in use, and opens its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM + chunk(b"begin") if exchange.target == "/stream" else OK)

    with RawServer(answer, ssl_context=context) as server:
        code = _FORK.format(path=sys.path)
        command = [sys.executable, "-c", code, str(server.port), str(tmp_path / "authority.pem")]
        command.append("sync" if sync else "async")
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.stderr == ""
        assert done.returncode == 0
        assert server.opened == 3


@pytest.mark.parametrize("kept", ["idle", "in use"])
def test_cost_of_a_request_does_not_grow_with_the_pool(
    both: type[Pools], server: RawServer, kept: str
) -> None:
    """A request takes as many operations beside 200 connections, idle or in use, as beside 5."""

    def answer(exchange: Exchange) -> None:
        if exchange.target == "/hold":
            exchange.write(HEAD_OF_STREAM)
            held.append(exchange)
        else:
            exchange.write(OK)

    held: list[Exchange] = []
    server.answer = answer

    def finish() -> None:
        for exchange in held:
            exchange.write(chunk(b""))

    def measure(size: int) -> int:
        costs: list[int] = []

        async def scenario(pools: Pools) -> None:
            held.clear()
            responses = [await pools.send(request(server.url + "/hold")) for _ in range(size)]
            if kept == "idle":
                assert server._loop is not None
                server._loop.call_soon_threadsafe(finish)
                for response in responses:
                    await pools.read(response)
            for _ in range(4):  # the first may have to connect
                with counted(POOL) as work:
                    await pools.ask(server.url)
                costs.append(work.operations)
            assert pools.stats.open >= size

        both.run(scenario)
        return min(costs)

    few, many = measure(5), measure(200)
    assert few > 100
    assert abs(many - few) < 50
