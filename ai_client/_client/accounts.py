"""The account of a call: a tenant's own, by the labels of the call, over the connections of the one client."""

from operator import attrgetter
from typing import Any

from .._call.call import Call, Reply
from .._call.pipeline import Next
from .._exchange.origins import without_secrets
from ..credentials.kept import Found, KeptCredentials
from ..errors import ConfigError
from .tenant_account import TenantAccount

_CLIENTS_KEPT = 500
_AT_ANY_ORIGIN = "api-version"
"""The parameter of every request that says how to talk to the API, and is no secret."""
_settings = attrgetter(
    "io",
    "timeout",
    "max_retries",
    "stream_end",
    "websocket_base_url",
    "_base_url",
    "_bounds",
    "_custom_headers",
    "_custom_query",
    "_sender",
)
"""Settings that a tenant's client takes from the client, each of which may be changed at any time."""


class Accounts:
    """The policy that finds the account of a call, and the clients of tenants that perform it.

    Args:
        client: The client that they belong to.
        credentials: The credentials by labels.
    """

    def __init__(self, client: Any, credentials: KeptCredentials) -> None:
        self.client = client
        self.credentials = credentials
        self._clients: dict[str, tuple[object, Any]] = {}

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Pass a call on to the account of its tenant, unless it is for another client already."""
        return await proceed(call if call.via is not None else await self.on(call))

    async def on(self, call: Call) -> Call:
        """Return a call as it is for the account of its tenant, or as it is where that has none of its own.

        Raises:
            OpenAIError: The application's function failed.
        """
        from ..control.record import record_of  # noqa: PLC0415 - only where tenants have credentials

        record = call.record or record_of(call)
        found = await self.credentials.of(call.io, record.labels)
        record.account = found.fingerprint
        return call if found.credentials is None else call.changed(via=self.client_of(found))

    def client_of(self, found: Found) -> Any:
        """Return the client of a tenant; it is kept for as long as the settings of the client are the same."""
        assert found.fingerprint is not None  # noqa: S101 - as there are credentials
        settings = _settings(self.client)
        kept = self._clients.get(found.fingerprint)
        if kept is not None and kept[0] == settings:
            return kept[1]
        try:
            made = self._make(found)
        except ConfigError as error:
            failure = ConfigError(f"credentials: {error}")
        else:
            if len(self._clients) >= _CLIENTS_KEPT:
                self._clients.clear()
            self._clients[found.fingerprint] = settings, made
            return made
        raise failure  # outside, as a frame of the other one holds an address, which may hold a password

    def _make(self, found: Found) -> Any:
        credentials, client = found.credentials, self.client
        assert credentials is not None  # noqa: S101 - as there is a fingerprint
        address = credentials.base_url
        new = client.copy(base_url=address, credentials=None, layers=())
        new._take_key(credentials.api_key)
        new.organization, new.project = credentials.organization, credentials.project
        if address is None:
            new._userinfo = b""
            if client.websocket_base_url is not None:
                new.websocket_base_url = client._library.http.URL(client.websocket_base_url).copy_with(
                    userinfo=b""
                )
        else:
            new.websocket_base_url = None
        account = new._account = TenantAccount(self, found, new._base_url)
        new._fingerprint = found.fingerprint
        new._custom_headers = account.passed_on(client._custom_headers)
        query = without_secrets(new._custom_query)
        new._custom_query = {
            name: query[name] for name in query if not account.is_away or name == _AT_ANY_ORIGIN
        }
        return new


def with_accounts(layers: tuple[Any, ...], accounts: Accounts) -> tuple[Any, ...]:
    """Put what finds accounts before the first policy that keeps accounts apart, after those that only watch."""
    first = next((n for n, layer in enumerate(layers) if getattr(layer, "_by_account", False)), len(layers))
    return (*layers[:first], accounts, *layers[first:])
