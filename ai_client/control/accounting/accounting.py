"""Counts calls for budgets, cost and rate limits together: one store operation before a call and one after it."""

from collections.abc import Coroutine, Mapping
from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._io import IO
from ...errors import RateLimitError
from ...stores import Backend, Store
from ..pricing.billed import TEXT_PATHS, is_billed
from ..pricing.meter import usage_of
from ..record import record_of
from .parts import BudgetsPart, CostPart, Part, RatesPart
from .places import PlaceFinder
from .reservation import Reservation

_ORDER: tuple[Part, ...] = ("budgets", "cost", "rates")


class Accounting:
    """Counts calls for adjacent policies that share a store.

    Args:
        parts: The policies by name. Budgets are checked before rates, so that a call waits for its rates with
            nothing reserved. Cost prices the usage before budgets settle it.

    Attributes:
        measures: Whether the usage of a call is needed.
        asks: Whether streams are asked to report their usage.
        prices_calls: Whether the cost of a call is needed.
        places: Finds the ledgers and windows in which a call counts.
    """

    __slots__ = (
        "_is_warm",
        "_of_free",
        "_of_reads",
        "asks",
        "budgets",
        "cost",
        "expires",
        "instant",
        "measures",
        "parts",
        "places",
        "prices_calls",
        "rates",
        "store",
    )

    def __init__(self, parts: Mapping[Part, Any]) -> None:
        self.parts = parts
        budgets: BudgetsPart | None = parts.get("budgets")
        cost: CostPart | None = parts.get("cost")
        rates: RatesPart | None = parts.get("rates")
        weighs = (budgets is not None and budgets.measures) or (rates is not None and rates.in_tokens)
        self.budgets, self.cost, self.rates = budgets, cost, rates
        self.measures = weighs or cost is not None
        self.asks = weighs or (cost is not None and cost.ask)
        self.prices_calls = cost is not None or (budgets is not None and budgets.in_usd)
        self.places = PlaceFinder(
            () if budgets is None else budgets.budgets, () if rates is None else rates.limits
        )
        stores = [part.store for part in parts.values() if part.store is not None]
        self.store: Store | None = stores[0] if stores else None
        self.expires = 0.0 if budgets is None else budgets.expires
        self.instant: Backend | None = None if self.store is None else self.store.instant
        self._of_free = self._with("budgets", "rates")
        self._of_reads = self._with("rates")
        self._is_warm = False

    def may_include(self, inner: Any) -> bool:
        """Return whether this may also count for *inner*, the policy next inside, without any visible difference."""
        if any(_ORDER.index(part) >= _ORDER.index(inner.part) for part in self.parts):
            return False
        return self.store is None or inner.store is None or inner.store is self.store

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Reserve, send the call, and settle with what it used.

        Raises:
            BudgetExceeded: A hard budget has no room for the most that the call may need.
            RateLimitExceeded: A rate limit has no room within `max_wait`.
            ConfigError: A hard budget counts USD and the model's price is unknown.
            StoreError: The store is down and configured to reject calls then.
        """
        accounting = self if call.method == "POST" and call.path in TEXT_PATHS else self._of(call)
        if not accounting._is_warm:
            await accounting._warm_up(call.io)
        budgets, rates = accounting.budgets, accounting.rates
        record = call.record or record_of(call)
        reservation = Reservation(accounting, call, record)
        usage = None
        reply: Reply | None = None
        try:
            if not reservation.is_admitted():
                await reservation.admitted()
            reply = await proceed(reservation.sent)
            if reply.is_made and record.billable == reservation.billed_before:  # nothing was sent
                await call.io.carry_through(reservation.fail())
                return reply
            if accounting.measures and call.stream is None and not call.unread:
                usage = usage_of(call, reply, record)
        except BaseException as error:
            if rates is not None and isinstance(error, RateLimitError):
                rates.learn(record, error.response, call.io.now())
            await _settle(call.io, reservation.fail(), reply, error)
            raise
        finally:
            record.before_retry = reservation.outer
        try:
            now = call.io.now()
            if rates is not None and rates.upstream:
                rates.learn(record, reply.response, now)
            if accounting.measures and usage is None:
                reservation.settle_at_end_of(reply)
                return reply
            ledgers = reservation.settled_at_once(usage, now)
            if ledgers is None:
                ledgers = await reservation.settled(usage, now)
            if budgets is not None and budgets.are_low(ledgers):
                await reservation.warn(ledgers)
        except BaseException as error:
            await _settle(call.io, reservation.settled_anyway(usage), reply, error)
            raise
        return reply

    def _of(self, call: Call) -> "Accounting":
        """Return the accounting for a call: rates only where it lists, reads or deletes; no cost where it is free."""
        if call.session:
            return self
        if call.method != "POST":
            return self._of_reads
        return self if is_billed(call) else self._of_free

    def _with(self, *names: Part) -> "Accounting":
        parts: dict[Part, Any] = {name: part for name, part in self.parts.items() if name in names}
        return self if len(parts) == len(self.parts) else Accounting(parts)

    async def _warm_up(self, io: IO) -> None:
        """Start loading the prices; wait for them only where a budget is in USD."""
        if self.budgets is not None and self.budgets.in_usd:
            await self.budgets.prices.ready(io)
        if self.cost is not None:
            self.cost.prices.warm()
        self._is_warm = True


async def _settle(
    io: IO, settlement: Coroutine[Any, Any, None], reply: Reply | None, error: BaseException
) -> None:
    """Settle a call that raises *error*, and close its answer even if the settlement is cancelled once more."""
    try:
        await io.carry_through(settlement)
    finally:
        if reply is not None:
            await reply.abandon(io, error)
