"""The amounts that a call adds to the counts where all goes as it mostly does: values for a row of names."""

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from ...._call.record import Record
from ...._call.usage import SOURCES, Source, Usage
from .counts import Row
from .names import ATTEMPT, BOUNDS, CALL, DURATION, MICRO, NANO_USD, UNPRICED, buckets_of, names_of_usage


def _row(source: Source, bucket: str) -> Row:
    used, *tokens = names_of_usage(source)
    return Row((f"{CALL}ok", f"{ATTEMPT}ok", bucket, used), (DURATION, *tokens, NANO_USD, UNPRICED))


_ROWS: Mapping[Source, Sequence[Row]] = {
    source: [_row(source, bucket) for bucket in buckets_of(DURATION)] for source in SOURCES
}


def is_usual(record: Record) -> bool:
    """Return whether a whole call that is over was sent once and answered, which is all that its record tells."""
    return (
        record.attempts == record.answered == record.billable == 1
        and record.cache is None
        and record.first_item is None
    )


def row_of(record: Record, usage: Usage) -> tuple[Row, tuple[int, ...]]:
    """Return the row and its values that such a call adds, which are the same as by `CallCount` and `TargetCount`."""
    seconds, cost = time.monotonic() - record.started, record.nano_usd
    unpriced = int(cost is None and record.prices is not None)
    row = _ROWS[usage.source][bisect_left(BOUNDS, seconds)]
    micro = int(seconds * MICRO + 0.5)
    return row, (micro, usage.input, usage.output, usage.cached, usage.reasoning, cost or 0, unpriced)
