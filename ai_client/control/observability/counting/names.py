"""Names under which amounts are added up, all of them integers: micro- and nano-units keep sums exact."""

from bisect import bisect_left

from ...._call.usage import SOURCES, Source
from ..conventions import SECONDS

MICRO = 1_000_000
BOUNDS = SECONDS
"""Upper bounds, in seconds, of the buckets of both histograms; beyond the last there is one more."""

CALL, ERROR, CACHE, ATTEMPT, USED = "call.", "error.", "cache.", "attempt.", "used."
"""Prefixes of counts by outcome, by class of error, by what a cache did, by result and by source of usage."""
RETRIES, FOLDED, UNPRICED, NANO_USD = "retries", "folded", "unpriced", "nano_usd"
REPRICED = "repriced"
"""Work that went on, counted as unpriced when it began, whose cost a later call has counted; for statistics alone."""
SAVED_TOKENS, SAVED_NANO_USD = "saved_tokens", "saved_nano_usd"
"""Amounts that answers from a cache would have used and cost; counted for statistics alone."""
INPUT, OUTPUT, CACHED, REASONING = "input.", "output.", "cached.", "reasoning."
"""Prefixes of tokens, by source of usage."""
DURATION, FIRST_ITEM = "duration", "first_item"
"""Histograms: the sum in microseconds under the name itself, and each bucket under the name and its number."""


_BUCKETS = {
    name: [f"{name}.{number}" for number in range(len(BOUNDS) + 1)] for name in (DURATION, FIRST_ITEM)
}
_USAGE = {
    source: (USED + source, INPUT + source, OUTPUT + source, CACHED + source, REASONING + source)
    for source in SOURCES
}


def timed(name: str, seconds: float) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return what a duration adds to a histogram."""
    return (name, int(seconds * MICRO + 0.5)), (_BUCKETS[name][bisect_left(BOUNDS, seconds)], 1)


def buckets_of(name: str) -> list[str]:
    """Return the names of a histogram's buckets, in order."""
    return _BUCKETS[name]


def names_of_usage(source: Source) -> tuple[str, str, str, str, str]:
    """Return the names of what one usage adds: itself, and its tokens in, out, from the cache, and of reasoning."""
    return _USAGE[source]
