"""TCP sockets, whoever waits for them: their options, whether they can be read, and the time for a step."""

import contextlib
import select
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, cast

from .._http.library import Library
from .._params.secrets import shown_file

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
_BIND_ADDRESS_NO_PORT: int | None = 24 if sys.platform.startswith("linux") else None
"""Linux' option that leaves the choice of a port to `connect`, which can reuse one towards another server."""


class WayError(OSError):
    """A way to a server that the options of a client forbid or that this machine does not have."""


def near(uds: str | None) -> list[Any]:
    """Return a unix socket as `getaddrinfo` returns addresses; nothing where there is none."""
    return [] if uds is None else [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", uds)]


def pauses() -> Iterator[float]:
    """Yield the seconds to wait between attempts to connect to a unix socket whose queue is full.

    The operating system says so at once, and nothing says when there is a place again.
    """
    pause = 0.001
    while True:
        yield pause
        pause = min(2 * pause, 0.05)


def reachable(addresses: Iterable[Any], local: str | None) -> Sequence[Any]:
    """Return those of some addresses that can be connected to from a local one.

    Raises:
        WayError: There are none.
    """
    found = [*addresses]
    if local is None:
        return found
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    found = [entry for entry in found if entry[0] in {family, socket.AF_UNIX}]
    if not found:
        kind = "IPv6" if family == socket.AF_INET6 else "IPv4"
        raise WayError(f"The host has no {kind} address, which local_address {local} needs.")
    return found


def bind(connection: socket.socket, local: str | None) -> None:
    """Have a socket connect from a local address.

    Raises:
        WayError: This machine does not have it.
    """
    if local is None or connection.family == socket.AF_UNIX:
        return
    if _BIND_ADDRESS_NO_PORT is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    try:
        *_, place = socket.getaddrinfo(local, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
        connection.bind(place)
    except OSError as error:
        raise WayError(f"local_address: nothing can be sent from {local} ({error.strerror}).") from error


def set_options(connection: socket.socket) -> None:
    """Disable Nagle's algorithm and enable keep-alive probes, which notice a lost peer within minutes."""
    if connection.family == socket.AF_UNIX:
        return
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


def connect_error(error: Exception, library: Library, uds: str | None = None) -> Exception:
    """Return the library's exception for a failure to connect, to the unix socket at *uds* if that is given."""
    if isinstance(error, TimeoutError):
        timeout: Exception = library.http.ConnectTimeout("Timed out connecting.")
        return timeout
    failure: Any = library.http.ConnectError(str(error))
    if uds is not None:
        failure.said = f"uds: nothing answers at {shown_file(uds)} ({getattr(error, 'strerror', error)})."
    elif isinstance(error, WayError):
        failure.said = str(error)
    return cast("Exception", failure)
