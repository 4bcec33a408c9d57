"""Cost grows with calls, bytes and chunks, and no faster: counted, on work of two sizes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h11
import pytest

import ai_client._pool
from ai_client import _sse
from ai_client._http import library
from ai_client._pool.admission import Ledger
from ai_client._pool.wire import Wire
from ai_client._sse import SSEDecoder
from tests.both_pools import Blocking, Pools, Suspending, request
from tests.counting import Work, counted
from tests.raw_server import HEAD_OF_STREAM, OK, Exchange, RawServer, chunk

POOL = str(Path(ai_client._pool.__file__).parent)
FEW, TIMES = 60, 6
EVENT = b"event: add\ndata: " + b"x" * 30 + b"\n\n"
Feed = Callable[[Any, bytes], object]

BODIES: dict[str, Callable[[int], list[bytes]]] = {
    "all at once": lambda size: [EVENT * size],
    "an event a chunk": lambda size: [EVENT] * size,
    "an event in two chunks": lambda size: [EVENT[-1:] + EVENT[:-1]] * size,
    "a byte a chunk": lambda size: [bytes([byte]) for byte in EVENT * (size // 8)],
    "an event of many chunks": lambda size: [b"data: ", *[b"x" * 30] * size, b"\n\n"],
    "an event of many lines": lambda size: [*[b"data: " + b"x" * 30 + b"\n"] * size, b"\n"],
    "an event of many lines, cut at their ends": lambda size: [*[b"\ndata: " + b"x" * 30] * size, b"\n\n"],
    "a line that never ends": lambda size: [b"data: " + b"x" * 30] * size,
    "comments": lambda size: [b": still here\n"] * size,
    "comments between empty lines": lambda size: [b": still here\n\n"] * size,
    "empty lines": lambda size: [b"\n\n\n\n"] * size,
}


def assert_linear(work: Callable[[int], Work]) -> None:
    """Hold the work of a size against that of some times the size."""
    few, many = work(FEW), work(FEW * TIMES)
    assert few.operations > FEW / 2
    assert many.operations <= few.operations * TIMES * 1.1
    assert many.bytes <= few.bytes * TIMES * 1.1


def decoding(decoder: Any, chunks: list[bytes], place: str = _sse.__file__) -> Work:
    """Count what decoding takes in the decoder's file."""
    with counted(place) as work:
        for each in chunks:
            decoder.feed(each)
        decoder.flush()
    return work


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("body", BODIES)
def test_decoding(body: str, end: bytes) -> None:
    """Decoding a body costs as much as it is long, however it is cut."""

    def work(size: int) -> Work:
        chunks = [EVENT, *BODIES[body](size)]  # the first event shows how lines end
        return decoding(SSEDecoder(), [each.replace(b"\n", end) for each in chunks])

    assert_linear(work)


class Copying:
    """A decoder that copies everything with each chunk."""

    def __init__(self) -> None:
        self.buffer: Any = b""

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.buffer += chunk
        while b"\n\n" in self.buffer:
            _, _, self.buffer = self.buffer.partition(b"\n\n")

    def flush(self) -> None:
        """End."""


class Searching(Copying):
    """A decoder that searches everything with each chunk, in place."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.buffer += chunk
        while (end := self.buffer.find(b"\n\n")) >= 0:
            del self.buffer[: end + 2]


class Joining(Copying):
    """A decoder that joins everything with each chunk."""

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.chunks = [*getattr(self, "chunks", []), chunk]
        whole = b"".join(self.chunks)
        if b"\n\n" in whole:
            self.chunks = []


class Walking(Copying):
    """A decoder that walks over all chunks with each one."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take in a chunk."""
        self.chunks.append(chunk)
        if any(each.endswith(b"\n") for each in self.chunks):
            self.chunks.clear()


@pytest.mark.parametrize("wrong", [Copying, Searching, Joining, Walking])
def test_wrong_decoders_are_told(wrong: type[Copying]) -> None:
    """What grows with the square of the chunks is found out, be it in instructions or in bytes."""
    with pytest.raises(AssertionError):
        assert_linear(lambda size: decoding(wrong(), BODIES["an event of many chunks"](size), __file__))


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


def in_turn(ledger: Ledger[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Let each in as the one before it leaves."""
    for waiter in waiters:
        ledger.queue(waiter)
    while ledger.leave() is not None:
        pass


def first_goes_first(ledger: Ledger[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the front."""
    for waiter in waiters:
        ledger.queue(waiter)
    for waiter in waiters:
        assert ledger.unqueue(waiter)


def last_goes_first(ledger: Ledger[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the back."""
    first_goes_first(ledger, waiters)
    for waiter in waiters:
        ledger.queue(waiter)
    for waiter in reversed(waiters):
        assert ledger.unqueue(waiter)


def middle_goes_first(ledger: Ledger[Idle, Waiter], waiters: list[Waiter]) -> None:
    """Cancel them from the middle."""
    for waiter in waiters:
        ledger.queue(waiter)
    middle = len(waiters) // 2
    for waiter in [*waiters[middle:], *reversed(waiters[:middle])]:
        assert ledger.unqueue(waiter)


@pytest.mark.parametrize("order", [in_turn, first_goes_first, last_goes_first, middle_goes_first])
def test_waiting(order: Callable[[Ledger[Idle, Waiter], list[Waiter]], None]) -> None:
    """Each that waits for a permit costs the same, however many do, and in whatever order they give up."""

    def work(size: int) -> Work:
        ledger: Ledger[Idle, Waiter] = Ledger(1, 60)
        ledger.enter()
        waiters = [Waiter() for _ in range(size)]
        with counted(POOL, __file__) as work:
            order(ledger, waiters)
        return work

    assert_linear(work)


@pytest.mark.parametrize("origins", [1, 10, FEW])
@pytest.mark.parametrize("end", ["taken", "expired", "displaced"])
def test_keeping_connections(end: str, origins: int) -> None:
    """Each idle connection costs the same, however many there are, to however many origins, and however it ends."""

    def work(size: int) -> Work:
        ledger: Ledger[Idle, Waiter] = Ledger(size, 60)
        idle = [Idle(index % (origins * size // FEW)) for index in range(size)]
        with counted(POOL, __file__) as work:
            for now, connection in enumerate(idle):
                ledger.shelve(connection, now / size)
                assert ledger.expired(now / size) == []
            for connection in idle:
                if end == "taken":
                    assert ledger.take(connection.origin) is not None
                elif end == "displaced":
                    assert ledger.enter()
                    assert ledger.displaced() is connection
                else:
                    ledger.expired(1000)
        assert ledger.stats().idle == 0
        return work

    assert_linear(work)


@pytest.mark.parametrize("pieces", ["all at once", "a chunk at a time", "a byte at a time"])
def test_reading_bodies(pieces: str) -> None:
    """A body in chunks costs as much as it is long, however its bytes arrive."""

    def work(size: int) -> Work:
        wire = Wire(library("httpx"))
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


@pytest.fixture(params=[Blocking, Suspending], ids=["blocking", "awaitable"])
def both(request: pytest.FixtureRequest) -> type[Pools]:
    """Run the test over both pools."""
    return request.param


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Yield a server that answers at once, but for `/hold`."""

    def answer(exchange: Exchange) -> None:
        exchange.write(HEAD_OF_STREAM if exchange.target == "/hold" else OK)

    with RawServer(answer) as server:
        yield server


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

        Suspending.run(scenario, max_connections=1)
        return found[0]

    assert_linear(work)
