"""How the transport of an asyncio loop ends where that loop cannot, or must not, close it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any

# Transports of another process's loop: their finalizers would complain, or meddle with that loop's descriptors.
_abandoned: list[object] = []


def shut_down(connection: socket.socket) -> None:
    """Shut down a socket whose descriptor another owner closes."""
    with contextlib.suppress(OSError):  # closed already, by either side
        connection.shutdown(socket.SHUT_RDWR)


def detach(connection: socket.socket, *kept: object) -> None:
    """Close this process's descriptor of another's connection; *kept* is what belongs to the other's loop."""
    _abandoned.append(kept)  # after a fork both share the selector of that loop: it must not be touched
    descriptor = connection.detach()
    if descriptor >= 0:
        os.close(descriptor)


def bury(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
    """Close the transport of a closed loop completely, so that its finalizer does not warn."""
    try:
        loop.call_soon = _at_once  # type: ignore[method-assign, assignment]  # a closed loop refuses what is left to do
    except AttributeError:
        return  # not a loop in Python; such a one closes its transports with itself, now or just before
    transport.abort()


def _at_once(callback: Callable[..., object], *args: Any, context: object = None) -> None:  # noqa: ARG001 -- the loop's signature
    if isinstance(getattr(callback, "__self__", None), asyncio.BaseTransport | asyncio.BaseProtocol):
        callback(*args)  # but no step of a task, which is not to run in whatever thread this is
