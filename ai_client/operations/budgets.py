"""The balances of the budgets of an application: read, reset and raised."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from .._call.record import NANO
from .._io.reading import aread, read
from .._params.omit import omit
from ..control.accounting.budget import Budget, Budgets
from ..errors import ConfigError
from ..stores.base import MOST
from .budget_page import BudgetPage
from .budget_state import BudgetState, name_of
from .caller import BudgetCaller, Given
from .configured import Aliases, policies_of

_SECONDS = 5.0
"""Seconds that a balance may take to be read or changed."""
_SECONDS_OF_ALL = 30.0
"""Seconds that all balances may take."""


class BudgetBook:
    """The balances of budgets in their present windows.

    That of a provider covers the clients of all aliases, and shows a budget that several of them share once. Each
    method has a twin that begins with `a` for async code: these methods block while they read, on an event loop too.

    Labels that are not given are those of the request being served; `None` is a call without the label. The model is
    that which a call is sent to, as an alias or a fallback resolves it.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def remaining(
        self,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
    ) -> list[BudgetState]:
        """Return the balance of each budget in which a call with these labels counts.

        Of a budget for each model, where no model is given: those of all models with a balance.

        Raises:
            ConfigError: No control `budgets` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        caller = BudgetCaller(endpoint, tenant, user, model)
        return read(partial(self._remaining, caller), _SECONDS)

    async def aremaining(
        self,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
    ) -> list[BudgetState]:
        """Return balances like `remaining`, without blocking the event loop."""
        caller = BudgetCaller(endpoint, tenant, user, model)
        return await aread(partial(self._remaining, caller), _SECONDS)

    def states(self) -> list[BudgetState]:
        """Return the balance of everybody who has one: a scope in which something was used, is held or was granted.

        Raises:
            ConfigError: No control `budgets` is configured, or a backend of the application's own cannot list them.
            StoreError: A store is down, or did not answer in time.
        """
        return read(self._states, _SECONDS_OF_ALL)

    async def astates(self) -> list[BudgetState]:
        """Return all balances like `states`, without blocking the event loop."""
        return await aread(self._states, _SECONDS_OF_ALL)

    def reset(
        self,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
        budget: str | None = None,
    ) -> list[BudgetState]:
        """Take away what is used at this moment, and return the balances; what calls under way hold stays held.

        Warnings of the budget are given again once it reaches its marks anew. Totals of usage stay as they are.

        Args:
            endpoint: The endpoint of calls that count there.
            tenant: Their tenant.
            user: Their user.
            model: Their model; all models that have a balance if not given.
            budget: The name of the budget, as `BudgetState.name` has it; all of theirs if not given.

        Raises:
            ConfigError: There is no such budget, or a backend of the application's own cannot reset it.
            StoreError: A store is down, or did not answer in time; what it did is not known then.
        """
        caller = BudgetCaller(endpoint, tenant, user, model)
        return read(partial(self._reset, caller, budget), _SECONDS)

    async def areset(
        self,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
        budget: str | None = None,
    ) -> list[BudgetState]:
        """Reset balances like `reset`, without blocking the event loop."""
        caller = BudgetCaller(endpoint, tenant, user, model)
        return await aread(partial(self._reset, caller, budget), _SECONDS)

    def grant(
        self,
        amount: float | Decimal,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
        budget: str | None = None,
    ) -> BudgetState:
        """Raise what may be spent in this window, in all processes at once, and return the balance.

        What was used stays used, and the limit grows; in the next window it is the budget's own again. Warnings of the
        budget are given again once it reaches its marks of the new limit.

        Args:
            amount: What is added, in the budget's unit: USD, tokens or requests.
            endpoint: The endpoint of calls that count there.
            tenant: Their tenant.
            user: Their user.
            model: Their model, which a budget for each model needs.
            budget: The name of the budget, as `BudgetState.name` has it; needed where there are several.

        Raises:
            ConfigError: The amount is not above zero, or it is not clear which budget is meant; or a backend of the
                application's own cannot raise it.
            StoreError: A store is down, or did not answer in time; what it did is not known then.
        """
        caller = BudgetCaller(endpoint, tenant, user, model)
        return read(partial(self._grant, amount, caller, budget), _SECONDS)

    async def agrant(
        self,
        amount: float | Decimal,
        *,
        endpoint: Given = omit,
        tenant: Given = omit,
        user: Given = omit,
        model: Given = omit,
        budget: str | None = None,
    ) -> BudgetState:
        """Raise a limit like `grant`, without blocking the event loop."""
        caller = BudgetCaller(endpoint, tenant, user, model)
        return await aread(partial(self._grant, amount, caller, budget), _SECONDS)

    def _pages(self, io: Any, name: str | None = None) -> list[BudgetPage]:
        """Return the pages of the budgets, or of those of a name; one that several aliases share has one page."""
        found: dict[Any, BudgetPage] = {}
        for alias, policy in policies_of(self._aliases, Budgets, "budgets"):
            for budget in policy.budgets:
                page = BudgetPage(io, alias, self._aliases[alias], budget, policy.store)
                found.setdefault(page.place, page)
        chosen = [page for page in found.values() if name in {None, page.budget.name, name_of(page.budget)}]
        if not chosen:
            names = ", ".join(repr(name_of(page.budget)) for page in found.values())
            raise ConfigError(f"budget: there is none of the name {name!r}; they are {names}.")
        return chosen

    async def _remaining(self, caller: BudgetCaller, io: Any) -> list[BudgetState]:
        return [
            page.state(scope, ledger)
            for page in self._pages(io)
            for scope, ledger in (await page.balances(caller)).items()
        ]

    async def _states(self, io: Any) -> list[BudgetState]:
        return [
            page.state(scope, ledger)
            for page in self._pages(io)
            for scope, ledger in sorted((await page.listed()).items())
        ]

    async def _reset(self, caller: BudgetCaller, name: str | None, io: Any) -> list[BudgetState]:
        return [
            page.state(scope, await page.adjusted(scope, reset=True))
            for page in self._pages(io, name)
            for scope in await page.scopes(caller)
        ]

    async def _grant(
        self, amount: float | Decimal, caller: BudgetCaller, name: str | None, io: Any
    ) -> BudgetState:
        pages = self._pages(io, name)
        if len(pages) > 1:
            names = ", ".join(f"{name_of(page.budget)!r} of {page.alias!r}" for page in pages)
            raise ConfigError(
                f"budget: several are meant: {names}. Name one, and take it from `provider[alias]` where aliases have"
                " the same."
            )
        (page,) = pages
        if "model" in page.budget.scopes and not caller.knows_model:
            raise ConfigError(
                f"model: the budget {name_of(page.budget)!r} is one for each model; name the model."
            )
        (scope,) = await page.scopes(caller)
        return page.state(scope, await page.adjusted(scope, grant=_counted(amount, page.budget)))


def _counted(amount: object, budget: Budget) -> int:
    """Return an amount in a budget's unit as its ledger counts it.

    Raises:
        ConfigError: It is no number above zero, a part of a token or request, or more than a ledger can hold.
    """
    exact = Fraction(0)
    if isinstance(amount, int | float | Decimal) and not isinstance(amount, bool):
        with suppress(ValueError, OverflowError):  # infinite, or no number
            exact = Fraction(str(amount)) * (NANO if budget.unit == "usd" else 1)
    if not 0 < exact <= MOST:
        raise ConfigError(f"amount: expected a number of {budget.unit} above zero, not {amount!r}.")
    if exact.denominator != 1:
        smallest = "10^-9 USD" if budget.unit == "usd" else f"one of {budget.unit}"
        raise ConfigError(f"amount: {amount} is no multiple of {smallest}, in which the budget is counted.")
    return int(exact)
