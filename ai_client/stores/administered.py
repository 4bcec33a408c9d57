"""The interface of a backend whose ledgers an operator may list and change."""

from typing import Any, Protocol

from ..errors import ConfigError
from .base import Ledger


class AdministeredBackend(Protocol):
    """A backend whose ledgers can be listed, reset and raised, as those of this package can.

    One of an application's own may do without; then budgets are counted all the same, and only this is missing.

    Raises:
        StoreError: From every method, where the backend cannot be reached.
    """

    def ledgers(self, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*, by key; one without a balance may be left out."""
        ...

    def adjust(
        self, ticket: str, key: str, until: float, now: float, *, grant: int = 0, reset: bool = False
    ) -> Ledger:
        """Reset a ledger or raise its limit, in one step with all admissions and settlements.

        Args:
            ticket: Identifies the change; repeating it changes nothing.
            key: The ledger.
            until: When the ledger may be deleted.
            now: The current time.
            grant: An amount to add to its limit from now on.
            reset: Whether what is used at that moment is taken away. What is held stays held; a reservation that has
                expired and counts as used goes too, and counts again once it is settled.

        Returns:
            Its balance afterwards.
        """
        ...


def administered(backend: Any, need: str) -> AdministeredBackend:
    """Return a backend that can be administered.

    Raises:
        ConfigError: It cannot; the message says *need*, what it is needed for.
    """
    if callable(getattr(backend, "ledgers", None)) and callable(getattr(backend, "adjust", None)):
        found: AdministeredBackend = backend
        return found
    raise ConfigError(
        f"The store's backend {type(backend).__qualname__} cannot {need}: it lacks the methods 'ledgers' and 'adjust'"
        " of ai_client.stores.AdministeredBackend."
    )
