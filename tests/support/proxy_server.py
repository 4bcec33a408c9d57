"""A small proxy: HTTP, forwarding and tunnelling, or SOCKS5."""

import asyncio
import base64
import ssl
from contextlib import suppress

from tests.support.loop_thread import LoopThread

_Reader, _Writer = asyncio.StreamReader, asyncio.StreamWriter


class ProxyServer(LoopThread):
    """Runs in a thread of its own; `seen` tells how each connection was used, as `CONNECT 127.0.0.1:443`.

    Args:
        kind: `http` or `socks5`.
        user: The credentials to ask for, as `user:password`.
        answer: What to answer in place of doing anything.
        ssl_context: To be a proxy over https.
    """

    def __init__(
        self,
        kind: str = "http",
        *,
        user: str | None = None,
        answer: bytes | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._kind = kind
        self._user = user
        self._answer = answer
        self._ssl_context = ssl_context
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Its address, without credentials."""
        scheme = "https" if self._ssl_context else self._kind
        return f"{scheme}://localhost:{self.port}"

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl_context)

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: _Reader, writer: _Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await (self._http if self._kind == "http" else self._socks)(reader, writer)
        await _close(writer)

    async def _http(self, reader: _Reader, writer: _Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.seen.append(f"{method} {target}")
        if self._answer is not None:
            writer.write(self._answer)
        elif self._user and base64.b64encode(self._user.encode()) not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif method == "CONNECT":
            host, _, port = target.rpartition(":")
            await _relay(reader, writer, host, int(port), greeting=b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
            await _relay(reader, writer, host, int(port), first=head)

    async def _socks(self, reader: _Reader, writer: _Writer) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if self._user else 0
        writer.write(bytes((5, method if method in methods else 255)))
        if method not in methods:
            return
        if self._user:
            _, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = user + b":" + password == self._user.encode()
            writer.write(bytes((1, not right)))
            if not right:
                return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 1:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.seen.append(f"SOCKS {host}:{port}")
        if self._answer is not None:
            writer.write(self._answer)
            return
        greeting = b"\x05\x00\x00\x03\x09localhost\x00\x00" if kind == 3 else b"\x05\x00\x00\x01" + bytes(6)
        await _relay(reader, writer, host, port, greeting=greeting)


async def _relay(
    reader: _Reader, writer: _Writer, host: str, port: int, *, greeting: bytes = b"", first: bytes = b""
) -> None:
    server_reader, server_writer = await asyncio.open_connection(host, port)
    try:
        writer.write(greeting)
        server_writer.write(first)
        there = asyncio.ensure_future(_pipe(reader, server_writer))
        back = asyncio.ensure_future(_pipe(server_reader, writer))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
    finally:
        await _close(server_writer)


async def _pipe(reader: _Reader, writer: _Writer) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _close(writer: _Writer) -> None:
    writer.close()
    with suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()
