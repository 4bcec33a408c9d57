"""Count calls for budgets, cost and rate limits together: reserve in the store, send the call, settle in the store."""

from collections.abc import Awaitable, Mapping
from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._exchange.answer import Answer
from ..._io import IO
from ...errors import APIStatusError
from ...stores import Store
from ..pricing.billed import is_billed
from ..pricing.prices import Prices
from ..record import note_model, record_of
from .later import asked_for, begins_work, settle_work
from .noted import may_be_noted, noted
from .parts import BudgetsPart, CostPart, Part, RatesPart
from .reservation import Reservation

_ORDER: tuple[Part, ...] = ("budgets", "cost", "rates")


class Accounting:
    """A policy that counts calls for adjacent policies that share a store.

    Args:
        parts: The policies by name. Budgets are checked before rates, so that a call waits for its rates with
            nothing reserved. Cost prices the usage before budgets settle it.
        uses_tokens: Whether the calls may use tokens; the usage of others is not looked at.

    Attributes:
        store: Where they count; `None` where cost is measured and not added up.
        expires: Seconds after which a reservation expires that is neither settled nor renewed.
        name: The names of the policies, which tell apart what several of them keep in one store.
        measures: Whether the usage of a call is needed.
        asks: Whether streams are asked to report their usage.
        prices_calls: Whether the cost of a call is needed.
        noted_cost: The cost, where it alone is counted and can be recorded without waiting.
    """

    _by_account = True

    def __init__(self, parts: Mapping[Part, Any], *, uses_tokens: bool = True) -> None:
        self.parts = parts
        self.budgets: BudgetsPart | None = parts.get("budgets")
        self.cost: CostPart | None = parts.get("cost")
        self.rates: RatesPart | None = parts.get("rates")
        self.store: Store | None = next(
            (part.store for part in parts.values() if part.store is not None), None
        )
        self.expires = 0.0 if self.budgets is None else self.budgets.expires
        self.name = "+".join(parts)
        limits_tokens = bool(self.budgets and self.budgets.measures) or bool(
            self.rates and self.rates.in_tokens
        )
        self._prices = self._prices_needed()
        self.noted_cost = self.cost if [*parts] == ["cost"] and _records(self.store) else None
        self.measures = uses_tokens and (limits_tokens or self.cost is not None)
        self.asks = limits_tokens or bool(self.cost and self.cost.ask)
        self.prices_calls = self.measures and bool(self.cost or (self.budgets and self.budgets.in_usd))
        if uses_tokens:
            self._of_free_calls = self._only("budgets", "rates")
            self._of_reads = self._only("rates")

    def _prices_needed(self) -> Prices | None:
        if self.budgets is not None and self.budgets.in_usd:
            return self.budgets.prices
        return None if self.cost is None else self.cost.prices

    def may_include(self, inner: Any) -> bool:
        """Return whether this may also count for *inner*, the policy next inside, without any visible difference."""
        if any(_ORDER.index(part) >= _ORDER.index(inner.part) for part in self.parts):
            return False
        return self.store is None or inner.store is None or inner.store is self.store

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Reserve, send the call, and settle with what it used.

        Raises:
            BudgetExceeded: A hard budget has no room for the most that the call may need.
            RateLimitExceeded: A rate limit has no room within `max_wait`.
            ConfigError: A hard budget counts USD and the model's price is unknown.
            StoreError: The store is down and configured to reject calls then.
        """
        if self.noted_cost is not None and may_be_noted(self.noted_cost, call):
            return noted(self.noted_cost, call, proceed)
        counted = self._for(call)._count(call, proceed)
        work = asked_for(call) if self.measures else None
        return counted if work is None else self._settle_work(call, counted, work)

    async def _settle_work(self, call: Call, counted: Awaitable[Reply], work: str) -> Reply:
        reply = await counted
        await settle_work(self, call, reply, work)
        return reply

    def _for(self, call: Call) -> "Accounting":
        """Return what counts a call: only rates where it lists, reads or deletes, no cost where it is free."""
        if call.session:
            return self
        if call.method != "POST":
            return self._of_reads
        return self if is_billed(call) or begins_work(call) else self._of_free_calls

    def _only(self, *names: Part) -> "Accounting":
        """Return the accounting of some of the policies for calls that use no tokens."""
        return Accounting(
            {name: part for name, part in self.parts.items() if name in names}, uses_tokens=False
        )

    async def _count(self, call: Call, proceed: Next) -> Reply:
        io, record = call.io, call.record or record_of(call)
        note_model(call, record)
        if self._prices is not None and not self._prices.is_ready:
            await self._load_prices(io, self._prices)
        reservation = Reservation(self, call, record)
        try:
            await reservation.reserve()
            reply = await proceed(reservation.sent)
        except BaseException as error:
            try:
                reservation.end(Answer.of(error.response) if isinstance(error, APIStatusError) else None)
            finally:
                await io.carry_through(reservation.settle_failed())
            raise
        try:
            reservation.end(reply.answer)
            await reservation.settle_answered(reply)
        except BaseException as error:  # cancelled, interrupted, or the store is closed to calls
            try:
                await io.carry_through(reservation.settle_again(reply))
            finally:
                await reply.abandon(io, error)
            raise
        return reply

    async def _load_prices(self, io: IO, prices: Prices) -> None:
        """Load the prices: before the call where a budget is in USD, else while it is under way."""
        if self.budgets is not None and self.budgets.in_usd:
            await prices.ready(io)
        else:
            prices.warm()


def _records(store: Store | None) -> bool:
    """Return whether totals can be recorded without waiting; a store of the application's own may lack the method."""
    return store is None or hasattr(store, "record")
