"""Raw clients in an event loop, with which this package is compared, and sockets as the floor."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from . import payloads, same
from .contenders import CHAT
from .measure import Opener, Run

Call = Callable[[], Awaitable[Any]]
Setup = Callable[[AsyncExitStack], Awaitable[Call]]
RUST = ("pyreqwest", "wreq")
"""Clients written in Rust, which take part where they are installed."""


def missing() -> list[str]:
    """Return the optional clients that are not installed."""
    return [name for name in RUST if find_spec(name) is None]


def raw(in_flight: int) -> dict[str, Opener]:
    """Return the raw clients that make small calls, so many in flight, which parse answers as JSON; and the floor."""
    clients = {"aiohttp": raw_aiohttp(in_flight), "bare socket": partial(_bare_socket, in_flight)}
    rust = {"pyreqwest": _pyreqwest, "wreq": _wreq}
    return clients | {name: partial(rust[name], in_flight) for name in RUST if find_spec(name) is not None}


def raw_aiohttp(in_flight: int) -> Opener:
    """Return what opens a session of aiohttp and posts small calls, whose answers are only parsed as JSON."""
    return partial(_aiohttp, in_flight)


@contextmanager
def looping(setup: Setup, in_flight: int, sent: bytes | None = None) -> Iterator[Run]:
    """Set up a call in an event loop; yield a function that runs it, *in_flight* at once.

    The answer of a first call must be what the server *sent*.
    """

    async def worker(call: Call, left: Iterator[int]) -> None:
        for _ in left:
            await call()

    async def main(call: Call, count: int) -> None:
        left = iter(range(count))
        await asyncio.gather(*(worker(call, left) for _ in range(in_flight)))

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        call = runner.run(setup(stack))
        if sent is not None:
            same.check(runner.run(_first(call)), sent)
        yield lambda count: runner.run(main(call, count))
        runner.run(stack.aclose())


async def _first(call: Call) -> Any:
    return await call()


async def session_of_aiohttp(stack: AsyncExitStack, in_flight: int) -> Any:
    """Open a session of aiohttp with so many connections."""
    aiohttp: Any = import_module("aiohttp")
    connector = aiohttp.TCPConnector(limit=in_flight, keepalive_timeout=600)
    return await stack.enter_async_context(aiohttp.ClientSession(connector=connector))


@contextmanager
def _aiohttp(in_flight: int, base_url: str) -> Iterator[Run]:
    async def setup(stack: AsyncExitStack) -> Call:
        session = await session_of_aiohttp(stack, in_flight)

        async def call() -> Any:
            async with session.post(base_url + CHAT, json=payloads.SMALL) as response:
                return await response.json()

        return call

    with looping(setup, in_flight, payloads.completion()) as run:
        yield run


@contextmanager
def _pyreqwest(in_flight: int, base_url: str) -> Iterator[Run]:
    async def setup(stack: AsyncExitStack) -> Call:
        builder: Any = import_module("pyreqwest.client").ClientBuilder()
        client = await stack.enter_async_context(builder.build())

        async def call() -> Any:
            response = await client.post(base_url + CHAT).body_json(payloads.SMALL).build().send()
            return await response.json()

        return call

    with looping(setup, in_flight, payloads.completion()) as run:
        yield run


@contextmanager
def _wreq(in_flight: int, base_url: str) -> Iterator[Run]:
    async def setup(_: AsyncExitStack) -> Call:
        client: Any = import_module("wreq").Client()

        async def call() -> Any:
            response = await client.post(base_url + CHAT, json=payloads.SMALL)
            return await response.json()

        return call

    with looping(setup, in_flight, payloads.completion()) as run:
        yield run


class _Exchange(asyncio.Protocol):
    """One connection that reads answers with a length, and nothing else of HTTP."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def send(self, request: bytes) -> "asyncio.Future[bytes]":
        self.buffer = b""
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if end and len(body) == int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            self.answer.set_result(body)


@contextmanager
def _bare_socket(in_flight: int, base_url: str) -> Iterator[Run]:
    """Write requests to sockets, and validate answers with pydantic: what any typed client has to do at least."""
    url = urlsplit(base_url + CHAT)
    head = f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer key\r\ncontent-length: "

    async def setup(stack: AsyncExitStack) -> Call:
        completion = import_module("ai_client.types.chat").ChatCompletion
        loop = asyncio.get_running_loop()
        idle = [
            (await loop.create_connection(_Exchange, url.hostname, url.port))[1] for _ in range(in_flight)
        ]
        stack.callback(lambda: [each.transport.close() for each in idle])

        async def call() -> Any:
            body = to_json(payloads.SMALL)
            connection = idle.pop()
            answer = await connection.send(f"{head}{len(body)}\r\n\r\n".encode() + body)
            idle.append(connection)
            return completion.model_validate_json(answer)

        return call

    with looping(setup, in_flight, payloads.completion()) as run:
        yield run


@contextmanager
def aiohttp_events(path: str, request: dict[str, Any], items: int, base_url: str) -> Iterator[Run]:
    """Read streams with aiohttp, line by line, and only parse their events as JSON; the figure is that of one event."""

    async def setup(stack: AsyncExitStack) -> Call:
        session = await session_of_aiohttp(stack, 1)

        async def call() -> None:
            found = 0
            async with session.post(base_url + path, json=request) as response:
                async for line in response.content:
                    if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                        from_json(line[6:])
                        found += 1
            if found != items:
                raise RuntimeError(f"{found} items came of {items}.")

        return call

    with looping(setup, 1) as run:
        yield lambda count: run(count // items)
