"""The reservation of one call: what it holds of budgets and rate limits before it is sent, and how it settles."""

from collections.abc import Sequence
from typing import Protocol

from ..._call.call import Call, Reply, StreamEnd
from ..._call.record import Record
from ..._call.usage import UNKNOWN, Usage
from ..._io.deadline import remaining
from ...errors import StoreError
from ...stores import Backend, Store
from ...stores.base import Change, Hold, Ledger, Refusal, Spend, Take, Tally
from ...stores.tickets import new_ticket
from ..pricing.meter import asking_for_usage, metered
from ..pricing.terms import NO_TERMS, terms_of
from .later import KEPT, NOTHING, Begun, key_of, watched
from .parts import Amounts, BudgetsPart, CostPart, RatesPart, Unit
from .places import PlaceFinder


class Books(Protocol):
    """The members of `Accounting` that a reservation uses."""

    asks: bool
    budgets: BudgetsPart | None
    cost: CostPart | None
    expires: float
    measures: bool
    name: str
    instant: Backend | None
    places: PlaceFinder
    prices_calls: bool
    rates: RatesPart | None
    store: Store | None


class Reservation:
    """A call's share of its budgets and rates, held until its usage is known.

    The same amount is held again for each attempt after one that may have been billed.

    Args:
        accounting: The policies that the call counts for, and their store.
        call: The call that is about to be sent.
        record: Its record.

    Attributes:
        billed_before: The record's `billable` before this call.
        sent: The call to send: *call*, or a copy that asks for its usage.
        outer: The `before_retry` of the record before this reservation set its own.
    """

    __slots__ = (
        "_accounting",
        "_call",
        "_counted",
        "_is_open",
        "_needed",
        "_now",
        "_places",
        "_record",
        "_takes",
        "_terms",
        "_tickets",
        "billed_before",
        "outer",
        "sent",
    )

    def __init__(self, accounting: Books, call: Call, record: Record) -> None:
        budgets, rates = accounting.budgets, accounting.rates
        sent = asking_for_usage(call) if call.stream is not None and accounting.asks else call
        now = call.io.now()
        places, takes, counted = accounting.places.at(now, record)
        if counted and rates is not None and accounting.measures:
            tokens = rates.tokens(sent)
            counted = [Take(take.key, min(take.limit, tokens), take.limit, take.window) for take in counted]
            takes = [*takes, *counted] if takes else counted
        self._terms = terms_of(sent, record, now) if accounting.prices_calls else NO_TERMS
        self._needed: Amounts = {} if budgets is None else budgets.needed(sent, record, self._terms)
        self._accounting = accounting
        self._is_open = False
        self._call = call
        self._record = record
        self._now = now
        self._places = places
        self._takes = takes
        self._counted = counted
        self.billed_before = record.billable
        self._tickets = [new_ticket()]
        self.outer = record.before_retry
        self.sent = sent

    def is_admitted(self) -> bool:
        """Admit the call without waiting if there is room for it; return whether it was admitted."""
        accounting = self._accounting
        instant, rates = accounting.instant, accounting.rates
        if instant is None or (rates is not None and rates.allowances):
            return False
        now, ticket = self._now, self._tickets[0]
        self._is_open = True
        if instant.admit(ticket, self._holds(), self._takes, now, now + accounting.expires) is not None:
            self._is_open = False
            return False
        if self._places:
            self._record.before_retry = self._again
        return True

    async def admitted(self) -> None:
        """Wait until there is room for the call.

        Raises:
            BudgetExceeded: A hard budget has no room.
            RateLimitExceeded: A rate limit has no room in time.
        """
        io, deadline = self._call.io, self._call.deadline
        budgets, rates = self._accounting.budgets, self._accounting.rates
        give_up = self._now + (0.0 if rates is None else rates.max_wait)
        while True:
            now = self._now = io.now()
            wait = 0.0 if rates is None else rates.upstream_wait(self.sent, self._record, now)
            refusal = Refusal(None, wait=wait) if wait else await self._admit(now)
            if refusal is None:
                break
            if refusal.position is not None and budgets is not None:
                amount = self._needed[self._places[refusal.position].unit]
                ledger = Ledger(refusal.used, refusal.held)
                raise budgets.refusal(refusal.position, ledger, amount, self._record, now)
            too_long = deadline is not None and refusal.wait > remaining(deadline)
            if rates is not None and (too_long or now + refusal.wait > give_up):
                raise rates.refusal(refusal.wait, () if wait else self._takes)
            await io.sleep(refusal.wait)
        if self._places:
            self._record.before_retry = self._again

    def settled_at_once(self, usage: Usage | None, now: float) -> Sequence[Ledger] | None:
        """Settle an answered call without waiting; return `None`, with nothing settled, where that is impossible."""
        instant = self._accounting.instant
        if instant is None or self._record.billable - self.billed_before > 1 or len(self._tickets) > 1:
            return None
        used, changes, tally = self._counts(usage, 0, now)
        spends = [Spend(key, used[unit], until) for key, unit, _, until in self._places]
        if not (spends or changes or tally):
            return ()
        return instant.settle(self._tickets[0], spends, now, changes, tally)

    async def settled(self, usage: Usage | None, now: float) -> Sequence[Ledger]:
        """Settle an answered call: its usage, and the full reservation of each lost attempt before it."""
        return await self._settled(usage, now, self._lost())

    async def _settled(self, usage: Usage | None, now: float, lost: int) -> Sequence[Ledger]:
        used, changes, tally = self._counts(usage, lost, now)
        return await self._settle(used, lost, changes, tally)

    def _lost(self) -> int:
        """Return how many attempts before the answered one may have been billed."""
        return max(0, self._record.billable - self.billed_before - 1)

    async def settled_anyway(self, usage: Usage | None) -> None:
        """Settle an answered call after its settlement was interrupted; changes nothing where that was done."""
        if usage is None and self._accounting.cost is not None:
            usage = UNKNOWN
        await self.settled(usage, self._call.io.now())

    async def fail(self) -> None:
        """Settle a failed call: the full reservation of each attempt that may have been billed; nothing if refused."""
        if not self._is_open:
            return
        record = self._record
        lost = record.billable - self.billed_before
        tally: Tally | None = None
        cost = self._accounting.cost
        if lost and cost is not None:
            record.usage = UNKNOWN
            tally = cost.lost(record, lost, self._call.io.now())
        await self._settle(None, lost, (), tally)

    def settle_at_end_of(self, reply: Reply) -> None:
        """Settle a stream, or a body that the caller reads, when it ends."""
        meter = metered(self._call, self.sent, reply)
        lost = self._lost()  # before a policy further out asks again
        works = watched(self._call, reply)

        async def settle(end: StreamEnd) -> None:
            del end
            usage, now = meter.usage(), self._call.io.now()
            goes_on = bool(works) and usage.source != "reported"
            if goes_on:
                usage = self._record.usage = UNKNOWN
            await self.warn(await self._settled(usage, now, lost))
            if goes_on:
                await self.follow(works[0], now)

        reply.on_end.append(settle)

    async def follow(self, work: str, now: float) -> None:
        """Keep what was counted at *now* for work that goes on, so that a later call can count the difference."""
        accounting, record = self._accounting, self._record
        store, cost = accounting.store, accounting.cost
        if store is None:
            return
        needed = self._needed or NOTHING
        place = None if cost is None or cost.store is None else cost.place(record, now)
        begun = Begun(tuple(self._places), needed, record.nano_usd, place, self._terms)
        await store.set(self._call.io, key_of(work, accounting.name), begun.encoded(), now + KEPT, now)

    async def warn(self, ledgers: Sequence[Ledger]) -> None:
        """Warn about the budgets that are nearly used up."""
        budgets = self._accounting.budgets
        if budgets is not None:
            await budgets.warn(self._call.io, self._record, self._places, ledgers)

    def _holds(self) -> list[Hold]:
        if not self._places:
            return []
        needed = self._needed
        return [Hold(key, needed[unit], limit, until) for key, unit, limit, until in self._places]

    async def _admit(self, now: float) -> Refusal | None:
        store, holds = self._accounting.store, self._holds()
        if store is None or not (holds or self._takes):
            self._is_open = True
            return None
        refusal = await store.admit(
            self._call.io,
            self._tickets[0],
            holds,
            self._takes,
            now=now,
            expires=now + self._accounting.expires,
        )
        self._is_open = refusal is None
        return refusal

    def _counts(
        self, usage: Usage | None, lost: int, now: float
    ) -> tuple[Amounts, Sequence[Change], Tally | None]:
        """Price an answered call; return what it spends of budgets and adds to rate windows and totals."""
        if usage is None:
            return self._needed, (), None
        accounting, record, needed = self._accounting, self._record, self._needed
        cost, budgets = accounting.cost, accounting.budgets
        tally = None if cost is None else cost.tally(record, usage, lost, now, self._terms)
        used = needed if budgets is None else budgets.used(usage, record, needed, self._terms)
        counted = self._counted
        if not counted or usage.source == "unknown":  # the estimate stands
            return used, (), tally
        tokens, at = usage.input + usage.output, self._now
        changes = [Change(take.key, tokens - take.amount, take.window, at) for take in counted]
        return used, changes, tally

    async def _settle(
        self, used: Amounts | None, lost: int, changes: Sequence[Change], tally: Tally | None
    ) -> Sequence[Ledger]:
        """Settle all tickets: lost attempts with their reservation, the answered one with what it *used*."""
        store, io = self._accounting.store, self._call.io
        ledgers: Sequence[Ledger] = ()
        if store is None or not (self._places or changes or tally):
            return ledgers
        for number, ticket in enumerate(self._tickets):
            spends = self._spends_of(number, lost, used)
            ledgers = await store.settle(io, ticket, spends, io.now(), changes=changes, tally=tally)
            changes, tally = (), None
        return ledgers

    def _spends_of(self, number: int, lost: int, used: Amounts | None) -> list[Spend]:
        """Return what the ticket at index *number* spends of each ledger."""
        amounts = self._needed if number < lost else used if number == lost else None
        return [
            Spend(key, amounts[unit] if amounts and (number == 0 or _by_attempt(unit)) else 0, until)
            for key, unit, _, until in self._places
        ]

    async def _again(self) -> bool:
        """Reserve once more if the last attempt may have been billed; return whether a retry is allowed."""
        if self.outer is not None and not await self.outer():
            return False
        store, record = self._accounting.store, self._record
        holds = [
            hold for hold, place in zip(self._holds(), self._places, strict=True) if _by_attempt(place.unit)
        ]
        if store is None or not holds or record.billable - self.billed_before < len(self._tickets):
            return True
        io, ticket = self._call.io, new_ticket()
        now = io.now()
        try:
            refusal = await store.admit(
                io, ticket, holds, (), now=now, expires=now + self._accounting.expires
            )
        except StoreError:
            return False
        if refusal is None:
            self._tickets.append(ticket)
        return refusal is None


def _by_attempt(unit: Unit) -> bool:
    """Return whether each attempt uses up the unit; requests are counted once per call."""
    return unit != "requests"
