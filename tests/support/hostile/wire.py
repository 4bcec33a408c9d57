"""A server that plays scripts of bytes and pauses, so that an answer can arrive in any segmentation and break anywhere.

A script is a sequence of steps: bytes are written at once and arrive on their own, a number pauses for so many
seconds, `CLOSE` ends the connection in order (FIN), `RESET` breaks it off (RST), `HOLD` says nothing more until the
client goes away, a `threading.Event` holds until a test sets it, and a function is called. Without a last step that
ends it, the connection stays open for the next request.
"""

import asyncio
import enum
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.loop_thread import LoopThread

GAP = 0.0005
_PATIENCE = 30.0


class End(enum.Enum):
    """How a script may end a connection."""

    CLOSE = "close"
    RESET = "reset"
    HOLD = "hold"


CLOSE, RESET, HOLD = End.CLOSE, End.RESET, End.HOLD
Step = bytes | float | End | threading.Event | Callable[[], object]
Script = Iterable[Step]


@dataclass
class Request:
    """A request as it arrived; `number` counts those of the server from 0, `connection` the connections."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    number: int
    connection: int

    def header(self, name: str) -> str | None:
        """Return the value of a header, the last where it was sent more than once."""
        return {key.lower(): value for key, value in self.headers}.get(name.lower())


Answer = Callable[[Request], Script]


@dataclass(eq=False)
class _Connection:
    socket: socket.socket
    number: int
    received: bytes = b""
    steps: list[Step] = field(default_factory=list)


class Wire(LoopThread):
    """Plays a script for each request, in an event loop of its own thread.

    Args:
        *scripts: What to play for the first request, the second, and so on; the last one again for all further ones.

    Attributes:
        answer: What gives the script for a request; may be replaced at any time.
        greeting: A script that is played to each connection before its first request.
        hints: A script that is played to each request once its head is there, before its body is read.
        hasty: Answer as soon as the head of a request is there, without reading its body.
        gap: Seconds between two writes that must not arrive as one.
        appetite: Bytes of a request's body to read at a time, and the pause in seconds before each, or `None`.
        requests: The requests that were received.
        opened: How many connections were accepted.
    """

    def __init__(self, *scripts: Script) -> None:
        super().__init__()
        self._scripts = [list(script) for script in scripts]
        self.answer: Answer = self._next_script
        self.greeting: Script = ()
        self.hints: Script = ()
        self.hasty = False
        self.gap = GAP
        self.appetite: tuple[int, float] | None = None
        self.requests: list[Request] = []
        self.opened = 0
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()

    def play(self, *scripts: Script) -> None:
        """Replace the scripts; counting begins anew."""
        self._scripts = [list(script) for script in scripts]
        self.requests.clear()

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The address to give to a client."""
        return f"{self.url}/v1"

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Block until the predicate is true; it is asked when connections come and go, and when requests arrive."""
        with self._changed:
            assert self._changed.wait_for(predicate, _PATIENCE), f"{self.opened} opened, {self.open} open"

    def _next_script(self, request: Request) -> Script:
        return self._scripts[min(request.number, len(self._scripts) - 1)]

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _listen(self) -> asyncio.Server:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, self._accept, listener)
        return _Listener(listener)  # type: ignore[return-value]

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, _ = listener.accept()
        except OSError:  # it went again before it was accepted
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(accepted, self.opened)
        self.opened += 1
        self._open.add(connection)
        self._notify()
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: accepted.close())  # it may be cancelled before it begins

    async def _serve(self, connection: _Connection) -> None:
        try:
            with suppress(OSError, EOFError):
                if await self._play(connection, self.greeting):
                    while (request := await self._request(connection)) is not None:
                        if not await self._play(connection, self.answer(request)):
                            break
        finally:
            connection.socket.close()
            self._open.discard(connection)
            self._notify()

    async def _play(self, connection: _Connection, script: Script) -> bool:
        """Play a script; return whether the connection goes on."""
        loop = asyncio.get_running_loop()
        wrote = False
        for step in script:
            if isinstance(step, bytes):
                if wrote:
                    await asyncio.sleep(self.gap)
                await loop.sock_sendall(connection.socket, step)
                wrote = True
            elif isinstance(step, threading.Event):
                while not step.is_set():
                    await asyncio.sleep(0.005)
            elif step is RESET:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif step is CLOSE:
                return False
            elif step is HOLD:
                while await loop.sock_recv(connection.socket, 65536):
                    pass
                return False
            elif callable(step):
                step()
                self._notify()
            else:
                wrote = False
                await asyncio.sleep(step)
        return True

    async def _request(self, connection: _Connection) -> Request | None:
        while (end := connection.received.find(b"\r\n\r\n")) < 0:
            if not await self._receive(connection, 65536):
                return None
        head = connection.received[:end].decode("latin-1").split("\r\n")
        connection.received = connection.received[end + 4 :]
        method, target, _ = head[0].split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:])]
        known = {name.lower(): value for name, value in headers}
        body = b""
        await self._play(connection, self.hints)
        if not self.hasty:
            body = await self._body(connection, known)
        request = Request(method, target, headers, body, len(self.requests), connection.number)
        self.requests.append(request)
        self._notify()
        return request

    async def _body(self, connection: _Connection, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self._until(connection, b"\r\n"), 16):
                body += await self._exactly(connection, size)
                await self._until(connection, b"\r\n")
            await self._until(connection, b"\r\n")
            return body
        return await self._exactly(connection, int(headers.get("content-length", 0)))

    async def _receive(self, connection: _Connection, size: int) -> bytes:
        data = await asyncio.get_running_loop().sock_recv(connection.socket, size)
        connection.received += data
        return data

    async def _until(self, connection: _Connection, mark: bytes) -> bytes:
        while mark not in connection.received:
            if not await self._receive(connection, 65536):
                raise EOFError
        found, _, connection.received = connection.received.partition(mark)
        return found

    async def _exactly(self, connection: _Connection, size: int) -> bytes:
        step, pause = self.appetite or (65536, 0.0)
        while len(connection.received) < size:
            if pause:
                await asyncio.sleep(pause)
            if not await self._receive(connection, step):
                raise EOFError
        body, connection.received = connection.received[:size], connection.received[size:]
        return body

    async def _end(self, server: Any) -> None:
        asyncio.get_running_loop().remove_reader(server.sockets[0])
        server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class _Listener:
    """A listening socket that looks like a server of asyncio to `LoopThread`."""

    def __init__(self, listener: socket.socket) -> None:
        self.sockets: Sequence[socket.socket] = (listener,)

    def close(self) -> None:
        self.sockets[0].close()
