"""The balances of the budgets of an application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from .._call.labels import current_labels
from .._call.record import Record
from .._io.reading import aread, read
from .._params.omit import Omit, is_mark, omit
from ..control.accounting.budget import Budget, Budgets
from ..control.accounting.parts import Unit
from ..control.scope import shown_in
from ..control.windows import NEVER, Per, Window, window
from ..stores import Ledger, Store
from ..stores.place import place_of
from .configured import Aliases, policies_of
from .export import usd

_SECONDS = 5.0
"""Seconds that reading may take."""


@dataclass(frozen=True, kw_only=True)
class BudgetState:
    """The balance of one scope of a budget in the present window. Amounts are in the unit: USD, tokens or requests.

    Attributes:
        name: The budget's name; for one without, its unit, window and scope, such as `usd/day/tenant`.
        alias: The alias whose clients it is for; of several that share it, the first.
        unit: `usd`, `tokens` or `requests`.
        per: The kind of its window.
        timezone: The time zone of its calendar.
        scope: Whose balance it is, such as `tenant=acme`.
        hard: Whether calls that do not fit are rejected.
        limit: What may be spent in this window.
        used: What was spent.
        held: What calls under way have reserved.
        remaining: What is left of the limit; below zero where more was spent.
        starts: When the window began; `None` for one without end.
        resets_at: When it ends; `None` for one without end.
    """

    name: str
    alias: str
    unit: Unit
    per: Per
    timezone: str
    scope: str
    hard: bool
    limit: float
    used: float
    held: float
    remaining: float
    starts: datetime | None
    resets_at: datetime | None

    def _exact(self) -> Mapping[str, Decimal | int]:
        """Return the amounts as they are counted, which a `float` of very many USD cannot hold."""
        found: Mapping[str, Decimal | int] = self.__dict__.get("_amounts", {})
        return found


class _Book:
    """A budget, and where it counts."""

    def __init__(self, alias: str, budget: Budget, store: Store) -> None:
        self.alias = alias
        self.budget = budget
        self.store = store
        kind = (budget.name, budget.unit, budget.per, budget.timezone, budget.scopes, budget.limit)
        self.place = place_of(store), kind

    @property
    def name(self) -> str:
        """The name by which it is shown."""
        return name_of(self.budget)

    def state(self, at: Window, scope: str, ledger: Ledger) -> BudgetState:
        """Return a balance as it is shown."""
        budget = self.budget
        used, held, limit = ledger.used, ledger.held, budget.limit
        ends = at.end < NEVER
        state = BudgetState(
            name=self.name,
            alias=self.alias,
            unit=budget.unit,
            per=budget.per,
            timezone=budget.timezone,
            scope=scope,
            hard=budget.hard,
            limit=budget.shown(limit),
            used=budget.shown(used),
            held=budget.shown(held),
            remaining=budget.shown(limit - used - held),
            starts=datetime.fromtimestamp(at.start, UTC) if ends else None,
            resets_at=datetime.fromtimestamp(at.end, UTC) if ends else None,
        )
        amounts = {"limit": limit, "used": used, "held": held, "remaining": limit - used - held}
        exact = {name: usd(amount) if budget.unit == "usd" else amount for name, amount in amounts.items()}
        object.__setattr__(state, "_amounts", exact)
        return state


class BudgetBook:
    """The balances of budgets in their present windows.

    That of a provider covers the clients of all aliases, and shows a budget that several of them share once.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def remaining(
        self,
        *,
        endpoint: str | Omit | None = omit,
        tenant: str | Omit | None = omit,
        user: str | Omit | None = omit,
        model: str | None = None,
    ) -> list[BudgetState]:
        """Return the balance of each budget in which a call with these labels counts; blocks while it reads.

        Labels that are not given are those of the request being served; `None` is a call without the label.

        Args:
            endpoint: The endpoint of the call.
            tenant: Its tenant.
            user: Its user.
            model: The model that it is sent to, as an alias or a fallback resolves it.

        Raises:
            ConfigError: No control `budgets` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        record = _record(endpoint, tenant, user, model)
        return read(partial(self._remaining, record), _SECONDS)

    async def aremaining(
        self,
        *,
        endpoint: str | Omit | None = omit,
        tenant: str | Omit | None = omit,
        user: str | Omit | None = omit,
        model: str | None = None,
    ) -> list[BudgetState]:
        """Return balances like `remaining`, without blocking the event loop."""
        record = _record(endpoint, tenant, user, model)
        return await aread(partial(self._remaining, record), _SECONDS)

    def _books(self) -> Sequence[_Book]:
        found: dict[Any, _Book] = {}
        for alias, policy in policies_of(self._aliases, Budgets, "budgets"):
            for budget in policy.budgets:
                book = _Book(alias, budget, policy.store)
                found.setdefault(book.place, book)
        return list(found.values())

    async def _remaining(self, record: Record, io: Any) -> list[BudgetState]:
        now = io.now()
        states: list[BudgetState] = []
        for book in self._books():
            at = window(book.budget.per, book.budget.timezone, now)
            ledger = await book.store.ledger(io, book.budget.key(record, at), now)
            states.append(book.state(at, shown_in(book.budget.scopes, record), ledger))
        return states


def name_of(budget: Budget) -> str:
    """Return the name by which a budget is shown and chosen."""
    if budget.name:
        return budget.name
    parts = [budget.unit, budget.per, "+".join(budget.scopes)]
    if budget.timezone != "UTC":
        parts.append(budget.timezone)
    return "/".join(parts)


def _record(
    endpoint: str | Omit | None, tenant: str | Omit | None, user: str | Omit | None, model: str | None
) -> Record:
    """Return the record of a call with the given labels, and for the rest those of the current context."""
    given = {"endpoint": endpoint, "tenant": tenant, "user": user}
    labels = {name: value for name, value in given.items() if not is_mark(value)}
    return Record(current_labels()._replace(**labels), model)  # type: ignore[arg-type]  # no marks are left
