"""Byte streams over asyncio transports; as `_network`, for the tasks of one event loop."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from .._http.library import Library
from .sync_network import READ_SIZE, connect_error, readable, set_options, socket_info

_HIGH_WATER = 4 * READ_SIZE
_NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305 recommends it
_HANDSHAKE_SECONDS = 60.0

# Transports of another process's loop: their finalizers would complain, or meddle with that loop's descriptors.
_abandoned: list[object] = []


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
        "_errors",
        "_library",
        "_loop",
        "_lost",
        "_paused",
        "_received",
        "_size",
        "_socket",
        "_transport",
        "_waiter",
        "idle",
        "lapse",
        "sent",
    )

    _transport: asyncio.Transport

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
        self._errors: Any = library.http
        self._received: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None  # of the task that reads
        self._drained: asyncio.Future[None] | None = None  # of the task that writes, if it must wait
        self._lost: asyncio.Future[None] = loop.create_future()
        self.idle = False
        self.lapse: Callable[[], None] | None = None
        self.sent = 0

    @classmethod
    async def connect(
        cls, host: str, port: int, buffer: memoryview, library: Library
    ) -> "AsyncNetworkStream":
        """Connect to the first of the host's addresses that answers."""
        loop = asyncio.get_running_loop()
        try:
            connection = await _connect(loop, await _resolve(loop, host, port))
        except (OSError, UnicodeError) as error:
            raise connect_error(error, library) from error
        stream = cls(loop, connection, buffer, library)
        try:
            await loop.create_connection(lambda: stream, sock=connection)
        except BaseException:
            _end(connection)
            raise
        return stream

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Start TLS with the server called *name*."""
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
            raise self._errors.ConnectError("The server closed the connection during the TLS handshake.")
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
        _wake(self._waiter)
        _wake(self._drained)  # wake a sender that waits

    def eof_received(self) -> None:
        self._ended = True
        self._end_rest()
        _wake(self._waiter)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        _wake(self._drained)
        self._drained = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        _wake(self._waiter)
        _wake(self._drained)
        _wake(self._lost)
        self._end_rest()
        self.lapse = None  # which leads back here

    def _end_rest(self) -> None:
        if self.idle and self.lapse is not None:
            self.idle = False
            self.lapse()
            if not self._transport.is_closing():
                self._loop.call_soon(self.close)  # not now, as TLS goes on after its calls to here

    # What the pool calls.

    def rest(self) -> None:
        """Lie idle from now on; what happened before ends that at once."""
        self.idle = True
        if self._ended or self._received:
            self._end_rest()

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Send everything, waiting up to *timeout* seconds where the other side is slow to take it."""
        transport = self._transport
        if transport.is_closing():
            raise self._errors.WriteError("The server closed the connection.")
        if timeout is not None and timeout <= 0:
            raise self._errors.WriteTimeout("There is no time to send the request.")
        transport.write(data)
        if transport.is_closing():
            raise self._errors.WriteError("The server closed the connection.")
        self.sent += len(data)
        if self._drained is not None:
            if self._drained.done():
                self._drained = self._loop.create_future()
            await self._wait(self._drained, timeout, "WriteTimeout", "Timed out sending the request.")
            if self._error is not None:
                raise self._errors.WriteError(str(self._error))

    async def upload(self, data: bytes, timeout: float | None) -> bytes:
        """Send everything, as `write`, unless the server says something meanwhile; return what it says."""
        if not self._received:
            await self.write(data, timeout)
            return self.read_buffered() if self._received else b""
        said = self.read_buffered()
        try:
            await self.write(data, timeout)
        except BaseException:
            self._received.insert(
                0, said
            )  # an answer that came before the connection ended is still to be read
            self._size += len(said)
            raise
        return said

    async def read(self, timeout: float | None) -> bytes:
        """Receive available bytes, waiting up to *timeout* seconds; empty at the end."""
        if not self._received and not self._ended:
            if timeout is not None and timeout <= 0:
                raise self._errors.ReadTimeout("There is no time to wait for the server.")
            self._waiter = self._loop.create_future()
            try:
                await self._wait(self._waiter, timeout, "ReadTimeout", "Timed out waiting for the server.")
            finally:
                self._waiter = None
        if not self._received and self._error is not None:
            raise self._errors.ReadError(str(self._error))
        return self.read_buffered()

    async def _wait(
        self,
        future: asyncio.Future[None],
        timeout: float | None,
        kind: str,
        message: str,
    ) -> None:
        if timeout is None:
            await future
            return
        timer = self._loop.call_later(timeout, _fail, future, self._errors, kind, message)
        try:
            await future
        finally:
            timer.cancel()

    def read_buffered(self) -> bytes:
        """Receive what has arrived, without waiting; nothing where nothing has."""
        received = self._received
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
        return not readable(self._socket.fileno())  # the loop may not have looked yet

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
            self._bury()
            return
        self._transport.abort()
        self.end()

    def end(self) -> None:
        """End the connection for the server while its transport still has to close the descriptor."""
        _end(self._socket)

    async def closed(self) -> None:
        """Wait until the descriptor is closed."""
        await asyncio.shield(self._lost)

    def abandon(self) -> None:
        """Close this process's descriptor of a connection whose loop is closed or another process's; send nothing."""
        self.lapse = None
        if self._loop.is_closed():
            self._bury()
            return
        # After a fork, parent and child share the selector of the parent's loop: it must not be touched.
        _abandoned.append((self, self._transport))
        descriptor = self._socket.detach()
        if descriptor >= 0:
            os.close(descriptor)

    def _bury(self) -> None:
        """Close the transport of a closed loop completely, so that its finalizer does not warn."""
        try:
            self._loop.call_soon = _at_once  # type: ignore[method-assign, assignment]  # a closed loop takes no callbacks
        except (
            AttributeError
        ):  # not a loop in Python; such a one closes its transports with itself, now or just before
            return
        self._transport.abort()


