"""Count what a call cost where nothing is reserved for it, and its answer is read when it comes: without waiting."""

from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._call.usage import UNKNOWN, Usage
from ...stores.tickets import is_made_here, new_ticket
from ..pricing.billed import is_of_text
from ..pricing.meter import usage_of
from ..pricing.terms import terms_of
from ..record import note_model, record_of
from .later import begins_work
from .parts import CostPart


def may_be_noted(cost: CostPart, call: Call) -> bool:
    """Return whether all that a call adds to the totals is known when it is answered, its price included."""
    if not (is_of_text(call) and call.is_whole and cost.prices.is_ready) or call.session:
        return False
    return call.path != "/responses" or not begins_work(call)


async def noted(cost: CostPart, call: Call, proceed: Next) -> Reply:
    """Send a call, price it, and record it in the totals; see `Reservation`, of which this is the short form."""
    record = call.record or record_of(call)
    note_model(call, record)
    note = _Note(cost, call, record)
    try:
        reply = await proceed(call)
    except BaseException:
        note.failed()
        raise
    try:
        note.answered(reply)
    except BaseException as error:  # interrupted: a ticket that was recorded counts once
        try:
            note.answered(reply)
        finally:
            await reply.abandon(call.io, error)
        raise
    return reply


class _Note:
    """The amounts that one call adds to the totals.

    Args:
        cost: The policy.
        call: The call that is about to be sent.
        record: Its record.
    """

    __slots__ = ("_billable", "_call", "_cost", "_record", "_terms", "_ticket")

    def __init__(self, cost: CostPart, call: Call, record: Record) -> None:
        self._cost = cost
        self._call = call
        self._record = record
        self._billable = record.billable
        self._terms = terms_of(call, record, call.io.now())
        self._ticket = new_ticket()

    def failed(self) -> None:
        """Record the attempts of a call without an answer that may have been billed."""
        record = self._record
        lost = record.billable - self._billable
        if not lost or not is_made_here(self._ticket):  # else a child leaves its parent's call
            return
        record.usage = UNKNOWN
        self._add(self._cost.lost(record, lost, self._call.io.now()))

    def answered(self, reply: Reply) -> None:
        """Record what an answered call used, and the attempts before the last."""
        call, record = self._call, self._record
        billed = record.billable - self._billable
        if billed or not reply.is_made:
            usage: Usage = usage_of(call, reply, record)
            self._add(self._cost.tally(record, usage, max(0, billed - 1), call.io.now(), self._terms))

    def _add(self, tally: Any) -> None:
        store: Any = self._cost.store
        if tally is not None:
            store.record(self._ticket, tally)
