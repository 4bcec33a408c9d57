"""The balances of one budget in one window, as a store keeps them."""

from collections.abc import Callable, Sequence
from typing import Any

from ..control.accounting.budget import Budget
from ..control.accounting.places import kept_until
from ..control.scope import key_in, parts_of
from ..control.windows import window
from ..errors import ConfigError
from ..stores import Ledger
from ..stores.place import place_of
from ..stores.tickets import new_ticket
from .budget_state import BudgetState, state_of
from .caller import BudgetCaller


class BudgetPage:
    """The balances of one budget in its present window.

    Args:
        io: How to wait.
        alias: The alias that has it.
        clients: The clients of the alias.
        budget: The budget.
        store: Where it is counted.
    """

    def __init__(self, io: Any, alias: str, clients: Any, budget: Budget, store: Any) -> None:
        self.alias = alias
        self.budget = budget
        kind = (budget.name, budget.unit, budget.per, budget.timezone, budget.scopes, budget.limit)
        self.place = place_of(store), kind
        self._io = io
        self._clients = clients
        self._store = store
        self._now = io.now()
        self._window = window(budget.per, budget.timezone, self._now)
        self._prefix = budget.prefix(self._window)

    def state(self, scope: str, ledger: Ledger) -> BudgetState:
        """Return a balance as it is shown."""
        return state_of(self.budget, self.alias, self._window, scope, ledger)

    async def balances(self, caller: BudgetCaller) -> dict[str, Ledger]:
        """Return the balances of a caller by scope: one, or of all models with a balance if none is given."""
        scope, others = await self._scope(caller)
        if others is not None:
            return {key: ledger for key, ledger in (await self.listed()).items() if others(key)}
        return {scope: await self._store.ledger(self._io, self._prefix + scope, self._now)}

    async def scopes(self, caller: BudgetCaller) -> list[str]:
        """Return the scopes of a caller: one, or of all models with a balance if none is given."""
        scope, others = await self._scope(caller)
        return [scope] if others is None else [key for key in await self.listed() if others(key)]

    async def listed(self) -> dict[str, Ledger]:
        """Return the balances of all scopes that have one."""
        ledgers = await self._able("ledgers")(self._io, self._prefix, self._now)
        found = {key.removeprefix(self._prefix): ledger for key, ledger in ledgers.items()}
        return {
            scope: ledger
            for scope, ledger in found.items()
            if parts_of(self.budget.scopes, scope) and (ledger.used or ledger.held or ledger.granted)
        }

    async def adjusted(self, scope: str, *, grant: int = 0, reset: bool = False) -> Ledger:
        """Reset the balance of a scope, or raise its limit, and return it."""
        adjust, until = self._able("adjust"), kept_until(self._window)
        key = self._prefix + scope
        ledger: Ledger = await adjust(self._io, new_ticket(), key, until, self._now, grant=grant, reset=reset)
        return ledger

    async def _scope(self, caller: BudgetCaller) -> tuple[str, Callable[[str], bool] | None]:
        """Return the scope of a caller, and what chooses those of all models where the caller names none."""
        scopes = self.budget.scopes
        by_account = {"tenant", "user"}.isdisjoint(scopes)
        account = await caller.account(self._clients, self._io) if by_account else None
        scope = key_in(scopes, caller.record(account))
        if "model" not in scopes or caller.knows_model:
            return scope, None
        mine, at = parts_of(scopes, scope), scopes.index("model")

        def others(key: str) -> bool:
            parts = parts_of(scopes, key)
            return parts is not None and mine is not None and _without(parts, at) == _without(mine, at)

        return scope, others

    def _able(self, name: str) -> Callable[..., Any]:
        method: Any = getattr(self._store, name, None)
        if method is None:
            raise ConfigError(
                f"The store {type(self._store).__qualname__} cannot list, reset and raise budgets: it lacks the method"
                f" {name!r} of `SharedStore`."
            )
        found: Callable[..., Any] = method
        return found


def _without(parts: Sequence[str], at: int) -> list[str]:
    return [*parts[:at], *parts[at + 1 :]]
