"""Count what a call cost where nothing is reserved for it, and its answer is read when it comes: without waiting."""

from typing import Any, NamedTuple

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._call.usage import UNKNOWN, Usage
from ...stores import Tally
from ...stores.rows import Row
from ...stores.tickets import is_made_here, new_ticket
from ..pricing.billed import is_of_text
from ..pricing.meter import usage_of
from ..record import note_model, record_of
from .later import begins_work
from .parts import CostPart


class BegunCall(NamedTuple):
    """A call that is under way.

    Attributes:
        call: The call.
        record: Its record.
        billable: What that said before the call was sent.
        at: When that was, in seconds since 1970.
        ticket: By which it counts once.
    """

    call: Call
    record: Record
    billable: int
    at: float
    ticket: str


def may_be_noted(cost: CostPart, call: Call) -> bool:
    """Return whether all that a call adds to the totals is known when it is answered, its price included."""
    if call.stream is not None or call.unread or call.session or not is_of_text(call):
        return False
    return cost.prices.is_ready and (call.path != "/responses" or not begins_work(call))


async def noted(cost: CostPart, call: Call, proceed: Next) -> Reply:
    """Send a call, price it, and record it in the totals; see `Reservation`, of which this is the short form."""
    record = call.record or record_of(call)
    note_model(call, record)
    billable, at, ticket = record.billable, call.io.now(), new_ticket()
    try:
        reply = await proceed(call)
    except BaseException:
        note_lost(cost, BegunCall(call, record, billable, at, ticket))
        raise
    try:
        note_answered(cost, BegunCall(call, record, billable, at, ticket), reply)
    except BaseException as error:
        await note_interrupted(cost, BegunCall(call, record, billable, at, ticket), reply, error)
        raise
    return reply


def note_lost(cost: CostPart, begun: BegunCall) -> None:
    """Record the attempts of a call that was not answered, as far as they may be billed."""
    record = begun.record
    lost = record.billable - begun.billable
    if lost and is_made_here(begun.ticket):  # else a child leaves its parent's call
        record.usage = UNKNOWN
        _record(cost, begun, cost.lost(record, lost, begun.call.io.now()))


def note_answered(cost: CostPart, begun: BegunCall, reply: Reply) -> None:
    """Price a call that is answered, and record it."""
    if reply.is_made and begun.record.billable == begun.billable:
        return
    _price(cost, begun, usage_of(begun.call, reply, begun.record))


async def note_interrupted(cost: CostPart, begun: BegunCall, reply: Reply, error: BaseException) -> None:
    """Record a call whose answer nobody gets, as *error* came while it was priced: of what is recorded twice, once."""
    try:
        if not reply.is_made or begun.record.billable > begun.billable:
            _price(cost, begun, reply.usage or UNKNOWN)
    finally:
        await reply.abandon(begun.call.io, error)


def _price(cost: CostPart, begun: BegunCall, usage: Usage) -> None:
    call, record, billable, at, _ = begun
    lost = max(0, record.billable - billable - 1)
    _record(cost, begun, cost.tally_of(call, record, usage, lost=lost, at=at, now=call.io.now()))


def _record(cost: CostPart, begun: BegunCall, tally: Tally | Row | None) -> None:
    store: Any = cost.store
    if tally is not None:
        store.record(begun.ticket, tally)
