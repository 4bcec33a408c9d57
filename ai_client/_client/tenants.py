"""The part of a client that performs the calls of tenants with their own credentials."""

from collections.abc import Callable, Sequence
from typing import Any

from .._call.call import Call
from .._call.pipeline import Policy
from .._exchange.origins import origin
from ..credentials import Label
from ..credentials.kept import KeptCredentials
from ..errors import ConfigError
from .accounts import Accounts, with_accounts
from .http_request import Messages


class Tenants(Messages):
    """Base of a client whose tenants may have credentials of their own."""

    _sync: bool
    _layers: tuple[Policy, ...]
    _credentials: KeptCredentials | None = None
    """The credentials by labels, in place of the client's own."""
    _accounts: Accounts | None = None

    def _ask_for_credentials(
        self, function: Callable[..., Any] | str | None, ttl: float, by: Sequence[Label] | None
    ) -> None:
        """Set the function that returns the credentials of a call's labels, or none.

        Raises:
            ConfigError: It is no function, or one of the other options is invalid.
        """
        self._credentials = None
        if function is not None:
            self._credentials = KeptCredentials(function, ttl=ttl, by=by, sync=self._sync)

    def _policies(self) -> tuple[Policy, ...]:
        """Return the policies around a call, outermost first, with that which finds the account of its tenant."""
        if self._credentials is None:
            return self._layers
        return with_accounts(self._layers, self._accounts_by(self._credentials))

    async def _for_account(self, call: Call) -> Call:
        """Return a call for the account that its labels have at this client."""
        return call if self._credentials is None else await self._accounts_by(self._credentials).on(call)

    def _accounts_by(self, credentials: KeptCredentials) -> Accounts:
        if self._accounts is None:
            self._accounts = Accounts(self, credentials)
        return self._accounts

    def _check_moved_from(self, other: "Tenants") -> None:
        """Raise where a copy would send the keys of tenants to another address than that which they are for.

        Raises:
            ConfigError: The copy has another origin than the client that it is a copy of.
        """
        if self._credentials is None or self._credentials is not other._credentials:
            return
        here, there = ((origin(one._base_url), one.websocket_base_url) for one in (self, other))
        if here != there:
            raise ConfigError(
                "The credentials function returns keys for the address of the client: give api_key, or credentials,"
                " together with another address."
            )
