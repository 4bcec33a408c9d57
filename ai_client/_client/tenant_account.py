"""The account of a tenant, as the client that is made for it knows it."""

from collections.abc import Mapping
from typing import Any, TypeVar

from .._call.call import Call
from .._exchange.origins import for_anywhere, origin, without_credentials
from .._http.library import not_sent
from .._libraries import httpx
from ..credentials.kept import Found

T = TypeVar("T")


class TenantAccount:
    """Whose account a tenant's client uses, and where.

    Attributes:
        home: The client that it belongs to.
        found: The credentials.
        is_away: Whether they are for another origin than the client's.
    """

    __slots__ = ("_accounts", "_origin", "found", "home", "is_away")

    def __init__(self, accounts: Any, found: Found, base_url: "httpx.URL") -> None:
        self._accounts = accounts
        self._origin = origin(base_url)
        self.home: Any = accounts.client
        self.found = found
        self.is_away = self._origin != origin(self.home._base_url)

    def passed_on(self, headers: Mapping[str, T]) -> dict[str, T]:
        """Return the headers given for the client that this account may have too: none of its own account."""
        return for_anywhere(headers) if self.is_away else without_credentials(headers)

    async def renewed(self, call: Call) -> Any:
        """Return the client for the credentials in place of those that the API rejected.

        It is for this attempt of the call, so that it goes to the same origin; `None` where there is none.
        """
        try:
            found = await self._accounts.credentials.instead_of(call.io, self.found)
        except BaseException as error:
            not_sent(error)  # beside the attempt that was rejected
            raise
        if found is None:
            return None
        client = self._accounts.client_of(found)
        return client if client._account._origin == self._origin else None
