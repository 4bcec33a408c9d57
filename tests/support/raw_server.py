"""A server whose answers are bytes that a test writes, and which counts its connections."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.loop_thread import LoopThread

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Encode one chunk of a streamed body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Exchange:
    """A request that arrived and the means to answer it, in the server's event loop."""

    def __init__(self, connection: "_Connection", head: bytes, body: bytes) -> None:
        self.target = head.split(b" ")[1].decode()
        self.head = head
        self.body = body
        self._connection = connection

    def info(self, name: str) -> Any:
        """Return what the transport knows of the connection, such as its `peername` and its `ssl_object`."""
        return self._connection.transport.get_extra_info(name)

    def write(self, data: bytes) -> None:
        """Send now."""
        self._connection.transport.write(data)

    def later(self, seconds: float, data: bytes) -> None:
        """Send after some seconds."""
        asyncio.get_running_loop().call_later(seconds, self._connection.transport.write, data)

    def close(self) -> None:
        """Close the connection when all is sent."""
        self._connection.transport.close()


Answer = Callable[[Exchange], None]


class _Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, server: "RawServer") -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.changed(self, opened=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count, when it is so: the transport closes its socket after this call."""
        del exc
        asyncio.get_running_loop().call_soon(lambda: self._server.changed(self, opened=False))

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, body = self._received[:end], self._received[end + 4 :]
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(body) < length and not self._server.hasty:
                return
            self._received = body[length:]
            self._server.answer(Exchange(self, head, body[:length]))


class RawServer(LoopThread):
    """Runs in a thread of its own; `answer` is called with each exchange and may be replaced at any time.

    Args:
        answer: Answers; `{}` by default.
        ssl_context: To speak TLS.
        path: Of a unix socket to listen on, in place of a port.
        host: The address to listen on.
    """

    def __init__(
        self,
        answer: Answer | None = None,
        ssl_context: ssl.SSLContext | None = None,
        path: Path | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__()
        self._path = path
        self._host = host
        self.answer: Answer = answer or (lambda exchange: exchange.write(OK))
        self.hasty = False  # answer before the body has arrived
        self.opened = 0
        self._ssl_context = ssl_context
        self._open: set[_Connection] = set()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self._ssl_context else 'http'}://{self._host}:{self.port}"

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def changed(self, connection: _Connection, *, opened: bool) -> None:
        """Count a connection that was opened or closed."""
        with self._changed:
            if opened:
                self._open.add(connection)
                self.opened += 1
            else:
                self._open.discard(connection)
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Block until the predicate is true; it is asked when connections come and go."""
        with self._changed:
            assert self._changed.wait_for(predicate, 30), f"{self.opened} opened, {self.open} open"

    def close_connections(self) -> None:
        """Close them from this side, and return when that is done."""
        assert self._loop is not None
        for connection in list(self._open):
            self._loop.call_soon_threadsafe(connection.transport.abort)
        self.wait_for(lambda: not self._open)

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if self._path is not None:
            return await loop.create_unix_server(
                lambda: _Connection(self), self._path, ssl=self._ssl_context, backlog=1024
            )
        return await loop.create_server(
            lambda: _Connection(self), self._host, 0, ssl=self._ssl_context, backlog=1024
        )

    async def _end(self, server: asyncio.Server) -> None:
        while len(asyncio.all_tasks()) > 1:  # a task for each connection that is being accepted
            await asyncio.sleep(0)
        server.close()
        while self._open:
            for connection in list(self._open):
                connection.transport.abort()
            await asyncio.sleep(0)
