"""Calls that metrics and cost count in one step, where nothing stands between the two and a call goes as most do."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

from ...._call.call import Call, Reply
from ...._call.pipeline import Next
from ...._call.record import Record
from ....stores.rows import Columns
from ....stores.tickets import new_ticket
from ...accounting.accounting import Accounting
from ...accounting.noted import BegunCall, may_be_noted, note_answered, note_interrupted, note_lost
from ...accounting.parts import CostPart, Names
from ...pricing.meter import usage_of
from ...pricing.price import Price
from ...pricing.units import is_plain
from ...record import record_of
from .counts import Counts, Key
from .protocols import CountingCalls
from .usual import is_usual, row_of

_KEPT = 1024
_SECONDS = 3600


class _Alike:
    """Where calls count that have the same names, and at what price, where nothing but usage decides it."""

    __slots__ = ("columns", "key", "price")

    def __init__(self, price: Price | None, columns: Columns, key: Key) -> None:
        self.price = price
        self.columns = columns
        self.key = key


class _Hour:
    """The places where calls count in one hour, by its number since 1970; replaced as a whole, as threads share it."""

    __slots__ = ("alike", "begins", "ends", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.begins, self.ends = number * _SECONDS, (number + 1) * _SECONDS
        self.alike: dict[Names, _Alike] = {}


class MetricsWithCost:
    """Counts calls for metrics, and for the cost that is counted next inside.

    A call that went as most do adds a row to each. Any other is counted by one after the other, as all are where
    something stands between the two.

    Args:
        metrics: Counts for metrics.
        accounting: Counts the cost, and nothing else.
        cost: The cost.
    """

    def __init__(self, metrics: CountingCalls, accounting: Accounting, cost: CostPart) -> None:
        self._metrics = metrics
        self._accounting = accounting
        self._cost = cost
        self._store: Any = cost.store
        self._hour = _Hour(0)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, and count it for both."""
        if call.record is None and may_be_noted(self._cost, call):
            return self._counted(call, proceed)
        return self._metrics(call, partial(self._count_cost, proceed))

    def _count_cost(self, proceed: Next, call: Call) -> Awaitable[Reply]:
        return self._accounting(call, proceed)

    async def _counted(self, call: Call, proceed: Next) -> Reply:
        record, cost, metrics = record_of(call), self._cost, self._metrics
        at, ticket, counts = call.io.now(), new_ticket(), metrics.counts
        under_way = counts.under_way
        under_way.add(record)
        try:
            reply = await proceed(call)
        except BaseException as error:
            try:
                note_lost(cost, BegunCall(call, record, 0, at, ticket))
            finally:
                metrics.add_failed(call, record, error)
            raise
        finally:
            under_way.discard(record)
        try:
            if not (is_usual(record) and self._add_rows(call, record, reply, ticket, counts)):
                note_answered(cost, BegunCall(call, record, 0, at, ticket), reply)
                metrics.add_answered(call, record, reply)
        except BaseException as error:
            await note_interrupted(cost, BegunCall(call, record, 0, at, ticket), reply, error)
            raise
        return reply

    def _add_rows(self, call: Call, record: Record, reply: Reply, ticket: str, counts: Counts) -> bool:
        """Add a call that used nothing but tokens of text, at a price that they decide; return whether it is one."""
        usage = usage_of(call, reply, record)
        if usage.images or not is_plain(usage):
            return False
        names = (
            record.labels,
            record.target_model or record.model,
            usage.model,
            record.alias,
            record.target,
            usage.source,
        )
        now, hour = call.io.now(), self._hour
        if not hour.begins <= now < hour.ends:
            hour = self._hour = _Hour(int(now // _SECONDS))
        alike = hour.alike.get(names) or self._learn(hour, names, record)
        if alike.price is None or usage.source == "unknown":
            return False
        nano_usd = alike.price.of_text(usage)
        record.prices, record.nano_usd = self._cost.prices, nano_usd
        if self._store is not None:
            self._store.record(ticket, (alike.columns, (1, usage.input, usage.output, 0, 0, nano_usd)))
        counts.add_row(alike.key, *row_of(record, usage))
        return True

    def _learn(self, hour: _Hour, names: Names, record: Record) -> _Alike:
        """Find out, and keep, where calls count that have these names."""
        if len(hour.alike) >= _KEPT:  # names come from callers
            hour.alike.clear()
        price, columns = self._cost.like(names, hour.number)
        found = hour.alike[names] = _Alike(price, columns, self._metrics.key(record))
        return found
