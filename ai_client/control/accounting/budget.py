"""Budgets: how much money, tokens or requests a scope may spend in a calendar window.

Before a call, the most that it may cost is reserved in the store; afterwards the actual cost is counted and the
rest released. So concurrent calls cannot spend the same money, within one process or across many.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from ..._call.call import Call
from ..._call.record import NANO, Record
from ..._call.usage import Usage
from ..._io import IO
from ...errors import BudgetExceeded, ConfigError, UnknownPriceError
from ...stores import Store
from ...stores.base import Ledger, OnExpired
from ..options.amounts import check_amounts
from ..pricing.billed import has_known_model, is_billed, is_by_tokens, is_media, is_of_text
from ..pricing.estimates import DEFAULT_OUTPUT_TOKENS, DEFAULT_UNSEEN_TOKENS, add_tools_asked, size_of
from ..pricing.media import expected as expected_of_media
from ..pricing.prices import Prices
from ..pricing.terms import NO_TERMS, Terms
from ..scope import Scope, key_in, scopes_of, shown_in
from ..windows import NEVER, Per, Window, window, zone
from .counted import Counted
from .parts import Amounts, BudgetWatcher, Part, Place, Unit
from .places import Places
from .warned import Warned, log_warning

logger = logging.getLogger("ai_client")
_REQUEST: Amounts = {"requests": 1, "tokens": 0, "usd": 0}


@dataclass(frozen=True, slots=True)
class BudgetWarning:
    """A budget that is nearly or fully used up, passed to `on_warning`.

    Attributes:
        budget: The budget.
        scope: Whose it is, such as `tenant=acme`.
        used, limit: In the budget's unit; the limit with what was granted in this window.
    """

    budget: "Budget"
    scope: str
    used: float
    limit: float


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A limit on spending in a calendar window; exactly one of `usd`, `tokens` and `requests` is given.

    Args:
        usd: The limit in USD.
        tokens: The limit in tokens.
        requests: The limit in requests.
        per: The window: a calendar minute, hour, day, week or month, or `total` for one without end.
        scope: Who gets a budget of this size: `all` together, each `endpoint`, `tenant`, `user`, `model` or `process`,
            or a combination of them. Calls without the label share one budget. The `model` is that which a call is sent
            to, as an alias or a fallback resolves it.
        timezone: The time zone of the calendar, by its IANA name.
        hard: Whether a call that does not fit is rejected; a soft budget only warns.
        warn_at: Share of the budget at which a warning is logged and `on_warning` called, as when it is used up: once
            per window by one of the processes that share the store.
        on_warning: A function or coroutine function that takes a `BudgetWarning`.
        status: The HTTP status with which an application reports the rejection, 429 or 402.
        name: Distinguishes budgets of the same unit, window and scope.
    """

    usd: float | None = None
    tokens: int | None = None
    requests: int | None = None
    per: Per = "day"
    scope: Scope | Sequence[Scope] = "all"
    timezone: str = "UTC"
    hard: bool = True
    warn_at: float | None = 0.8
    on_warning: Callable[[BudgetWarning], Any] | None = None
    status: Literal[402, 429] = 429
    name: str = ""
    unit: Unit = field(init=False)
    limit: int = field(init=False)
    scopes: tuple[Scope, ...] = field(init=False)
    places: Places = field(init=False, repr=False, compare=False)
    _warns_from: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        amounts: dict[Unit, float | None] = {
            "usd": self.usd,
            "tokens": self.tokens,
            "requests": self.requests,
        }
        given = [(unit, amount) for unit, amount in amounts.items() if amount is not None]
        if len(given) != 1:
            raise ConfigError("budget: set exactly one of usd, tokens and requests.")
        ((unit, amount),) = given
        check_amounts("budget", above_zero=False, **{unit: amount})
        check_amounts("budget", above_zero=True, warn_at=self.warn_at)
        zone(self.timezone)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "limit", round(amount * NANO) if unit == "usd" else int(amount))
        object.__setattr__(self, "scopes", scopes_of(self.scope, "budget: scope"))
        object.__setattr__(self, "_warns_from", min(self.warn_at or 1.0, 1.0) * self.limit)
        object.__setattr__(self, "places", Places(self))

    def key(self, record: Record, at: Window) -> str:
        """Return the key of the ledger in which a call counts."""
        return f"{self.prefix(at)}{key_in(self.scopes, record)}"

    def prefix(self, at: Window) -> str:
        """Return the beginning of the keys of a window, of which the rest is that of a caller in its scopes."""
        return f"{self.name}|{self.unit}|{at.name}|{self.timezone}|"

    def shown(self, amount: int) -> float:
        """Convert an amount of a ledger to the budget's unit; ledgers in USD count 10^-9 USD."""
        return amount / NANO if self.unit == "usd" else amount