def _end(connection: socket.socket) -> None:
    """Shut down a socket whose descriptor another owner closes."""
    with contextlib.suppress(OSError):  # closed already, by either side
        connection.shutdown(socket.SHUT_RDWR)


def _at_once(callback: Callable[..., object], *args: Any, context: object = None) -> None:  # noqa: ARG001 -- the loop's signature
    callback(*args)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], errors: Any, kind: str, message: str) -> None:
    if not future.done():
        future.set_exception(getattr(errors, kind)(message))


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Sequence[Any]:
    """Resolve the host's addresses, alternating families (RFC 8305); names are looked up in a thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    mixed: list[Any] = []
    while first or others:
        mixed += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return mixed


async def _connect(loop: asyncio.AbstractEventLoop, addresses: Sequence[Any]) -> socket.socket:
    """Try the addresses, the next one when the last failed or took too long; keep the first that connects."""
    if len(addresses) == 1:
        return await _connect_to(loop, addresses[0])
    attempts: set[asyncio.Task[socket.socket]] = set()
    failures: list[BaseException] = []
    left = list(addresses)
    try:
        while left or attempts:
            if left:
                attempts.add(loop.create_task(_connect_to(loop, left.pop(0))))
            done, attempts = await asyncio.wait(
                attempts,
                timeout=_NEXT_ADDRESS_SECONDS if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            connected = [attempt.result() for attempt in done if attempt.exception() is None]
            for spare in connected[1:]:
                spare.close()
            if connected:
                return connected[0]
            failures += [error for attempt in done if (error := attempt.exception()) is not None]
        raise failures[0]
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close_late)


def _close_late(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _connect_to(loop: asyncio.AbstractEventLoop, address: Any) -> socket.socket:
    family, kind, protocol, _, place = address
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        set_options(connection)
        await loop.sock_connect(connection, place)
    except BaseException:
        connection.close()
        raise
    return connection
