"""The reservation of one call: what it holds of budgets and rate limits while it runs, and how it is settled."""

from collections.abc import Awaitable, Sequence

from ..._call.call import Call, Reply, StreamEnd
from ..._call.record import Record
from ..._call.usage import UNKNOWN, Usage
from ..._exchange.answer import Answer
from ...errors import StoreError
from ...stores.base import Change, Hold, Ledger, Spend, Tally
from ...stores.heartbeat import Renewal, keep_renewed
from ...stores.tickets import is_made_here, new_ticket
from ..pricing.meter import asking_for_usage, metered, usage_of
from ..pricing.terms import NO_TERMS, terms_of
from .later import Begun, begins_work, id_in, remember, watched
from .parts import Amounts, Books
from .places import Takes, places_of, takes_of
from .rates.line import Shortage

_ONCE = "requests"
"""The unit that a call uses up once, and not again with each attempt."""


class Reservation:
    """The amounts that one call holds of its budgets and takes of its rates.

    It is reserved before the call is sent (`reserve`), and settled once by what became of it: an answer
    (`settle_answered`, for a stream when that ends) or a failure (`settle_failed`). A ticket names it in the store,
    where settling a ticket again changes nothing. While the call lasts it is renewed, so that only that of a killed
    process expires. Each attempt after one that may have been billed reserves the same amounts once more, under a
    ticket of its own.

    Args:
        books: The policies that the call counts for, and their store.
        call: The call that is about to be sent.
        record: Its record, which counts its attempts.

    Attributes:
        sent: The call to send: *call*, or a copy that asks for its usage.
    """

    def __init__(self, books: Books, call: Call, record: Record) -> None:
        budgets, rates, now = books.budgets, books.rates, call.io.now()
        sent = asking_for_usage(call) if books.asks else call
        self.sent = sent
        self._books = books
        self._call = call
        self._record = record
        self._reserved_at = self._settled_at = now
        self._terms = terms_of(sent, record, now) if books.prices_calls else NO_TERMS
        self._places = [] if budgets is None else places_of(budgets.budgets, record, now)
        self._needed: Amounts = {} if budgets is None else budgets.needed(sent, record, self._terms)
        on_expired = "release" if budgets is None else budgets.on_expired
        self._holds: list[Hold] = []
        for key, unit, limit, until in self._places:
            self._holds.append(Hold(key, self._needed[unit], limit, until, on_expired))
        if rates is None:
            self._takes, self._upstream = Takes([], []), None
        else:
            self._upstream = rates.upstream_call(sent, record)
            tokens = rates.tokens(sent) if books.measures and rates.in_tokens else 0
            self._takes = takes_of(rates.limits, record, tokens)
        self._tickets = [new_ticket()]
        self._renewals: list[Renewal] = []
        self._is_held = False
        self._usage: Usage | None = None
        self._billable_before, self._reached_before = record.billable, record.reached
        self._outer = record.before_retry

    async def reserve(self) -> None:
        """Wait until there is room for the call, and hold it.

        Raises:
            BudgetExceeded: A hard budget has no room.
            RateLimitExceeded: A rate limit has no room in time.
        """
        rates, upstream = self._books.rates, self._upstream
        if rates is None or upstream is None:
            await self.ask(0.0)
        else:
            patience, io, takes = rates.patience(self._call), self._call.io, self._takes.all
            shortage = await upstream.lines.wait(io, self._windows, takes, patience, self)
            if shortage is not None:
                raise rates.refusal(shortage)
        if self._places:
            self._keep_renewed(self._tickets[0], self._holds)
            self._record.before_retry = self._reserve_again

    def _windows(self) -> list[str]:
        """Return the keys of the windows that the call may have to wait for."""
        upstream = () if self._upstream is None else (self._upstream.key,)
        return [*(take.key for take in self._takes.all), *upstream]

    async def ask(self, patience: float) -> Shortage | None:
        """Hold what the call needs, for a caller that will wait for so many seconds; return what there is no room for.

        Raises:
            BudgetExceeded: A hard budget has no room.
        """
        books, io, upstream = self._books, self._call.io, self._upstream
        now = self._reserved_at = io.now()
        if upstream is not None and (wait := upstream.begin(now)):
            return Shortage(wait, (upstream.key,), ())
        store, holds, takes = books.store, self._holds, self._takes.all
        for take in takes:
            take.patience = patience
        self._is_held = True  # before it is, as Ctrl-C may come right after the store's last step
        if store is None or not (holds or takes):
            return None
        try:
            expires = now + books.expires
            refusal = await store.admit(io, self._tickets[0], holds, takes, now=now, expires=expires)
            self._is_held = refusal is None
        except BaseException:
            self._is_held = store.instant is not None  # a shared store undoes what was interrupted
            raise
        finally:
            if upstream is not None and not self._is_held:
                upstream.end(None, now)
        if refusal is None:
            return None
        if refusal.position is not None and self._books.budgets is not None:
            needed = self._needed[self._places[refusal.position].unit]
            ledger = Ledger(refusal.used, refusal.held, refusal.granted)
            raise self._books.budgets.refusal(refusal.position, ledger, needed, self._record, now)
        lacking = [takes[index] for index in refusal.short] or takes
        return Shortage(refusal.wait, [take.key for take in lacking], lacking, has_place=True)

    async def give_up(self) -> None:
        """Release the places of a call that waits no longer."""
        store, now = self._books.store, self._call.io.now()
        if store is not None:
            changes = [Change(take.key, 0, take.window, now) for take in self._takes.all]
            await store.settle(self._call.io, self._tickets[0], (), now, changes=changes)

    def end(self, answer: Answer | None) -> None:
        """Note that the attempts are over, with *answer* of whatever status: no retry asks, its limits are learnt."""
        self._record.before_retry = self._outer
        if self._upstream is not None:
            self._upstream.end(answer, self._call.io.now())

    async def _reserve_again(self) -> bool:
        """Reserve once more if the last attempt may have been billed; return whether a retry is allowed."""
        if self._outer is not None and not await self._outer():
            return False
        books, io = self._books, self._call.io
        holds = [hold for hold, place in zip(self._holds, self._places, strict=True) if place.unit != _ONCE]
        if books.store is None or not holds or self._billed() < len(self._tickets):
            return True
        ticket, now = new_ticket(), io.now()
        try:
            refusal = await books.store.admit(io, ticket, holds, (), now=now, expires=now + books.expires)
        except StoreError:
            return False
        if refusal is None:
            self._tickets.append(ticket)
            self._keep_renewed(ticket, holds)
        return refusal is None

    def _keep_renewed(self, ticket: str, holds: Sequence[Hold]) -> None:
        books = self._books
        if books.store is not None:
            renewal = keep_renewed(self._call.io, books.store, ticket, holds, books.expires, owner=self)
            self._renewals.append(renewal)

    async def settle_answered(self, reply: Reply) -> None:
        """Settle an answered call: now where the answer is whole, else when its body ends."""
        books, call, record = self._books, self._call, self._record
        if reply.is_made and not self._billed():
            await call.io.carry_through(self.settle_failed())
            return
        if books.cost is not None and not books.cost.prices.is_ready:
            await books.cost.prices.ready(call.io)
        if books.measures:
            if not call.is_whole:
                self._settle_at_end_of(reply)
                return
            self._usage = usage_of(call, reply, record)
        ledgers = await self._settle_used(self._usage, self._lost())
        if books.budgets is not None and books.budgets.is_near(ledgers):
            await self._warn(ledgers)
        if self._usage is not None and self._usage.source == "unknown" and begins_work(call):
            await self._remember(id_in(reply))

    async def settle_again(self, reply: Reply) -> None:
        """Settle an answered call whose settlement was interrupted; changes nothing where that was done."""
        self.end(reply.answer)
        if reply.is_made and not self._billed():
            await self.settle_failed()
        else:
            usage = UNKNOWN if self._usage is None and self._books.cost is not None else self._usage
            await self._settle_used(usage, self._lost())

    async def settle_failed(self) -> None:
        """Settle a call without an answer: each attempt that may have been billed counts with what was reserved.

        Where none may have been, the call's tokens go back to the windows of rates; and so does its request, where
        nothing of it reached the upstream, which counts requests that it rejects.
        """
        if not (self._is_held and is_made_here(self._tickets[0])):  # else a child leaves its parent's call
            return
        cost, lost = self._books.cost, self._billed()
        tally: Tally | None = None
        if lost and cost is not None:
            self._record.usage = UNKNOWN
            tally = cost.lost(self._record, lost, self._call.io.now())
        changes: list[Change] = []
        if not lost:
            never_left = self._record.reached == self._reached_before
            changes = self._takes.given_back(self._reserved_at, requests=never_left)
        await self._settle_tickets(lost, None, changes, tally)

    def _settle_at_end_of(self, reply: Reply) -> None:
        meter = metered(self._call, self.sent, reply)
        works = watched(self._call, reply)
        lost = self._lost()  # now: by then a policy further out may have sent the call again

        async def settle(end: StreamEnd) -> None:
            if not is_made_here(self._tickets[0]):
                return  # a child closes the stream, which its parent reads on
            usage = meter.usage()
            # of a stream that broke off, what came says little of what is billed: reasoning, and text on its way
            is_known = end.complete or usage.source == "reported" or usage.has_media
            goes_on = bool(works) and usage.source != "reported"
            if goes_on:
                usage = self._record.usage = UNKNOWN
            await self._warn(await self._settle_used(usage, lost, is_known=is_known))
            if goes_on:
                await self._remember(works[0])

        reply.on_end.append(settle)

    def _settle_used(
        self, usage: Usage | None, lost: int, *, is_known: bool = True
    ) -> Awaitable[Sequence[Ledger]]:
        """Count what the answered attempt used, and what was reserved for the *lost* ones before it.

        Where it *is_known* no better than by an estimate, budgets count what was reserved, and totals the estimate.
        """
        if usage is None:  # it is not needed
            return self._settle_tickets(lost, self._needed, (), None)
        books, record = self._books, self._record
        now = self._settled_at = self._call.io.now()
        tally = None if books.cost is None else books.cost.tally(record, usage, lost, now, self._terms)
        used = self._needed
        if books.budgets is not None and is_known:
            used = books.budgets.used(usage, record, self._needed, self._terms)
        changes: list[Change] = []
        if usage.source != "unknown":  # else the estimate stands
            changes = self._takes.corrected(usage.input + usage.output, self._reserved_at)
        return self._settle_tickets(lost, used, changes, tally)

    async def _settle_tickets(
        self, lost: int, used: Amounts | None, changes: Sequence[Change], tally: Tally | None
    ) -> Sequence[Ledger]:
        """Settle the tickets of the attempts: first the *lost* ones, then that which *used* something, if any did."""
        store, io = self._books.store, self._call.io
        ledgers: Sequence[Ledger] = ()
        for renewal in self._renewals:
            renewal.stop()
        if store is None or not (self._places or changes or tally):
            return ledgers
        record = getattr(store, "record", None)  # which a store of the application's own may lack
        if tally is not None and record is not None and not (self._places or changes):
            record(self._tickets[0], tally)
            return ledgers
        now = io.now()
        for number, ticket in enumerate(self._tickets):
            amounts = self._needed if number < lost else used if number == lost else None
            spends: list[Spend] = []
            for key, unit, _, until in self._places:
                amount = amounts[unit] if amounts and (number == 0 or unit != _ONCE) else 0
                spends.append(Spend(key, amount, until))
            ledgers = await store.settle(io, ticket, spends, now, changes=changes, tally=tally)
            if self._upstream is not None and changes and self._upstream.lines.has_callers:
                self._upstream.lines.freed([change.key for change in changes if change.amount < 0])
            changes, tally = (), None  # once
        return ledgers

    async def _warn(self, ledgers: Sequence[Ledger]) -> None:
        if self._books.budgets is not None:
            await self._books.budgets.warn(self._call.io, self._record, self._places, ledgers)

    async def _remember(self, work: str | None) -> None:
        """Remember what was counted for work that goes on, so that a later call can count the difference."""
        if work is not None:
            await remember(self._books, self._call, work, self._begun())

    def _begun(self) -> Begun:
        cost, record = self._books.cost, self._record
        totals = None if cost is None or cost.store is None else cost.place(record, self._settled_at)
        return Begun(tuple(self._places), self._needed, record.nano_usd, totals, self._terms)

    def _billed(self) -> int:
        """Return how many attempts were, or may have been, billed."""
        return self._record.billable - self._billable_before

    def _lost(self) -> int:
        """Return how many attempts before the answered one may have been billed."""
        return max(0, self._billed() - 1)
