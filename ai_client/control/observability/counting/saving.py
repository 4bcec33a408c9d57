"""The savings of a cache: what an answer that came from it would have used and cost."""

from ...._call.call import Call, Reply
from ...._call.record import Record
from ...pricing.meter import metered, usage_of
from ...pricing.prices import Prices
from ...pricing.terms import terms_of
from .counts import Amount
from .names import SAVED_NANO_USD, SAVED_TOKENS


class Saving:
    """The saving of one call that the cache answered, known when its answer is whole.

    Args:
        prices: Prices of the models.
        call: The call.
        reply: The answer.
        record: The call's record, which goes on to say that it used and cost nothing.
    """

    __slots__ = ("_call", "_meter", "_prices", "_record", "_reply")

    def __init__(self, prices: Prices, call: Call, reply: Reply, record: Record) -> None:
        self._prices = prices
        self._call = call
        self._reply = reply
        self._record = record
        self._meter = None if call.is_whole else metered(call, call, reply)

    def add_to(self, amounts: list[Amount]) -> None:
        """Add the tokens and the price, as far as they are known."""
        call, record = self._call, self._record
        before = record.usage
        try:
            usage = usage_of(call, self._reply, record) if self._meter is None else self._meter.usage()
        finally:
            record.usage = before
        if usage.source == "unknown":
            return
        if usage.total:
            amounts.append((SAVED_TOKENS, usage.total))
        terms = terms_of(call, record, call.io.now())
        nano_usd = self._prices.nano_usd(usage, usage.model, record.target_model or record.model, terms)
        if nano_usd:
            amounts.append((SAVED_NANO_USD, nano_usd))
