"""The balance of a budget as it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..control.accounting.budget import Budget
from ..control.accounting.parts import Unit
from ..control.windows import NEVER, Per, Window
from ..stores import Ledger
from .export import usd


@dataclass(frozen=True, kw_only=True)
class BudgetState:
    """The balance of one scope of a budget in the present window. Amounts are in the unit: USD, tokens or requests.

    Attributes:
        name: The budget's name; for one without, its unit, window and scope, such as `usd/day/tenant`.
        alias: The alias whose clients it is for; of several that share it, the first.
        unit: `usd`, `tokens` or `requests`.
        per: The kind of its window.
        timezone: The time zone of its calendar.
        scope: Whose balance it is, such as `tenant=acme`; with `account=` and a digest where a tenant's own key is
            counted apart.
        hard: Whether calls that do not fit are rejected.
        limit: What may be spent in this window, with what was granted.
        granted: What was added to the budget's own limit in this window.
        used: What was spent, since the last reset if there was one.
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
    granted: float
    used: float
    held: float
    remaining: float
    starts: datetime | None
    resets_at: datetime | None

    def _exact(self) -> Mapping[str, Decimal | int]:
        """Return the amounts as they are counted, which a `float` of very many USD cannot hold."""
        found: Mapping[str, Decimal | int] = self.__dict__.get("_amounts", {})
        return found


def state_of(budget: Budget, alias: str, at: Window, scope: str, ledger: Ledger) -> BudgetState:
    """Return the balance of a ledger as it is shown."""
    limit = budget.limit + ledger.granted
    amounts = {
        "limit": limit,
        "granted": ledger.granted,
        "used": ledger.used,
        "held": ledger.held,
        "remaining": limit - ledger.used - ledger.held,
    }
    ends = at.end < NEVER
    shown: dict[str, Any] = {name: budget.shown(amount) for name, amount in amounts.items()}
    state = BudgetState(
        name=name_of(budget),
        alias=alias,
        unit=budget.unit,
        per=budget.per,
        timezone=budget.timezone,
        scope=scope,
        hard=budget.hard,
        starts=datetime.fromtimestamp(at.start, UTC) if ends else None,
        resets_at=datetime.fromtimestamp(at.end, UTC) if ends else None,
        **shown,
    )
    exact = {name: usd(amount) if budget.unit == "usd" else amount for name, amount in amounts.items()}
    object.__setattr__(state, "_amounts", exact)
    return state


def name_of(budget: Budget) -> str:
    """Return the name by which a budget is shown and chosen."""
    if budget.name:
        return budget.name
    parts = [budget.unit, budget.per, "+".join(budget.scopes)]
    if budget.timezone != "UTC":
        parts.append(budget.timezone)
    return "/".join(parts)
