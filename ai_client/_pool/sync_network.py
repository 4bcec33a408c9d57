"""Byte streams over blocking sockets, with TLS or without."""

import contextlib
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from .._http.library import Library
from .sockets import READ_SIZE, connect_error, readable, socket_info, time_for
from .tunnelled_tls import TunnelledTLS

_RECORD = 16 * 1024  # of TLS, which is sent whole once it is begun


def spoken(streams: "Iterable[SyncNetworkStream]") -> "set[SyncNetworkStream]":
    """Return those of some streams on which something has arrived or that the other side closed."""
    poll = select.poll()
    found: dict[int, SyncNetworkStream] = {}
    for stream in streams:
        descriptor = stream.fileno()
        if descriptor >= 0:
            found[descriptor] = stream
            poll.register(descriptor, select.POLLIN)
    return {found[descriptor] for descriptor, _ in poll.poll(0)} if found else set()


class SyncNetworkStream:
    """A connected socket of a sync pool.

    Attributes:
        deadline: When the exchange under way must be over, in seconds of `time.monotonic`, whatever time each step
            is granted; `None` is never.
        sent: Bytes handed to the operating system so far.
    """

    __slots__ = ("_errors", "_socket", "_timeout", "deadline", "sent")

    def __init__(self, connection: socket.socket, library: Library, deadline: float | None = None) -> None:
        self._socket: socket.socket | TunnelledTLS = connection
        self._errors: Any = library.http
        self._timeout = connection.gettimeout()
        self.deadline = deadline
        self.sent = 0

    def start_tls(self, context: ssl.SSLContext, name: str, timeout: float | None, library: Library) -> None:
        """Start TLS with the server called *name*."""
        try:
            self._set_timeout(timeout)
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket = TunnelledTLS(self._socket, context, name)
            elif isinstance(self._socket, socket.socket):
                self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except (OSError, ValueError) as error:
            raise connect_error(error, library) from error

    def _set_timeout(self, timeout: float | None) -> None:
        """Grant the next step a time, less where the deadline is near.

        Raises:
            TimeoutError: There is none.
        """
        if self.deadline is None and timeout == self._timeout:
            return
        timeout = time_for(timeout, self.deadline)
        if timeout is not None:
            timeout = (
                ceil(timeout * 1000) / 1000
            )  # as exactly as the system counts; most steps are granted the same
        if timeout != self._timeout:
            self._socket.settimeout(timeout)
            self._timeout = timeout

    def write(self, data: bytes, timeout: float | None) -> None:
        """Send everything; *timeout* is in seconds, for each step forward."""
        try:
            self._set_timeout(timeout)
            sent = self._socket.send(data)
            self.sent += sent
            if sent < len(data):
                rest = memoryview(data)[sent:]
                while rest:
                    self._set_timeout(timeout)
                    sent = self._socket.send(rest)
                    self.sent += sent
                    rest = rest[sent:]
        except TimeoutError as error:
            raise self._errors.WriteTimeout("Timed out sending the request.") from error
        except OSError as error:
            raise self._errors.WriteError(str(error)) from error

    def upload(self, data: bytes, timeout: float | None, answers: Callable[[bytes], bool]) -> bool:
        """Send everything, as `write`, until what the server says meanwhile *answers*; return whether it does."""
        left = memoryview(data)
        listens = True
        while left:
            if listens and self._is_heard(timeout):
                if said := self.read_buffered():
                    if answers(said):
                        return True
                    continue
                listens = not self._is_heard(0)  # it may have closed its side, which says nothing
            size = _RECORD if isinstance(self._socket, ssl.SSLSocket | TunnelledTLS) else READ_SIZE
            piece = left[:size]
            self.write(bytes(piece), timeout)
            left = left[len(piece) :]
        return False

    def _is_heard(self, timeout: float | None) -> bool:
        """Wait until data can be sent or has arrived; return whether it has arrived."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN | select.POLLOUT)
        try:
            limit = None if timeout == 0 else time_for(timeout, self.deadline)
        except TimeoutError:
            return False  # the next step says so
        milliseconds = 0 if timeout == 0 else None if limit is None else limit * 1000
        return any(events & select.POLLIN for _, events in poll.poll(milliseconds))

    def read(self, timeout: float | None, size: int = READ_SIZE) -> bytes:
        """Receive available bytes, waiting up to *timeout* seconds; empty at the end."""
        try:
            self._set_timeout(timeout)
            return self._socket.recv(size)
        except TimeoutError as error:
            raise self._errors.ReadTimeout("Timed out waiting for the server.") from error
        except OSError as error:
            raise self._errors.ReadError(str(error)) from error

    def fileno(self) -> int:
        """Return the descriptor, -1 once it is closed."""
        return self._socket.fileno()

    def quiet(self) -> bool:
        """Return whether the connection is open with no unread data, and so reusable."""
        connection = self._socket
        if isinstance(connection, ssl.SSLSocket | TunnelledTLS) and connection.pending():
            return False
        descriptor = connection.fileno()
        return descriptor >= 0 and not readable(descriptor)

    def read_buffered(self) -> bytes:
        """Receive what has arrived, without waiting; nothing where nothing has."""
        if self.quiet():
            return b""
        try:
            self._socket.settimeout(0)
            self._timeout = -1.0  # which no step is granted
            return self._socket.recv(READ_SIZE)
        except OSError:
            return b""

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection under the HTTP library's name for it."""
        connection = self._socket
        if info == "ssl_object":
            return connection if isinstance(connection, ssl.SSLSocket) else getattr(connection, "tls", None)
        return socket_info(self._raw(), info)

    def _raw(self) -> socket.socket:
        return self._socket.outer if isinstance(self._socket, TunnelledTLS) else self._socket

    def interrupt(self) -> None:
        """End a read or write of another thread with an error; that thread closes the stream."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(
                self._raw(), socket.SHUT_RDWR
            )  # the socket's own, as TLS's would forget its state

    def close(self) -> None:
        """Close the descriptor; says no goodbye in TLS, which no server of HTTP waits for."""
        self._socket.close()

    def abandon(self) -> None:
        """Close this process's descriptor of a connection that another process uses; send nothing."""
        descriptor = self._socket.detach()
        if descriptor >= 0:
            os.close(descriptor)
