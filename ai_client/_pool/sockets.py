"""TCP sockets, whoever waits for them: their options, whether they can be read, and the time for a step."""

import select
import socket
import threading
from time import monotonic
from typing import Any

from .._http.library import Library

READ_SIZE = 64 * 1024
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


def poll_of(descriptor: int) -> select.poll:
    """Return what tells whether reading would not block: there is data, or the peer closed."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll


def readable(descriptor: int) -> bool:
    """Return whether reading would not block."""
    return bool(poll_of(descriptor).poll(0))


def socket_info(connection: socket.socket, info: str) -> Any:
    """Return a property of a socket under the HTTP library's name for it."""
    if info == "socket":
        return connection
    if info == "client_addr":
        return connection.getsockname()
    return connection.getpeername() if info == "server_addr" else None


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


def connect_error(error: Exception, library: Library) -> Exception:
    """Return the library's exception for a failure to connect."""
    if isinstance(error, TimeoutError):
        timeout: Exception = library.http.ConnectTimeout("Timed out connecting.")
        return timeout
    failure: Exception = library.http.ConnectError(str(error))
    return failure