@dataclass(frozen=True)
class Budgets(Counted):
    """Enforces budgets: reserves before a call and settles after it.

    Calls that only list, read or delete are not counted, nor are those that fail without being billed: a budget of
    requests counts those that were answered or may have been billed.

    A call never exceeds a hard budget as long as its tokens stay within the reservation: the estimated prompt,
    and its own limit of output tokens or else `output_tokens`. Before a retry after an attempt that may have
    been billed without an answer, the same amount is reserved again and the lost attempt is counted with its
    full reservation; where there is no room for that, the call is not retried.

    Args:
        budgets: The budgets; a call must fit every hard one.
        store: Where they are counted.
        prices: Prices of the models.
        output_tokens: Tokens reserved for the answer to a call that sets no limit of its own.
        expires: Seconds after which the reservation of a process that was killed expires; that of a call that lasts is
            renewed.
        on_expired: What then becomes of the amount: `count` counts it as used, as the provider may bill the call,
            `release` gives it back.
        unseen_tokens: Tokens reserved for each thing that a call refers to without holding it: an earlier response, a
            conversation, a stored prompt, a file by its id or address.
        watcher: Takes the balance of budgets after calls, for alerts.

    Attributes:
        measures: Whether any of them counts tokens or USD.
        in_usd: Whether any of them counts USD.
    """

    part: ClassVar[Part] = "budgets"
    budgets: Sequence[Budget]
    store: Store
    prices: Prices = field(default_factory=Prices)
    output_tokens: int = DEFAULT_OUTPUT_TOKENS
    expires: float = 900.0
    on_expired: OnExpired = "count"
    unseen_tokens: int = DEFAULT_UNSEEN_TOKENS
    watcher: BudgetWatcher | None = field(default=None, repr=False)
    measures: bool = field(init=False, repr=False, compare=False)
    in_usd: bool = field(init=False, repr=False, compare=False)
    _rejects_unpriced: bool = field(init=False, repr=False, compare=False)
    _warned: Warned = field(init=False, repr=False, compare=False)
    _near: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_amounts("budgets", above_zero=True, expires=self.expires)
        check_amounts(
            "budgets", above_zero=False, output_tokens=self.output_tokens, unseen_tokens=self.unseen_tokens
        )
        if self.on_expired not in ("count", "release"):
            raise ConfigError("budgets: on_expired must be 'count' or 'release'.")
        kinds = [(one.name, one.unit, one.per, one.timezone, one.scopes) for one in self.budgets]
        if len({*kinds}) < len(kinds):
            raise ConfigError("budgets: two have the same unit, window and scope; set a name on one of them.")
        object.__setattr__(self, "_warned", Warned(self.store))
        watched = 1.0 if self.watcher is None else self.watcher.least
        near = tuple(min(one._warns_from, watched * one.limit) for one in self.budgets)
        object.__setattr__(self, "_near", near)
        units = {budget.unit for budget in self.budgets}
        object.__setattr__(self, "measures", units != {"requests"})
        object.__setattr__(self, "in_usd", "usd" in units)
        is_hard = any(budget.unit == "usd" and budget.hard for budget in self.budgets)
        object.__setattr__(self, "_rejects_unpriced", is_hard and self.prices.has_source)

    def needed(self, call: Call, record: Record, terms: Terms = NO_TERMS) -> Amounts:
        """Return the amounts to reserve for a call.

        Raises:
            UnknownPriceError: A hard budget counts USD and the model's price is unknown. Where no price can be known at
                all, it only counts what answers report, of which the start of the application warns.
        """
        if not self.measures or not (is_of_text(call) or (is_billed(call) and has_known_model(call))):
            return _REQUEST
        usage = self._expected(call)
        cost = self.prices.most_nano_usd(usage, terms) if self.in_usd else 0
        if cost is None and self._rejects_unpriced:
            model = record.target_model or record.model
            where = "" if terms.address is None else f" at {urlsplit(terms.address).hostname}"
            raise UnknownPriceError(
                f"The price of the model {model!r} is unknown{where}, so its calls cannot be counted against a hard"
                " budget in USD. Set its price under `prices`, name the provider in `price_options`, or make the"
                " budget soft."
            )
        return {"requests": 1, "tokens": usage.total, "usd": cost or 0}

    def _expected(self, call: Call) -> Usage:
        """Return the usage that a call is likely to stay within."""
        if not is_by_tokens(call):
            return Usage("estimated")
        if is_media(call):
            return expected_of_media(call)
        size = size_of(call)
        usage = Usage("estimated", size.most(self.unseen_tokens), size.answer(self.output_tokens))
        add_tools_asked(usage, call)
        return usage

    def used(self, usage: Usage, record: Record, needed: Amounts, terms: Terms = NO_TERMS) -> Amounts:
        """Return the amounts that a call used; where they are unknown, the amounts that were reserved."""
        if usage.source == "unknown":
            return needed
        tokens = usage.input + usage.output or (needed["tokens"] if usage.has_media else 0)
        used: Amounts = {"requests": 1, "tokens": tokens, "usd": needed["usd"]}
        if self.in_usd:
            if record.prices is self.prices and record.usage is usage:  # already priced by `Cost`
                cost = record.nano_usd
            else:
                cost = self.prices.nano_usd(usage, usage.model, record.target_model or record.model, terms)
            if cost is not None:
                used["usd"] = cost
        return used

    def is_near(self, ledgers: Sequence[Ledger]) -> bool:
        """Return whether any budget reached `warn_at`, the watcher's share or its limit by these balances."""
        for index, ledger in enumerate(ledgers):  # noqa: SIM110 - a generator takes twice as long
            if ledger.used >= self._near[index]:
                return True
        return False

    async def warn(self, io: IO, record: Record, places: Sequence[Place], ledgers: Sequence[Ledger]) -> None:
        """Log a warning and call `on_warning` for each budget that reached `warn_at` or its limit, once per window.

        A budget that was reset, or whose limit was raised, may do so once more.

        Args:
            io: How to call `on_warning`.
            record: The record of the call.
            places: The ledgers of the budgets by name.
            ledgers: Their balances, in order; none while the store is down.
        """
        for budget, place, ledger in zip(self.budgets, places, ledgers):  # noqa: B905 - see `ledgers`
            if self.watcher is not None:
                self.watcher.balance(budget, record, place, ledger)
            if budget.warn_at is not None and ledger.used >= budget._warns_from:
                limit = budget.limit + ledger.granted
                reached = [one for one in {budget.warn_at, 1.0} if ledger.used >= one * limit]
                keys = [f"{place.key}|{one}{_since_changed(ledger)}" for one in reached]
                if [key for key in keys if await self._warned.is_first(io, key, place.until)]:
                    await self._warn(io, budget, shown_in(budget.scopes, record), ledger.used, limit)

    def refusal(
        self, position: int, ledger: Ledger, amount: int, record: Record, now: float
    ) -> BudgetExceeded:
        """Build the error for the budget at *position*, whose ledger has no room for *amount*."""
        budget = self.budgets[position]
        end, limit = window(budget.per, budget.timezone, now).end, budget.limit + ledger.granted
        after: float | None = None if end == NEVER else end - now
        if ledger.held and ledger.used + amount <= limit:
            after = 1.0  # calls in flight have reserved what is missing, and may release it
        what = f"{budget.shown(limit):g} {'USD' if budget.unit == 'usd' else budget.unit}"
        when = "" if budget.per == "total" else f" per {budget.per}"
        error = BudgetExceeded(
            f"The budget of {what}{when} has no room for this call.",
            retry_after=after,
            limit=budget.shown(limit),
            used=budget.shown(ledger.used),
            held=budget.shown(ledger.held),
            unit=budget.unit,
            scope=shown_in(budget.scopes, record),
        )
        error.status = budget.status
        return error

    async def _warn(self, io: IO, budget: Budget, scope: str, used: int, limit: int) -> None:
        warning = BudgetWarning(budget, scope, budget.shown(used), budget.shown(limit))
        log_warning(warning.used, warning.limit, f"{budget.unit} per {budget.per}", scope)
        if budget.on_warning is not None:
            try:
                await io.call(budget.on_warning, warning)
            except Exception:
                logger.exception("The on_warning function of a budget failed; the call is not affected.")


def _since_changed(ledger: Ledger) -> str:
    """Return what tells warnings apart that were given before and after a budget was reset or its limit raised."""
    changed = ledger.granted or ledger.resets
    return f"|{ledger.granted}|{ledger.resets}" if changed else ""
