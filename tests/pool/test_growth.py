"""A connection, a waiter, a request and a body cost as much as without the others: counted, on two sizes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h11
import pytest

import ai_client._pool
from ai_client._http.library import library
from ai_client._pool.permits import Permits
from ai_client._pool.usual_wire import UsualWire
from tests.support.both_pools import AsyncPools, Pools, request
from tests.support.counting import FEW, Work, assert_linear, counted
from tests.support.raw_server import HEAD_OF_STREAM, OK, RawServer, chunk

POOL = str(Path(ai_client._pool.__file__).parent)


class Waiter:
    """Something that waits for a permit; whatever compares it is counted."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self) >> 4


class Idle(Waiter):
    """A connection that can be kept."""

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._idle_since = 0.0
        self.exchanges = 0

    @property
    def origin(self) -> int:
        """Where it leads."""
        return self._origin

    @property
    def idle_since(self) -> float:
        """When it was used last."""
        return self._idle_since

    @idle_since.setter
    def idle_since(self, now: float) -> None:
        self._idle_since = now


def in_turn(permits: Permits[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Let each in as the one before it leaves."""
    for waiter in waiters:
        permits.queue(waiter)
    while permits.leave() is not None:
        pass


def first_goes_first(permits: Permits[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the front."""
    for waiter in waiters:
        permits.queue(waiter)
    for waiter in waiters:
        assert permits.unqueue(waiter)


def last_goes_first(permits: Permits[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the back."""
    first_goes_first(permits, waiters)
    for waiter in waiters:
        permits.queue(waiter)
    for waiter in reversed(waiters):
        assert permits.unqueue(waiter)


def middle_goes_first(permits: Permits[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the middle."""
    for waiter in waiters:
        permits.queue(waiter)
    middle = len(waiters) // 2
    for waiter in [*waiters[middle:], *reversed(waiters[:middle])]:
        assert permits.unqueue(waiter)


@pytest.mark.parametrize("order", [in_turn, first_goes_first, last_goes_first, middle_goes_first])
def test_waiting(order: Callable[[Permits[Idle, Waiter], list[Waiter]], None]) -> None:
    """Each that waits for a permit costs the same, however many do, and in whatever order they give up."""

    def work(size: int) -> Work:
        permits: Permits[Idle, Waiter] = Permits(1, 60)
        permits.enter()
        waiters = [Waiter() for _ in range(size)]
        with counted(POOL, __file__) as work:
            order(permits, waiters)
        return work

    assert_linear(work)


@pytest.mark.parametrize("origins", [1, 10, FEW])
@pytest.mark.parametrize("end", ["taken", "expired", "displaced"])
def test_keeping_connections(end: str, origins: int) -> None:
    """Each idle connection costs the same, however many there are, to however many origins, and however it ends."""

    def work(size: int) -> Work:
        permits: Permits[Idle, Waiter] = Permits(size, 60)
        idle = [Idle(index % (origins * size // FEW)) for index in range(size)]
        with counted(POOL, __file__) as work:
            for now, connection in enumerate(idle):
                assert permits.enter()
                assert permits.end(connection, now / size) is None
                assert permits.expired(now / size) == []
            for connection in idle:
                if end == "taken":
                    assert permits.take(connection.origin) is not None
                elif end == "displaced":
                    assert permits.enter()
                    assert permits.displaced() is connection
                else:
                    permits.expired(1000)
        assert permits.stats().idle == 0
        return work

    assert_linear(work)


@pytest.mark.parametrize("pieces", ["all at once", "a chunk at a time", "a byte at a time"])
def test_reading_bodies(pieces: str) -> None:
    """A body in chunks costs as much as it is long, however its bytes arrive."""

    def work(size: int) -> Work:
        wire = UsualWire(library("httpx"))
        wire.head("GET", b"/", [(b"host", b"a")])
        wire.end()
        wire.feed(HEAD_OF_STREAM)
        assert wire.response() is not None
        parts: list[bytes] = []
        sent = [chunk(b"x" * 5)] * size
        if pieces == "all at once":
            sent = [b"".join(sent)]
        elif pieces == "a byte at a time":
            sent = [bytes([byte]) for byte in b"".join(sent)]
        with counted(POOL, str(Path(h11.__file__).parent), __file__) as work:
            for data in sent:
                wire.feed(data)
                assert not wire.drain(parts)
        assert len(b"".join(parts)) == 5 * size
        return Work(work.operations)  # of bytes, h11 names more than it touches

    assert_linear(work)


@pytest.fixture
def server(server: RawServer) -> RawServer:
    """Let the server answer at once, but for `/hold`."""
    server.answer = lambda exchange: exchange.write(HEAD_OF_STREAM if exchange.target == "/hold" else OK)
    return server


@pytest.mark.parametrize("history", ["answered", "left", "refused"])
def test_requests(both: type[Pools], server: RawServer, history: str) -> None:
    """A request costs the same after 200 others, answered, left in mid-body or refused for want of a connection."""

    async def scenario(pools: Pools) -> None:
        async def cost() -> int:
            found: list[int] = []
            for _ in range(4):  # what is read at once depends on the moment
                with counted(POOL) as work:
                    await pools.ask(server.url)
                found.append(work.operations)
            return min(found)

        await pools.ask(server.url)
        before = await cost()
        for _ in range(200):
            if history == "answered":
                await pools.ask(server.url)
                continue
            held = await pools.send(request(server.url + "/hold"))
            if history == "refused":
                with pytest.raises(Exception, match="Timed out waiting for one of 1 connections"):
                    await pools.send(request(server.url, pool=0))
            await pools.close(held)
        assert before > 100
        assert abs(await cost() - before) < 50

    both.run(scenario, max_connections=1)


def test_cancelled_waiters(server: RawServer) -> None:
    """Each task that is cancelled while it waits for a connection costs the same, however many wait."""

    def work(size: int) -> Work:
        found: list[Work] = []

        async def scenario(pools: Pools) -> None:
            held = await pools.send(request(server.url + "/hold"))
            with counted(POOL) as work:
                tasks = [asyncio.ensure_future(pools.ask(server.url)) for _ in range(size)]
                await asyncio.sleep(0)
                assert pools.stats.waiting == size
                for task in reversed(tasks):
                    task.cancel()
                for task in tasks:
                    with suppress(asyncio.CancelledError):
                        await task
            assert pools.stats.waiting == 0
            found.append(work)
            await pools.close(held)

        AsyncPools.run(scenario, max_connections=1)
        return found[0]

    assert_linear(work)
