"""Counts calls for budgets, cost and rate limits together: one store operation before a call and one after it."""

from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from typing import Any

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.usage import Usage
from ..._io import IO
from ...errors import RateLimitError
from ...stores import Backend, Store
from ...stores.base import Ledger, Spend
from ..pricing.billed import TEXT_PATHS, is_billed
from ..pricing.meter import metered, usage_of
from ..record import record_of
from .later import Begun, asked_for, begins_work, id_in, key_of, usage_in
from .parts import BudgetsPart, CostPart, Part, RatesPart
from .places import PlaceFinder
from .reservation import Reservation

_ORDER: tuple[Part, ...] = ("budgets", "cost", "rates")


class Accounting:
    """Counts calls for adjacent policies that share a store.

    Args:
        parts: The policies by name. Budgets are checked before rates, so that a call waits for its rates with
            nothing reserved. Cost prices the usage before budgets settle it.
        is_free: Whether the calls use no tokens, whatever their answers report.

    Attributes:
        measures: Whether the usage of a call is needed.
        asks: Whether streams are asked to report their usage.
        prices_calls: Whether the cost of a call is needed.
        name: The names of the policies, which tell apart what several of them keep in one store.
        places: Finds the ledgers and windows in which a call counts.
    """

    _by_account = True
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
        "name",
        "parts",
        "places",
        "prices_calls",
        "rates",
        "store",
    )

    def __init__(self, parts: Mapping[Part, Any], *, is_free: bool = False) -> None:
        self.parts = parts
        budgets: BudgetsPart | None = parts.get("budgets")
        cost: CostPart | None = parts.get("cost")
        rates: RatesPart | None = parts.get("rates")
        weighs = (budgets is not None and budgets.measures) or (rates is not None and rates.in_tokens)
        self.budgets, self.cost, self.rates = budgets, cost, rates
        self.measures = (weighs or cost is not None) and not is_free
        self.name = "+".join(parts)
        self.asks = weighs or (cost is not None and cost.ask)
        self.prices_calls = self.measures and (cost is not None or (budgets is not None and budgets.in_usd))
        self.places = PlaceFinder(
            () if budgets is None else budgets.budgets, () if rates is None else rates.limits
        )
        stores = [part.store for part in parts.values() if part.store is not None]
        self.store: Store | None = stores[0] if stores else None
        self.expires = 0.0 if budgets is None else budgets.expires
        self.instant: Backend | None = None if self.store is None else self.store.instant
        self._of_free = self if is_free else self._free("budgets", "rates")
        self._of_reads = self if is_free else self._free("rates")
        self._is_warm = False

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
        if call.method == "POST" and call.path in TEXT_PATHS:
            return self._counted(call, proceed)
        accounting = self._of(call)
        work = asked_for(call) if self.measures else None
        if work is not None and self.store is not None:
            return self._followed(accounting._counted(call, proceed), call, work, self.store)
        return accounting._counted(call, proceed)

    async def _counted(self, call: Call, proceed: Next) -> Reply:
        if not self._is_warm:
            proceed = await self._warmed_up(call.io, proceed)
        rates = self.rates
        record = call.record or record_of(call)
        reservation = Reservation(self, call, record)
        usage = None
        reply: Reply | None = None
        try:
            if not reservation.is_admitted():
                await reservation.admitted()
            reply = await proceed(reservation.sent)
            if reply.is_made and record.billable == reservation.billed_before:  # nothing was sent
                await call.io.carry_through(reservation.fail())
                return reply
            if self.measures and call.stream is None and not call.unread:
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
            if self.measures and usage is None:
                reservation.settle_at_end_of(reply)
                return reply
            ledgers = reservation.settled_at_once(usage, now)
            if ledgers is None:
                ledgers = await reservation.settled(usage, now)
            await self._conclude(call, reply, reservation, usage, ledgers)
        except BaseException as error:
            await _settle(call.io, reservation.settled_anyway(usage), reply, error)
            raise
        return reply

    async def _conclude(
        self,
        call: Call,
        reply: Reply,
        reservation: Reservation,
        usage: Usage | None,
        ledgers: Sequence[Ledger],
    ) -> None:
        """Warn of budgets that are nearly used up, and remember work of which the usage is not known yet."""
        if self.budgets is not None and self.budgets.are_low(ledgers):
            await reservation.warn(ledgers)
        if usage is not None and usage.source == "unknown" and begins_work(call):
            work = id_in(_content(reply))
            if work is not None:
                await reservation.follow(work, call.io.now())

    async def _followed(self, answer: Awaitable[Reply], call: Call, work: str, store: Store) -> Reply:
        """Settle the work that a call asks for once its answer reports the usage of that."""
        reply = await answer
        if call.is_whole:
            await call.io.carry_through(self._settle_begun(call, work, store, usage_in(_content(reply))))
        elif call.stream is not None:
            meter = metered(call, call, reply)

            async def settle(end: StreamEnd) -> None:
                del end
                usage = meter.usage()
                if usage.source == "reported":
                    await self._settle_begun(call, work, store, usage)

            reply.on_end.append(settle)
        return reply

    async def _settle_begun(self, call: Call, work: str, store: Store, usage: Usage | None) -> None:
        """Count what the work used instead of what was reserved for it, once."""
        if usage is None:
            return
        io, key, now = call.io, key_of(work, self.name), call.io.now()
        begun = Begun.decoded(await store.get(io, key, now))
        if begun is None:  # it was not begun here, or is counted already
            return
        record = record_of(call)
        record.usage = usage
        budgets, tally = self.budgets, None
        if self.cost is not None:
            tally = self.cost.corrected(record, usage, begun.tally, begun.nano_usd, begun.terms)
        spends: Sequence[Spend] = ()
        if budgets is not None:
            spends = begun.spends(budgets.used(usage, record, begun.needed, begun.terms))
        ledgers = await store.settle(io, key, spends, now, tally=tally)
        await store.set(io, key, b"", now + 1, now)
        if budgets is not None and len(begun.places) == len(budgets.budgets):
            await budgets.warn(io, record, begun.places, ledgers)

    def _of(self, call: Call) -> "Accounting":
        """Return the accounting for a call: rates only where it lists, reads or deletes; no cost where it is free."""
        if call.session:
            return self
        if call.method != "POST":
            return self._of_reads
        return self if is_billed(call) or begins_work(call) else self._of_free

    def _free(self, *names: Part) -> "Accounting":
        """Return the accounting of some of the policies for calls that use no tokens."""
        return Accounting({name: part for name, part in self.parts.items() if name in names}, is_free=True)

    async def _warmed_up(self, io: IO, proceed: Next) -> Next:
        """Load the prices, and return how to send a call: they are known before it, or by the time of its answer.

        They are known before it where a budget is in USD.
        """
        if self.budgets is not None and self.budgets.in_usd:
            await self.budgets.prices.ready(io)
        prices = None if self.cost is None else self.cost.prices
        self._is_warm = prices is None or prices.is_ready
        if prices is None or self._is_warm:
            return proceed
        prices.warm()

        async def send(call: Call) -> Reply:
            reply = await proceed(call)
            try:
                await prices.ready(io)
            except BaseException as error:
                await reply.abandon(io, error)
                raise
            return reply

        return send


def _content(reply: Reply) -> bytes | None:
    content: bytes | None = getattr(reply.response, "_content", None)
    return content


async def _settle(
    io: IO, settlement: Coroutine[Any, Any, None], reply: Reply | None, error: BaseException
) -> None:
    """Settle a call that raises *error*, and close its answer even if the settlement is cancelled once more."""
    try:
        await io.carry_through(settlement)
    finally:
        if reply is not None:
            await reply.abandon(io, error)
