"""Answers as the API sends them, over loopback: with many headers, chunked, compressed; streams in packets."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

from . import payloads
from .contenders import CHAT, HTTPX, OFFICIAL, OURS, RESPONSES, Contender, awaiting, sdk
from .loopback import FEW, opener
from .measure import Case, Opener, Run
from .references import Call, aiohttp_events, looping, raw_aiohttp
from .server import GZIP, IN_PACKETS, ONE_BY_ONE, REAL

ITEMS = 1000
STREAMS = {
    "chat": (CHAT, {**payloads.SMALL, "stream": True}),
    "Responses": (RESPONSES, {"model": payloads.MODEL, "input": "Say hello.", "stream": True}),
}
PACKETS = {"25 events a packet": IN_PACKETS, "one event a packet": ONE_BY_ONE}


def cases() -> list[Case]:
    """Return the cases, each at the address at which the server answers so."""
    return [
        _heads("real heads, chunked", REAL),
        _heads("gzip", GZIP),
        *(_events(of, packets) for of in STREAMS for packets in PACKETS),
    ]


def _heads(name: str, place: str) -> Case:
    contenders = {one.name: _at(place, opener(one, FEW)) for one in (OURS, HTTPX, OFFICIAL)}
    contenders["aiohttp"] = _at(place, raw_aiohttp(FEW))
    return Case(f"small call, {name}, loopback, {FEW} in flight", 200, contenders, 15, settle=FEW)


def _events(of: str, packets: str) -> Case:
    path, request = STREAMS[of]
    contenders: dict[str, Opener] = {
        one.name: partial(_stream, one, path, request) for one in (OURS, OFFICIAL)
    }
    contenders["aiohttp"] = partial(aiohttp_events, path, request, ITEMS)
    here = {name: _at(PACKETS[packets], one) for name, one in contenders.items()}
    return Case(f"{of} event, loopback, {packets}", ITEMS * 4, here, rounds=9, step=ITEMS)


def _at(place: str, opened: Opener) -> Opener:
    """Open a contender with another address of the server."""
    return lambda base_url: opened(base_url.removesuffix("/v1") + place)


@contextmanager
def _stream(contender: Contender, path: str, request: dict[str, Any], base_url: str) -> Iterator[Run]:
    async def setup(stack: AsyncExitStack) -> Call:
        client = await stack.enter_async_context(sdk(contender, base_url, is_async=True))
        send = awaiting(contender, client, path, request, base_url)

        async def call() -> None:
            found = 0
            async for _ in await send():
                found += 1
            if found != ITEMS:
                raise RuntimeError(f"{found} items came of {ITEMS}.")

        return call

    with looping(setup, 1) as run:
        yield lambda count: run(count // ITEMS)
