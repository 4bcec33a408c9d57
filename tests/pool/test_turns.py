"""How a task that waits for a server goes on: within the callback that received something, where that can be."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx
import pytest
import uvloop

from ai_client._http.library import library
from ai_client._http.options import PoolOptions
from ai_client._pool.async_network import AsyncNetworkStream
from ai_client._pool.async_pool import AsyncPool
from tests.support.raw_server import RawServer

SIZE = 64


async def connected() -> tuple[AsyncNetworkStream, memoryview, socket.socket]:
    """Return a stream, what it reads into, and the other side."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    loop, buffer = asyncio.get_running_loop(), memoryview(bytearray(SIZE))
    stream = AsyncNetworkStream(loop, ours, buffer, library("httpx"))
    await loop.create_connection(lambda: stream, sock=ours)
    return stream, buffer, theirs


def receive(stream: AsyncNetworkStream, buffer: memoryview, data: bytes) -> None:
    """Have the stream receive data, as its loop does."""
    buffer[: len(data)] = data
    stream.buffer_updated(len(data))


def in_callback(function: Callable[[], None]) -> Awaitable[None]:
    """Call a function from the loop, outside of any task."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def call() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - for the test
            done.set_exception(error)
        else:
            done.set_result(None)

    loop.call_soon(call)
    return done


def run(scenario: Callable[[AsyncNetworkStream, memoryview, "asyncio.Task[bytes]"], Awaitable[None]]) -> None:
    """Run a scenario with a stream and a task that waits for what it receives."""

    async def main() -> None:
        stream, buffer, theirs = await connected()
        reading = asyncio.create_task(stream.read(60.0))
        await asyncio.sleep(0)
        try:
            await scenario(stream, buffer, reading)
        finally:
            reading.cancel()
            stream.close()
            await stream.closed()
            theirs.close()

    asyncio.run(main())


def test_a_task_goes_on_within_the_callback_that_received_something() -> None:
    """What a plain connection receives has its reader go on at once, in no later round of the loop."""

    async def scenario(
        stream: AsyncNetworkStream, buffer: memoryview, reading: "asyncio.Task[bytes]"
    ) -> None:
        def arrive() -> None:
            receive(stream, buffer, b"data")
            assert reading.done()

        await in_callback(arrive)
        assert reading.result() == b"data"

    run(scenario)


def test_a_task_does_not_begin_inside_of_another() -> None:
    """Where another task runs while something is received, the reader goes on in the loop's next round."""

    async def scenario(
        stream: AsyncNetworkStream, buffer: memoryview, reading: "asyncio.Task[bytes]"
    ) -> None:
        receive(stream, buffer, b"data")
        assert not reading.done()
        assert await reading == b"data"

    run(scenario)


def test_behind_tls_a_task_goes_on_in_a_round_of_its_own() -> None:
    """What comes through TLS has its reader go on in the loop's next round, as TLS is still at work."""

    async def scenario(
        stream: AsyncNetworkStream, buffer: memoryview, reading: "asyncio.Task[bytes]"
    ) -> None:
        stream._is_secure = True

        def arrive() -> None:
            receive(stream, buffer, b"data")
            assert not reading.done()

        await in_callback(arrive)
        assert await reading == b"data"

    run(scenario)


def test_a_cancelled_task_does_not_go_on() -> None:
    """A reader that was cancelled just before something is received ends as cancelled, and loses nothing of it."""

    async def scenario(
        stream: AsyncNetworkStream, buffer: memoryview, reading: "asyncio.Task[bytes]"
    ) -> None:
        def arrive() -> None:
            reading.cancel()
            receive(stream, buffer, b"data")

        await in_callback(arrive)
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert stream.read_buffered() == b"data"

    run(scenario)


def test_a_task_waits_again_within_the_callback() -> None:
    """A reader that goes on at once and waits again gets what is received next, and what came before, once each."""

    async def scenario(
        stream: AsyncNetworkStream, buffer: memoryview, reading: "asyncio.Task[bytes]"
    ) -> None:
        await in_callback(lambda: receive(stream, buffer, b"first"))
        found = [await reading]

        async def all_of_it() -> None:
            while (data := await stream.read(60.0)) != b"end":
                found.append(data)

        everything = asyncio.create_task(all_of_it())
        await asyncio.sleep(0)

        def arrive() -> None:
            for data in (b"one", b"two", b"end"):
                receive(stream, buffer, data)

        await in_callback(arrive)
        await everything
        assert found == [b"first", b"one", b"two"]

    run(scenario)


@pytest.mark.parametrize(
    "loop_of", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_the_end_of_the_program_ends_the_loop(
    server: RawServer, loop_of: Callable[[], asyncio.AbstractEventLoop], kind: type[BaseException]
) -> None:
    """A task that ends the program right after what it received does so on every loop."""
    pool, tasks = AsyncPool(PoolOptions()), list[asyncio.Task[None]]()

    async def leave() -> None:
        await pool.handle_async_request(httpx.Request("GET", server.url))
        raise kind

    async def main() -> None:
        tasks.append(asyncio.create_task(leave()))
        await asyncio.wait(tasks, timeout=30.0)

    async def end() -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await pool.aclose()

    loop = loop_of()
    try:
        with pytest.raises(kind):
            loop.run_until_complete(main())
        assert isinstance(tasks[0].exception(), kind)
    finally:
        loop.call_soon(loop.stop)  # uvloop may still have to stop, after its end by an error
        loop.run_forever()
        loop.run_until_complete(end())
        loop.close()
