"""What a WebSocket connection is opened with, and opened again after it broke."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from .sessions import Session, opened

if TYPE_CHECKING:
    import httpx

    from .._call.call import Call
    from .._params.omit import Omit
    from .client import SessionClient
    from .socket import Socket


@dataclass(frozen=True, slots=True)
class ReconnectingEvent:
    """One attempt to open a broken connection again.

    Attributes:
        attempt: Which attempt this is, from 1.
        max_attempts: How many there will be.
        delay: Seconds until it is made.
        close_code: The WebSocket close code that made it necessary.
        extra_query, extra_headers: What the connection was opened with.
    """

    attempt: int
    max_attempts: int
    delay: float
    close_code: int
    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"] = field(repr=False)


class ReconnectingOverrides(TypedDict, total=False):
    """What an `on_reconnecting` function may change."""

    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"]
    abort: bool


@dataclass(slots=True)
class Opening:
    """How to open a connection, and how to open it again."""

    client: "SessionClient"
    path: str
    query: Mapping[str, object]
    extra_query: Mapping[str, object]
    extra_headers: Mapping[str, "str | Omit"]
    options: Mapping[str, Any]
    on_reconnecting: Callable[[ReconnectingEvent], ReconnectingOverrides | None] | None = None
    max_retries: int = 5
    initial_delay: float = 0.5
    max_delay: float = 8.0
    max_queue_size: int = 1_048_576

    async def open(self) -> Session:
        """Open a session.

        Raises:
            ClientClosedError: The client is closed.
        """
        client = self.client
        client._check_usable()
        return await opened(client, self.path, {**self.query, **self.extra_query}.get("model"), self.connect)

    async def reopen(self, session: Session) -> "Socket":
        """Open another connection for a session.

        Raises:
            ClientClosedError: The client was closed.
        """
        session.check()
        within = self.client.deadline
        deadline = None if within is None else time.monotonic() + within
        return (await self.connect(session.call.changed(deadline=deadline)))[0]

    async def connect(self, call: "Call") -> "tuple[Socket, httpx.Response]":
        """Open a connection; return it with the server's answer."""
        from .handshake import open_socket  # noqa: PLC0415 - needed once a connection is opened

        query = {**self.query, **self.extra_query}
        return await open_socket(self.client, call, query, self.extra_headers, self.options)
