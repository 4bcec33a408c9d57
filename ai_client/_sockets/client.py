"""The client as WebSocket sessions see it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from .._call.call import Call
from .._call.pipeline import Policy
from .._call.protocols import Client, Gate
from .._libraries import httpx
from .open_sessions import Sessions

if TYPE_CHECKING:
    from .._client.blocking_calls import BlockingCalls
    from .._client.http_request import Header
    from .._client.tenant_account import TenantAccount
    from .._exchange.bounds import Bounds
    from .._http.library import Library
    from .._http.options import PoolOptions
    from .._params.omit import Omit


class SessionClient(Client, Protocol):
    """A client of either kind, its credentials, policies and open sessions."""

    deadline: float | None
    websocket_base_url: "str | httpx.URL | None"
    _blocking_calls: "BlockingCalls | None"
    _bounds: "Bounds"
    _connections: "PoolOptions"
    _fetches_key: bool
    _gate: Gate | None
    _account: "TenantAccount | None"
    _library: "Library"
    _sessions: Sessions

    @property
    def base_url(self) -> "str | httpx.URL":
        """The address below which all paths are."""
        ...

    @property
    def default_headers(self) -> "Mapping[str, str | Omit]":
        """The headers of every request, without the authorization."""
        ...

    @property
    def default_query(self) -> Mapping[str, object]:
        """The query parameters of every request."""
        ...

    def is_closed(self) -> bool:
        """Return whether the client is closed."""
        ...

    def _check_usable(self) -> None:
        """Raise where the client is closed, or must not block here."""
        ...

    def _policies(self) -> tuple[Policy, ...]:
        """Return the policies around a call, outermost first."""
        ...

    async def _for_account(self, call: Call, /) -> Call:
        """Return a call for the account that its labels have at this client."""
        ...

    def _socket_address(
        self, base: "httpx.URL", path: str, query: Mapping[str, object], /
    ) -> "tuple[httpx.URL, Mapping[str, object]]":
        """Return where a WebSocket of that path is, below *base*, and its query."""
        ...

    def _authorization(self, call: Call, /) -> "Header | None":
        """Return the header that authorizes *call* with the key at hand."""
        ...

    async def _fetch_key(self, call: Call, /) -> "Header | None":
        """Ask for the key, and return the header that authorizes *call* with it."""
        ...
