"""Answers that come, and connections that end, while a request is still being sent."""

import asyncio

import pytest

from ai_client._http import library
from ai_client._pool.loop_network import AwaitableStream
from tests.hostile.wire import CLOSE, Wire


def test_what_came_before_the_end_is_read(wire: Wire) -> None:
    """An answer that arrived together with the end of the connection is not lost to a write that fails of that."""
    wire.greeting = [b"said", CLOSE]
    used = library("httpx")

    async def main() -> bytes:
        buffer = memoryview(bytearray(1000))
        stream = await AwaitableStream.connect("127.0.0.1", wire.port, buffer, used)
        while not stream._transport.is_closing():
            await asyncio.sleep(0)
        with pytest.raises(used.http.WriteError):
            await stream.upload(b"more", None)
        said = await stream.read(None)
        stream.close()
        await stream.closed()
        return said

    assert asyncio.run(main()) == b"said"
