"""Byte streams over asyncio transports, with TLS or without."""

import asyncio
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any

from .._http.library import Library
from .sockets import READ_SIZE, connect_error, poll_of, socket_info
from .transport_ends import bury, detach, shut_down
from .turns import fail, resume, wake
from .watch import watch_of

_HIGH_WATER = 4 * READ_SIZE
_HANDSHAKE_SECONDS = 60.0


class AsyncNetworkStream(asyncio.BufferedProtocol):
    """A connected socket of an async pool.

    Closing never waits, so it cannot be cancelled half-way.

    Args:
        loop: The loop that reads and writes.
        connection: Is connected already.
        buffer: What the loop reads into. It reads for one stream at a time, and this one copies before it goes on,
            so that the streams of a loop can share a buffer; those of two loops must not.
        library: Whose exceptions are raised.

    Attributes:
        idle: Whether no request is under way on it.
        lapse: Is called where something happens while it is idle.
        sent: Bytes handed to the transport so far.
    """

    __slots__ = (
        "_buffer",
        "_drained",
        "_ended",
        "_error",
        "_is_secure",
        "_library",
        "_loop",
        "_lost",
        "_paused",
        "_poll",
        "_received",
        "_size",
        "_socket",
        "_transport",
        "_waiter",
        "_watch",
        "idle",
        "lapse",
        "sent",
        "until",
    )

    _transport: asyncio.Transport
    until: float

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        buffer: memoryview,
        library: Library,
    ) -> None:
        self._loop = loop
        self._buffer = buffer
        self._socket = connection
        self._library = library
        self._received: list[bytes] = []
        self._size = 0
        self._paused = self._ended = self._is_secure = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None  # of the task that reads
        self._drained: asyncio.Future[None] | None = None  # of the task that writes, if it must wait
        self._poll: select.poll | None = None
        self._watch = watch_of(loop)
        self._lost: asyncio.Future[None] = loop.create_future()
        self.idle = False
        self.lapse: Callable[[], None] | None = None
        self.sent = 0

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Start TLS with the server called *name*."""
        self._is_secure = True
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=name,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except (OSError, ValueError) as error:
            raise connect_error(error, self._library) from error
        if transport is None:
            raise self._library.http.ConnectError("The server closed the connection in the TLS handshake.")
        self._transport = transport

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a socket's transport is a full one

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- the protocol's signature
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received.append(bytes(self._buffer[:nbytes]))
        self._size += nbytes
        if self.idle:
            self._end_rest()
        if self._size > _HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self._drained is not None:  # wake a sender that waits
            wake(self._drained)
        resume(self._waiter, None if self._is_secure else self._loop)  # TLS goes on after its calls to here

    def eof_received(self) -> None:
        self._ended = True
        self._end_rest()
        wake(self._waiter)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        wake(self._drained)
        self._drained = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        wake(self._waiter)
        wake(self._drained)
        wake(self._lost)
        self._end_rest()
        self.lapse = None  # which leads back here

    def _end_rest(self) -> None:
        if self.idle and self.lapse is not None:
            self.idle = False
            self.lapse()
            if not self._transport.is_closing():
                self._loop.call_soon(self.close)  # not now, as TLS goes on after its calls to here

    def expire(self) -> None:
        """Fail the read or write that waits, as its time is over."""
        if self._waiter is not None:
            fail(self._waiter, self._library.http.ReadTimeout("Timed out waiting for the server."))
        else:
            fail(self._drained, self._library.http.WriteTimeout("Timed out sending the request."))

    # What the pool calls.

    def rest(self) -> None:
        """Lie idle from now on; what happened before ends that at once."""
        self.idle = True
        if self._ended or self._received:
            self._end_rest()

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send everything, waiting up to *timeout* seconds where the other side is slow to take it."""
        if self.hand_over(data, timeout):
            await self.drained(timeout)

    async def drained(self, timeout: float | None) -> None:
        """Wait until the other side takes more, up to *timeout* seconds."""
        if (drained := self._drained) is None:
            return
        if drained.done():  # by what the other side said
            drained = self._drained = self._loop.create_future()
        try:
            if timeout is not None:
                self._watch.add(self, timeout)
            await drained
        finally:
            self._watch.remove(self)
        if self._error is not None:
            raise self._library.http.WriteError(str(self._error))

    def hand_over(self, data: bytes, timeout: float | None) -> bool:
        """Send what the other side takes, and the rest as soon as it can be; return whether to wait for that."""
        transport = self._transport
        if transport.is_closing():
            raise self._library.http.WriteError("The server closed the connection.")
        if timeout is not None and timeout <= 0:
            raise self._library.http.WriteTimeout("There is no time to send the request.")
        transport.write(data)
        if transport.is_closing():
            raise self._library.http.WriteError("The server closed the connection.")
        self.sent += len(data)
        return self._drained is not None

    async def upload(self, data: bytes, timeout: float | None) -> bytes:
        """Send everything, as `write`, unless the server says something meanwhile; return what it says."""
        if not self._received:
            await self.write(data, timeout)
            return self.read_buffered() if self._received else b""
        said = self.read_buffered()
        try:
            self.hand_over(data, timeout)  # without waiting: a server that has answered may read no more
        except BaseException:
            # An answer that came before the connection ended is still to be read.
            self._received.insert(0, said)
            self._size += len(said)
            raise
        return said

    async def read(self, timeout: float | None) -> bytes:
        """Receive available bytes, waiting up to *timeout* seconds; empty at the end."""
        if (arrival := self.arrival(timeout)) is not None:
            try:
                await arrival
            finally:
                self.arrived()
        return self.read_buffered()

    def arrival(self, timeout: float | None) -> "asyncio.Future[None] | None":
        """Return what to await before `arrived`, at most *timeout* seconds; `None` where something has arrived."""
        if self._received or self._ended:
            return None
        if timeout is not None:
            if timeout <= 0:
                raise self._library.http.ReadTimeout("There is no time to wait for the server.")
            self._watch.add(self, timeout)
        self._waiter = self._loop.create_future()
        return self._waiter

    def arrived(self) -> None:
        """End the wait for an `arrival`."""
        self._watch.remove(self)
        self._waiter = None

    def read_buffered(self) -> bytes:
        """Receive what has arrived, without waiting; nothing where nothing has."""
        received = self._received
        if self._error is not None and not received:
            raise self._library.http.ReadError(str(self._error))
        data = received[0] if len(received) == 1 else b"".join(received)
        received.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    def quiet(self) -> bool:
        """Return whether the connection is open with no unread data, and so reusable."""
        if self._ended or self._received or self._transport.is_closing():
            return False
        if self._poll is None:
            self._poll = poll_of(self._socket.fileno())
        return not self._poll.poll(0)  # the loop may not have looked yet

    def is_here(self) -> bool:
        """Return whether the running loop is the one that reads and writes."""
        return asyncio._get_running_loop() is self._loop

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection under the HTTP library's name for it."""
        if info == "ssl_object":
            return self._transport.get_extra_info(info)
        return socket_info(self._socket, info)

    def close(self) -> None:
        """Drop the connection; says no goodbye in TLS, which no server waits for.

        The descriptor is closed in the loop's next round. For the server the connection ends now: one that is
        opened in its place must not be one too many.
        """
        if self._loop.is_closed():
            bury(self._loop, self._transport)
            return
        self._transport.abort()
        self.end()

    def end(self) -> None:
        """End the connection for the server while its transport still has to close the descriptor."""
        shut_down(self._socket)

    async def closed(self) -> None:
        """Wait until the descriptor is closed."""
        await asyncio.shield(self._lost)

    def abandon(self) -> None:
        """Close this process's descriptor of a connection whose loop is closed or another process's; send nothing."""
        self.lapse = None
        if self._loop.is_closed():
            bury(self._loop, self._transport)
            return
        detach(self._socket, self, self._transport)
