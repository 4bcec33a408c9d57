"""Byte streams over sync sockets: TCP with keepalive, TLS, and TLS inside TLS."""

import contextlib
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, TypeVar

from .._http.library import Library

T = TypeVar("T")

READ_SIZE = 64 * 1024
_RECORD = 16 * 1024  # of TLS, which is sent whole once it is begun

_KEEPALIVE_SECONDS = 60
_KEEPALIVE_PROBES = 5


def _socket_options() -> list[tuple[int, int, int]]:
    options = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ]
    for name, value in (
        ("TCP_KEEPIDLE", _KEEPALIVE_SECONDS),
        ("TCP_KEEPALIVE", _KEEPALIVE_SECONDS),  # what macOS calls it
        ("TCP_KEEPINTVL", _KEEPALIVE_SECONDS),
        ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
    ):
        number = getattr(socket, name, None)
        if number is not None:
            options.append((socket.IPPROTO_TCP, number, value))
    return options


_OPTIONS = _socket_options()


def set_options(connection: socket.socket) -> None:
    """Disable Nagle's algorithm and enable keep-alive probes, which notice a lost peer within minutes."""
    for option in _OPTIONS:
        connection.setsockopt(*option)


def readable(descriptor: int) -> bool:
    """Return whether reading would not block: there is data, or the peer closed."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


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


def socket_info(connection: socket.socket, info: str) -> Any:
    """Return a property of a socket under the HTTP library's name for it."""
    if info == "socket":
        return connection
    if info == "client_addr":
        return connection.getsockname()
    return connection.getpeername() if info == "server_addr" else None


class SyncNetworkStream:
    """A connected socket of a sync pool.

    Attributes:
        deadline: When the exchange under way must be over, in seconds of `time.monotonic`, whatever time each step
            is granted; `None` is never.
        sent: Bytes handed to the operating system so far.
    """

    __slots__ = ("_errors", "_socket", "_timeout", "deadline", "sent")

    def __init__(self, connection: socket.socket, library: Library, deadline: float | None = None) -> None:
        self._socket: socket.socket | _TunnelledTLS = connection
        self._errors: Any = library.http
        self._timeout = connection.gettimeout()
        self.deadline = deadline
        self.sent = 0

    @classmethod
    def connect(
        cls, host: str, port: int, timeout: float | None, library: Library, deadline: float | None = None
    ) -> "SyncNetworkStream":
        """Connect.

        Args:
            host: Name or address.
            port: Port.
            timeout: Seconds that each of the host's addresses gets.
            library: Whose `ConnectError` and `ConnectTimeout` are raised.
            deadline: When the exchange must be over.
        """
        try:
            connection = _connect(host, port, timeout, deadline)
        except (OSError, UnicodeError) as error:
            raise connect_error(error, library) from error
        return cls(connection, library, deadline)

    def start_tls(self, context: ssl.SSLContext, name: str, timeout: float | None, library: Library) -> None:
        """Start TLS with the server called *name*."""
        try:
            self._set_timeout(timeout)
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket = _TunnelledTLS(self._socket, context, name)
            elif isinstance(self._socket, socket.socket):
                self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except (OSError, ValueError) as error:
            raise connect_error(error, library) from error

    def _set_timeout(self, timeout: float | None) -> None:
        """Grant the next step a time, less where the deadline is near.

        Raises:
            TimeoutError: There is none.
        """
        if self.deadline is not None or timeout != self._timeout:
            timeout = time_for(timeout, self.deadline)
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
            size = _RECORD if isinstance(self._socket, ssl.SSLSocket | _TunnelledTLS) else READ_SIZE
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
        if isinstance(connection, ssl.SSLSocket | _TunnelledTLS) and connection.pending():
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
        return self._socket.outer if isinstance(self._socket, _TunnelledTLS) else self._socket

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


def time_for(timeout: float | None, deadline: float | None) -> float | None:
    """Return the seconds for one step; `None` is without an end, as is what no operating system can count.

    Raises:
        TimeoutError: There are none.
    """
    if deadline is not None:
        left = deadline - monotonic()
        timeout = left if timeout is None else min(timeout, left)
    if timeout is None or timeout > threading.TIMEOUT_MAX:
        return None
    if timeout <= 0:
        raise TimeoutError
    return timeout


def _connect(host: str, port: int, timeout: float | None, deadline: float | None) -> socket.socket:
    """Connect to the first of the host's addresses that answers."""
    failure: OSError | None = None
    time_for(timeout, deadline)
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = None
        try:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(time_for(timeout, deadline))
            connection.connect(address)
            set_options(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return connection
    raise failure or OSError("The name has no address.")


def connect_error(error: Exception, library: Library) -> Exception:
    """Return the library's exception for a failure to connect."""
    if isinstance(error, TimeoutError):
        timeout: Exception = library.http.ConnectTimeout("Timed out connecting.")
        return timeout
    failure: Exception = library.http.ConnectError(str(error))
    return failure


class _TunnelledTLS:
    """TLS over a TLS socket, for an https server behind an https proxy; enough of a socket for a stream."""

    __slots__ = ("_end", "_incoming", "_outgoing", "_timeout", "outer", "tls")

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, name: str) -> None:
        self.outer = outer
        self._end: float | None = None
        self._timeout = outer.gettimeout()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._run(self.tls.do_handshake)

    def _run(self, step: Callable[..., T], *args: Any) -> T:
        self._end = monotonic() + self._timeout if self._timeout else None
        while True:
            try:
                result = step(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._mind_the_end()
                received = self.outer.recv(READ_SIZE)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        data = self._outgoing.read()
        while data:
            self._mind_the_end()
            data = data[self.outer.send(data) :]

    def _mind_the_end(self) -> None:
        """Give the outer socket the time left for this step, which may need several of its reads and writes."""
        if self._end is not None:
            self.outer.settimeout(time_for(None, self._end))

    def send(self, data: bytes | memoryview) -> int:
        return self._run(self.tls.write, data)

    def recv(self, size: int) -> bytes:
        try:
            return self._run(self.tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def pending(self) -> int:
        return self.tls.pending() + self._incoming.pending + self.outer.pending()

    def settimeout(self, timeout: float | None) -> None:
        self.outer.settimeout(timeout)
        self._timeout = timeout

    def fileno(self) -> int:
        return self.outer.fileno()

    def detach(self) -> int:
        return self.outer.detach()

    def close(self) -> None:
        self.outer.close()
