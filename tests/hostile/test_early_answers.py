"""Answers that nobody asked for, and those that come while a request is still being sent."""

import asyncio
import threading
from pathlib import Path

import pytest

from ai_client._http.library import library
from ai_client._http.options import PoolOptions
from ai_client._pool.async_connecting import open_stream
from ai_client._pool.async_network import AsyncNetworkStream
from ai_client._pool.connection import Route
from ai_client._pool.proxy import Proxies
from tests.support.hostile.cells import Cell, fits
from tests.support.hostile.visits import visit
from tests.support.hostile.ways import WAYS
from tests.support.hostile.wire import CLOSE, Wire


async def connect(wire: Wire) -> AsyncNetworkStream:
    """Connect as a pool does."""
    options, used = PoolOptions(trust_env=False), library("httpx")
    route = Route(("http", b"127.0.0.1", wire.port, None), Proxies(None, trust_env=False), options, used)
    return await open_stream(route, options, used, 20, memoryview(bytearray(1000)))


def test_what_came_before_the_end_is_read(wire: Wire) -> None:
    """An answer that arrived together with the end of the connection is not lost to a write that fails of that."""
    wire.greeting = [b"said", CLOSE]
    used = library("httpx")

    async def main() -> bytes:
        stream = await connect(wire)
        while not stream._transport.is_closing():
            await asyncio.sleep(0)
        with pytest.raises(used.http.WriteError):
            await stream.upload(b"more", None)
        said = await stream.read(None)
        stream.close()
        await stream.closed()
        return said

    assert asyncio.run(main()) == b"said"


def test_what_was_said_before_a_part_is_read_though_the_server_takes_no_more(wire: Wire) -> None:
    """A sender does not wait for a server that has answered, between two parts of a request, and reads no more."""
    over = threading.Event()
    wire.greeting = [b"said", over]

    async def main() -> bytes:
        stream = await connect(wire)
        while not stream._received:
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            said = await stream.upload(b"x" * 50_000_000, None)
        over.set()
        stream._transport.abort()
        await stream.closed()
        return said

    try:
        assert asyncio.run(main()) == b"said"
    finally:
        over.set()


@pytest.mark.parametrize("extra", ["tail", "unsolicited", "closing"])
@pytest.mark.parametrize("way", [way for way in WAYS if fits("way", way, "kind", "chat")])
def test_what_nobody_asked_for(one_wire: Wire, tmp_path: Path, way: str, extra: str) -> None:
    """Bytes after an answer, with its end or later, are not taken for the next answer; nor is a connection's end."""
    if fits("way", way, "extra", extra):
        cell = Cell("chat", way, "none", "whole", "length", "plain", "lf", extra)
        visit(cell, one_wire, tmp_path / "store")
