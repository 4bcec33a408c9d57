"""What one call counts for: what is set aside and taken before it, and what it came to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ..._call.usage import UNKNOWN, Usage
from ..._io.deadline import remaining
from ...errors import StoreError
from ...stores.base import Change, Hold, Ledger, Refusal, Spend, Take, Tally
from ...stores.tickets import new_ticket
from ..pricing.meter import asking_for_usage, metered
from .parts import Amounts, BudgetsPart, CostPart, RatesPart, Unit
from .places import PlaceFinder

if TYPE_CHECKING:
    from ..._call.call import Call, Reply, StreamEnd
    from ..._call.record import Record
    from ...stores import Backend, Store


class Books(Protocol):
    """What a call counts for, and in which store; see `Accounting`."""

    asks: bool
    budgets: BudgetsPart | None
    cost: CostPart | None
    expires: float
    instant: "Backend | None"
    places: PlaceFinder
    rates: RatesPart | None
    store: "Store | None"


class Reservation:
    """What a call holds of its budgets and takes of its rates, until it is known what it used.

    As much is held once more for each attempt after one that may have been billed.

    Args:
        accounting: What the call counts for.
        call: What is about to be sent.
        record: Its record.

    Attributes:
        sent: What is to be sent: the call, or one that asks for its usage.
        outer: What was to be asked before further attempts until now.
    """

    __slots__ = (
        "_accounting",
        "_before",
        "_call",
        "_counted",
        "_needed",
        "_now",
        "_places",
        "_record",
        "_takes",
        "_tickets",
        "outer",
        "sent",
    )

    def __init__(self, accounting: Books, call: "Call", record: "Record") -> None:
        budgets, rates = accounting.budgets, accounting.rates
        sent = asking_for_usage(call) if call.stream is not None and accounting.asks else call
        now = call.io.now()
        places, takes, counted = accounting.places.at(now, record)
        if counted and rates is not None:
            tokens = rates.tokens(sent)
            counted = [Take(take.key, min(take.limit, tokens), take.limit, take.window) for take in counted]
            takes = [*takes, *counted] if takes else counted
        self._needed: Amounts = {} if budgets is None else budgets.needed(sent, record)
        self._accounting = accounting
        self._call = call
        self._record = record
        self._now = now
        self._places = places
        self._takes = takes
        self._counted = counted
        self._before = record.billable
        self._tickets = [new_ticket()]
        self.outer = record.before_retry
        self.sent = sent

    def is_admitted(self) -> bool:
        """Tell whether there is room at once for the call, which then has it."""
        accounting = self._accounting
        instant, rates = accounting.instant, accounting.rates
        if instant is None or (rates is not None and rates.allowances):
            return False
        now, ticket = self._now, self._tickets[0]
        if instant.admit(ticket, self._holds(), self._takes, now, now + accounting.expires) is not None:
            return False
        if self._places:
            self._record.before_retry = self._again
        return True

    async def admitted(self) -> None:
        """Wait until there is room for the call.

        Raises:
            BudgetExceeded: There is none within the budgets.
            RateLimitExceeded: There is none in time within the rates.
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
        """Count what the call used; `None` where that takes waiting, and nothing is counted yet."""
        instant = self._accounting.instant
        if instant is None or self._record.billable - self._before > 1 or len(self._tickets) > 1:
            return None
        used, changes, tally = self._counts(usage, 0, now)
        spends = [Spend(key, used[unit], until) for key, unit, _, until in self._places]
        if not (spends or changes or tally):
            return ()
        return instant.settle(self._tickets[0], spends, now, changes, tally)

    async def settled(self, usage: Usage | None, now: float) -> Sequence[Ledger]:
        """Count what the answered attempt used, and what was set aside for each that was lost before it."""
        lost = max(0, self._record.billable - self._before - 1)
        used, changes, tally = self._counts(usage, lost, now)
        return await self._settle(used, lost, changes, tally)

    async def fail(self) -> None:
        """Count what was set aside for each attempt that may have been billed although no answer came of it."""
        record = self._record
        lost = record.billable - self._before
        tally: Tally | None = None
        cost = self._accounting.cost
        if lost and cost is not None:
            record.usage = UNKNOWN
            tally = cost.lost(record, lost, self._call.io.now())
        await self._settle(None, lost, (), tally)

    def settle_at_end_of(self, reply: "Reply") -> None:
        """Count what a stream used once it has ended."""
        meter = metered(self._call, self.sent, reply)

        async def settle(end: "StreamEnd") -> None:
            del end
            await self.warn(await self.settled(meter.usage(), self._call.io.now()))

        reply.on_end.append(settle)

    async def warn(self, ledgers: Sequence[Ledger]) -> None:
        """Tell of the budgets that are nearly used up."""
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
            return None
        return await store.admit(
            self._call.io,
            self._tickets[0],
            holds,
            self._takes,
            now=now,
            expires=now + self._accounting.expires,
        )

    def _counts(
        self, usage: Usage | None, lost: int, now: float
    ) -> tuple[Amounts, Sequence[Change], Tally | None]:
        """Give what an answered call comes to in budgets, and adds to windows and sums; price it."""
        if usage is None:
            return self._needed, (), None
        accounting, record, needed = self._accounting, self._record, self._needed
        cost, budgets = accounting.cost, accounting.budgets
        tally = None if cost is None else cost.tally(record, usage, lost, now)
        used = needed if budgets is None else budgets.used(usage, record, needed)
        counted = self._counted
        if not counted or usage.source == "unknown":  # what is not known stays as expected
            return used, (), tally
        tokens, at = usage.input + usage.output, self._now
        changes = [Change(take.key, tokens - take.amount, take.window, at) for take in counted]
        return used, changes, tally

    async def _settle(
        self, used: Amounts | None, lost: int, changes: Sequence[Change], tally: Tally | None
    ) -> Sequence[Ledger]:
        """Count what the answered attempt *used*, if one was, and what was set aside for those that were *lost*."""
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
        """Give what one of the tickets comes to."""
        amounts = self._needed if number < lost else used if number == lost else None
        return [
            Spend(key, amounts[unit] if amounts and (number == 0 or _by_attempt(unit)) else 0, until)
            for key, unit, _, until in self._places
        ]

    async def _again(self) -> bool:
        """Set aside as much once more where the attempt before may have been billed; tell whether there is room."""
        if self.outer is not None and not await self.outer():
            return False
        store, record = self._accounting.store, self._record
        holds = [
            hold for hold, place in zip(self._holds(), self._places, strict=True) if _by_attempt(place.unit)
        ]
        if store is None or not holds or record.billable - self._before < len(self._tickets):
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
    """Tell whether each attempt without an answer uses up what is set aside; else the call does, once."""
    return unit != "requests"
