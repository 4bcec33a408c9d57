"""Count what a call cost where nothing is reserved for it, and its answer is read when it comes: without waiting."""

from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.usage import UNKNOWN
from ...stores import Tally
from ...stores.rows import Row
from ...stores.tickets import is_made_here, new_ticket
from ..pricing.billed import is_of_text
from ..pricing.meter import usage_of
from ..record import note_model, record_of
from .later import begins_work
from .parts import CostPart


def may_be_noted(cost: CostPart, call: Call) -> bool:
    """Return whether all that a call adds to the totals is known when it is answered, its price included."""
    if (
        call.stream is not None
        or call.unread
        or call.session
        or not (is_of_text(call) and cost.prices.is_ready)
    ):
        return False
    return call.path != "/responses" or not begins_work(call)


async def noted(cost: CostPart, call: Call, proceed: Next) -> Reply:
    """Send a call, price it, and record it in the totals; see `Reservation`, of which this is the short form."""
    record = call.record or record_of(call)
    note_model(call, record)
    before, at, ticket = record.billable, call.io.now(), new_ticket()
    try:
        reply = await proceed(call)
    except BaseException:
        lost = record.billable - before
        if lost and is_made_here(ticket):  # else a child leaves its parent's call
            record.usage = UNKNOWN
            _record(cost, ticket, cost.lost(record, lost, call.io.now()))
        raise
    billed = record.billable - before
    if reply.is_made and not billed:
        return reply
    lost = billed - 1 if billed > 1 else 0
    try:
        usage = usage_of(call, reply, record)
        _record(cost, ticket, cost.tally_of(call, record, usage, lost=lost, at=at, now=call.io.now()))
    except BaseException as error:  # interrupted: a ticket that is recorded twice counts once
        usage = reply.usage or UNKNOWN
        try:
            _record(cost, ticket, cost.tally_of(call, record, usage, lost=lost, at=at, now=call.io.now()))
        finally:
            await reply.abandon(call.io, error)
        raise
    return reply


def _record(cost: CostPart, ticket: str, tally: Tally | Row | None) -> None:
    store: Any = cost.store
    if tally is not None:
        store.record(ticket, tally)
