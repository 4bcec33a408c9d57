"""Options with which a WebSocket connection is opened and reopened."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from .._exchange.origins import for_anywhere, without_secrets
from .._libraries import httpx
from .._params.omit import Headers, Omit, Query
from ..errors import AuthenticationError
from .sessions import Session, opened

if TYPE_CHECKING:
    from .._call.call import Call
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
    """Changes that an `on_reconnecting` function may return."""

    extra_query: Mapping[str, object]
    """The query parameters to use from now on, in place of the former `extra_query`."""
    extra_headers: Mapping[str, "str | Omit"]
    """The headers to use from now on, in place of the former `extra_headers`."""
    abort: bool
    """`True` makes no further attempt; the connection is then at its end."""


OnReconnecting: TypeAlias = Callable[[ReconnectingEvent], ReconnectingOverrides | None]

MAX_RETRIES = 5
INITIAL_DELAY = 0.5
"""Seconds."""
MAX_DELAY = 8.0
"""Seconds."""
MAX_QUEUE_SIZE = 1_048_576
"""Bytes."""


class ConnectOptions(TypedDict, total=False):
    """The keywords that every `connect` method takes."""

    extra_query: Query | None
    """Query parameters of the connection, laid over the client's."""
    extra_headers: Headers | None
    """Headers of the connection, laid over the client's; the value `omit` removes one."""
    websocket_connection_options: Mapping[str, Any] | None
    """Keywords for the websockets package's `connect`."""
    on_reconnecting: OnReconnecting | None
    """A function that is called before each attempt to open a broken connection again; without it there is none."""
    max_retries: int
    """How many such attempts there are in a row, at most; by default 5."""
    initial_delay: float
    """Seconds before the first attempt; by default 0.5. The delay doubles with each attempt."""
    max_delay: float
    """Seconds between two attempts, at most; by default 8."""
    max_queue_size: int
    """Bytes of events that wait for the connection, at most; by default 1 MiB, and 2 MiB for live sessions."""


@dataclass(slots=True)
class Opening:
    """How to open a connection, and how to open it again."""

    client: "SessionClient"
    path: str
    query: Mapping[str, object]
    extra_query: Query | None = None
    extra_headers: Headers | None = None
    websocket_connection_options: Mapping[str, Any] | None = None
    on_reconnecting: OnReconnecting | None = None
    max_retries: int = MAX_RETRIES
    initial_delay: float = INITIAL_DELAY
    max_delay: float = MAX_DELAY
    max_queue_size: int = MAX_QUEUE_SIZE

    async def open(self) -> Session:
        """Open a session.

        Raises:
            ClientClosedError: The client is closed.
        """
        client = self.client
        client._check_usable()
        return await opened(client, self.path, self._whole_query().get("model"), self.connect)

    async def reopen(self, session: Session) -> "Socket":
        """Open another connection for a session.

        Raises:
            ClientClosedError: The client was closed.
        """
        session.check()
        within = self.client.deadline
        deadline = None if within is None else time.monotonic() + within
        call = session.call.changed(deadline=deadline)
        return (await self.connect(await self.client._for_account(call)))[0]

    async def connect(self, call: "Call") -> "tuple[Socket, httpx.Response]":
        """Open a connection; return it with the server's answer."""
        client: SessionClient = self.client if call.via is None else call.via
        try:
            return await self._connect(client, call)
        except AuthenticationError:
            renewed = None if client._account is None else await client._account.renewed(call)
            if renewed is None:
                raise
        return await self._connect(renewed, call)

    async def _connect(self, client: "SessionClient", call: "Call") -> "tuple[Socket, httpx.Response]":
        from .handshake import open_socket  # noqa: PLC0415 - needed once a connection is opened

        query, headers = self._whole_query(), self.extra_headers or {}
        options = dict(self.websocket_connection_options or {})
        if client._account is not None and client._account.is_away:
            query, headers = without_secrets(query), for_anywhere(headers)
            options["additional_headers"] = for_anywhere(dict(options.get("additional_headers") or {}))
        return await open_socket(client, call, query, headers, options)

    def _whole_query(self) -> Mapping[str, object]:
        return {**self.query, **(self.extra_query or {})}
