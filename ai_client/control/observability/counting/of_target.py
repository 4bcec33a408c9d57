"""The count of what a target is asked for a call: attempts, tokens and cost."""

from typing import NamedTuple

from ...._call.call import Call, Reply, StreamEnd
from ...._call.record import Record
from ...._call.usage import UNKNOWN, Usage
from ....errors import APIStatusError
from ...accounting.later import asked_for, begins_work, uses_tokens
from ...pricing.meter import metered, usage_of
from ...record import note_model
from .counts import Amount
from .names import ATTEMPT, NANO_USD, REPRICED, RETRIES, UNPRICED, USED, names_of_usage
from .protocols import Counting


class Noted(NamedTuple):
    """The state of a call's record at one moment.

    Attributes:
        attempts, answered, failed, billable: How many attempts there are, and of each kind.
        usage: What was used, as far as it is known.
    """

    attempts: int
    answered: int
    failed: int
    billable: int
    usage: Usage | None


NOTHING = Noted(0, 0, 0, 0, None)
"""The state of a new record."""


class TargetCount:
    """Counts what one target is asked for one call, and what it used.

    Args:
        counting: Takes what it counts.
        call: The call.
        record: Its record.
        noted: What that told before the target was asked, where it is asked already.
    """

    __slots__ = ("_call", "_counting", "_noted", "_record")

    def __init__(self, counting: Counting, call: Call, record: Record, noted: Noted | None = None) -> None:
        if noted is None:
            note_model(call, record)
            noted = Noted(record.attempts, record.answered, len(record.failed), record.billable, record.usage)
        self._counting = counting
        self._call = call
        self._record = record
        self._noted = noted

    def failed(self, error: BaseException, amounts: list[Amount]) -> None:
        """Add the attempts of a target that did not answer, and what may be billed for them."""
        record = self._record
        told = self._add_attempts(amounts)
        if others := record.attempts - self._noted.attempts - told:
            status = error.status_code if isinstance(error, APIStatusError) else None
            name = type(error).__name__ if isinstance(error, Exception) else "cancelled"
            amounts.append((_result(name, status), others))
        if not uses_tokens(self._call):
            return
        billed, usage = record.billable - self._noted.billable, record.usage
        if billed and usage is not None and usage is not self._noted.usage and usage is not UNKNOWN:
            # answered, and counted so further in; cancelled or rejected after that
            billed -= 1
            _add_used(amounts, record, usage)
        _add_lost(amounts, record, billed)

    def answered(self, reply: Reply, amounts: list[Amount]) -> None:
        """Add the attempts of a target that answered, and what it used; of a stream that is counted at its end."""
        call, record = self._call, self._record
        self._add_attempts(amounts)
        billed = record.billable - self._noted.billable
        if not uses_tokens(call):
            if call.is_whole:
                _add_settled(amounts, record)
            elif asked_for(call) is not None:
                self._follow_work(reply)
        elif record.cache not in {None, "miss"} or (reply.is_made and not billed):
            _add_lost(amounts, record, billed)
        else:
            _add_lost(amounts, record, max(0, billed - 1))
            if call.is_whole:
                _add_used(amounts, record, usage_of(call, reply, record))
            else:
                self._follow(reply)

    def _follow(self, reply: Reply) -> None:
        """Count what a stream used when it ends."""
        call, record, counting = self._call, self._record, self._counting
        meter, key = metered(call, call, reply), counting.key(record)

        async def settle(end: StreamEnd) -> None:
            del end
            goes_on = record.usage is UNKNOWN and begins_work(call)
            amounts: list[Amount] = []
            _add_used(amounts, record, UNKNOWN if goes_on else meter.usage())
            counting.add(key, amounts)

        reply.on_end.append(settle)

    def _follow_work(self, reply: Reply) -> None:
        """Count what work used whose stream tells it when it ends."""
        record, counting = self._record, self._counting

        async def settle(end: StreamEnd) -> None:
            del end
            amounts: list[Amount] = []
            _add_settled(amounts, record)
            if amounts:
                counting.add(counting.key(record), amounts)

        reply.on_end.append(settle)

    def _add_attempts(self, amounts: list[Amount]) -> int:
        """Add the attempts whose end the record tells; return how many those are."""
        record = self._record
        answered, failed = record.answered - self._noted.answered, record.failed[self._noted.failed :]
        if answered:
            amounts.append((f"{ATTEMPT}ok", answered))
        for one in failed:
            amounts.append((_result(one.error, one.status), 1))
            if one.is_retried:
                amounts.append((RETRIES, 1))
        return answered + len(failed)


def _result(error: str, status: int | None) -> str:
    """Return how an attempt ended: by the status that rejected it, or the class of another error."""
    return f"{ATTEMPT}{error if status is None else status}"


def _add_lost(amounts: list[Amount], record: Record, lost: int) -> None:
    """Add attempts that may have been billed although no answer came of them."""
    if lost:
        amounts.append((f"{USED}unknown", lost))
        _add_price(amounts, record, None, lost)


def _add_settled(amounts: list[Amount], record: Record) -> None:
    """Add what work used that went on after its call, if this call is the one that has counted it."""
    usage = record.settled
    if usage is not None:
        _add_usage(amounts, usage)
        _add_price(amounts, record, record.nano_usd, 0)
        if record.prices is not None and record.nano_usd is not None:
            amounts.append((REPRICED, 1))


def _add_used(amounts: list[Amount], record: Record, usage: Usage) -> None:
    amounts.append((names_of_usage(usage.source)[0], 1))
    _add_usage(amounts, usage)
    _add_price(amounts, record, record.nano_usd, int(record.nano_usd is None))


def _add_usage(amounts: list[Amount], usage: Usage) -> None:
    _, given, made, cached, reasoning = names_of_usage(usage.source)
    if usage.input:
        amounts.append((given, usage.input))
    if usage.output:
        amounts.append((made, usage.output))
    if usage.cached:
        amounts.append((cached, usage.cached))
    if usage.reasoning:
        amounts.append((reasoning, usage.reasoning))


def _add_price(amounts: list[Amount], record: Record, nano_usd: int | None, unpriced: int) -> None:
    """Add the cost, where the control `cost` is there to know it."""
    if record.prices is None:
        return
    if nano_usd:
        amounts.append((NANO_USD, nano_usd))
    if unpriced:
        amounts.append((UNPRICED, unpriced))
