"""The count of a call as a whole: how it ended, how long it took, and what a cache did."""

from ...._call.call import Call, Reply, StreamEnd
from ...._call.record import Record
from .counts import Amount
from .names import CACHE, CALL, DURATION, FIRST_ITEM, timed
from .protocols import Counting
from .saving import Saving

_SAVES = frozenset({"hit", "stale", "shared"})


class CallCount:
    """Counts one call as a whole, and as one under way until it ends or is dropped.

    Args:
        counting: Takes what it counts.
        call: The call.
        record: Its record.
    """

    __slots__ = ("_call", "_counting", "_record", "_under_way")

    def __init__(self, counting: Counting, call: Call, record: Record) -> None:
        self._counting = counting
        self._call = call
        self._record = record
        self._under_way = counting.counts.under_way
        self._under_way.add(id(self))

    def _end(self) -> None:
        self._under_way.discard(id(self))

    __del__ = _end

    def failed(self, error: BaseException, amounts: list[Amount]) -> None:
        """Add the end of a call that *error* ended."""
        self._add_end(error, amounts, complete=False)

    def answered(self, reply: Reply, amounts: list[Amount]) -> None:
        """Add the end of a call that is answered; that of a stream is counted when it comes."""
        record, counting = self._record, self._counting
        saving = None
        if record.cache in _SAVES and counting.prices is not None:
            saving = Saving(counting.prices, self._call, reply, record)
        if self._call.is_whole:
            self._add_end(None, amounts, complete=True)
            if saving is not None:
                saving.add_to(amounts)
            return

        def see(data: bytes) -> None:
            del data
            if record.first_item is None:
                record.first_item = record.seconds

        async def at_end(end: StreamEnd) -> None:
            ended: list[Amount] = []
            self._add_end(end.error, ended, complete=end.complete)
            if saving is not None and end.complete:
                saving.add_to(ended)
            counting.add(counting.key(record), ended)

        reply.on_event.append(see)
        reply.on_end.append(at_end)

    def _add_end(self, error: BaseException | None, amounts: list[Amount], *, complete: bool) -> None:
        self._end()
        record = self._record
        if isinstance(error, Exception):
            amounts += ((f"{CALL}error", 1), (self._counting.counts.error(error), 1))
        elif complete:
            amounts.append((f"{CALL}ok", 1))
        else:  # by whoever waits for it, or reads the stream
            amounts.append((f"{CALL}cancelled", 1))
        amounts += timed(DURATION, record.seconds)
        if record.cache is not None and error is None:
            amounts.append((CACHE + record.cache, 1))
        if record.first_item is not None:
            amounts += timed(FIRST_ITEM, record.first_item)
