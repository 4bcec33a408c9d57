"""One way to use both pools, so that a claim about both is one test."""

import asyncio
import os
import random
import socket
import stat
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar

import httpx

from ai_client._http.options import PoolOptions
from ai_client._pool.async_pool import AsyncPool
from ai_client._pool.permits import PoolStats
from ai_client._pool.sync_pool import SyncPool
from tests.support.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

TIMEOUT = dict.fromkeys(("connect", "read", "write", "pool"), 30.0)
chance = random.Random(7)
Scenario = Callable[["Pools"], Coroutine[Any, Any, None]]


def request(
    url: str, *, method: str = "POST", content: Any = b"{}", **timeout: float | None
) -> httpx.Request:
    """Make a request; the timeouts are in seconds."""
    return httpx.Request(method, url, content=content, extensions={"timeout": {**TIMEOUT, **timeout}})


class Pools:
    """A pool and how to wait for it; scenarios are coroutines, and those over a sync pool never suspend."""

    sync: bool

    def __init__(self, options: PoolOptions) -> None:
        self.pool: Any = (SyncPool if self.sync else AsyncPool)(options)

    @property
    def stats(self) -> PoolStats:
        """What the pool counts."""
        return self.pool.stats()

    async def send(self, message: httpx.Request) -> httpx.Response:
        """Send."""
        raise NotImplementedError

    async def read(self, response: httpx.Response) -> bytes:
        """Read the rest of the body."""
        raise NotImplementedError

    async def part(self, response: httpx.Response) -> bytes:
        """Give the next piece of the body as it arrived."""
        raise NotImplementedError

    async def close(self, response: httpx.Response) -> None:
        """Close the response."""
        raise NotImplementedError

    async def close_pool(self) -> None:
        """Close the pool."""
        raise NotImplementedError

    async def wait(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function that blocks until something has happened elsewhere."""
        raise NotImplementedError

    async def together(self, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Run them at once; give results and errors."""
        raise NotImplementedError

    async def ask(self, url: str, **fields: Any) -> bytes:
        """Send and read."""
        return await self.read(await self.send(request(url, **fields)))

    @classmethod
    def run(cls, scenario: Scenario, **options: Any) -> None:
        """Run a scenario over a new pool; the environment does not count."""
        raise NotImplementedError


class SyncPools(Pools):
    """Over the pool for threads."""

    sync = True

    async def send(self, message: httpx.Request) -> httpx.Response:
        """Send."""
        return self.pool.handle_request(message)

    async def read(self, response: httpx.Response) -> bytes:
        """Read the rest of the body."""
        return response.read()

    async def part(self, response: httpx.Response) -> bytes:
        """Give the next piece of the body as it arrived."""
        return next(iter(response.stream))  # type: ignore[arg-type]

    async def close(self, response: httpx.Response) -> None:
        """Close the response."""
        response.close()

    async def close_pool(self) -> None:
        """Close the pool."""
        self.pool.close()

    async def wait(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function that blocks until something has happened elsewhere."""
        function(*args)

    async def together(self, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Run them at once; give results and errors."""
        results: list[Any] = [None] * len(works)

        def run(index: int) -> None:
            try:
                results[index] = _finish(works[index]())
            except BaseException as error:  # noqa: BLE001 -- handed to the test
                results[index] = error

        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    @classmethod
    def run(cls, scenario: Scenario, **options: Any) -> None:
        """Run a scenario over a new pool; the environment does not count."""
        pools = cls(PoolOptions(**{"trust_env": False, **options}))
        try:
            _finish(scenario(pools))
        finally:
            pools.pool.close()


class AsyncPools(Pools):
    """Over the pool for an event loop."""

    sync = False

    async def send(self, message: httpx.Request) -> httpx.Response:
        """Send."""
        return await self.pool.handle_async_request(message)

    async def read(self, response: httpx.Response) -> bytes:
        """Read the rest of the body."""
        return await response.aread()

    async def part(self, response: httpx.Response) -> bytes:
        """Give the next piece of the body as it arrived."""
        return await anext(aiter(response.stream))  # type: ignore[arg-type]

    async def close(self, response: httpx.Response) -> None:
        """Close the response."""
        await response.aclose()

    async def close_pool(self) -> None:
        """Close the pool."""
        await self.pool.aclose()

    async def wait(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function that blocks until something has happened elsewhere."""
        await asyncio.to_thread(function, *args)

    async def together(self, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Run them at once; give results and errors."""

        async def run(work: Callable[[], Awaitable[Any]]) -> Any:
            return await work()

        return await asyncio.gather(*(run(work) for work in works), return_exceptions=True)

    @classmethod
    def run(cls, scenario: Scenario, **options: Any) -> None:
        """Run a scenario over a new pool; the environment does not count."""

        async def main() -> None:
            pools = cls(PoolOptions(**{"trust_env": False, **options}))
            try:
                await scenario(pools)
            finally:
                await pools.pool.aclose()

        asyncio.run(main())


def _finish(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AssertionError("A scenario over a sync pool suspended.")


def descriptors_to(port: int) -> int:
    """Count this process's sockets that are connected to a port."""
    found = 0
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 -- numbers, not paths
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as copy:
                    found += copy.family != socket.AF_UNIX and copy.getpeername()[1] == port
    return found


class CountingSocket(socket.socket):
    """A socket that counts, while it stands in for the usual one, how many are connected at once.

    It counts here and not at the server, which may hear of a new connection before it hears of the end of the old.
    """

    lock = threading.Lock()
    connected: ClassVar[set[int]] = set()
    most = 0

    def connect(self, address: Any) -> None:
        """Count before, and connect."""
        with self.lock:
            self.connected.add(id(self))
            CountingSocket.most = max(self.most, len(self.connected))
        super().connect(address)

    def shutdown(self, how: int) -> None:
        """End and count."""
        try:
            super().shutdown(how)
        finally:
            self._ended()

    def close(self) -> None:
        """Close and count."""
        super().close()
        self._ended()

    def _ended(self) -> None:
        with self.lock:
            self.connected.discard(id(self))


def ask_in_thread(pools: Pools, url: str) -> None:
    """Send and read, as a thread's target."""
    pools.pool.handle_request(request(url)).read()


async def burst(pools: Pools, server: RawServer, size: int) -> None:
    """Open *size* connections, and leave them idle."""
    arrived: list[Exchange] = []

    def answer(exchange: Exchange) -> None:
        arrived.append(exchange)
        if len(arrived) == size:
            for held in arrived:
                held.write(OK)

    usual, server.answer = server.answer, answer
    assert await pools.together([lambda: pools.ask(server.url)] * size) == [b"{}"] * size
    server.answer = usual
    assert pools.stats.idle == size


async def hold(pools: Pools, server: RawServer) -> httpx.Response:
    """Start a response that does not end, and so keep a connection in use."""
    usual, server.answer = server.answer, lambda exchange: exchange.write(HEAD_OF_STREAM + chunk(b"begin"))
    response = await pools.send(request(server.url))
    server.answer = usual
    return response


def iter_body(pools: Pools, parts: list[bytes]) -> Any:
    """Give a body whose length is not known beforehand."""

    async def later() -> Any:
        for part in parts:
            yield part

    return iter(parts) if pools.sync else later()
