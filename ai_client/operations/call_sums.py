"""Sums of calls of a time, an endpoint, a model or a tenant, and how long calls took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from .._call.record import NANO
from ..control.observability.counting.names import (
    ATTEMPT,
    BOUNDS,
    CACHE,
    CALL,
    DURATION,
    ERROR,
    FIRST_ITEM,
    MICRO,
    NANO_USD,
    REPRICED,
    RETRIES,
    SAVED_NANO_USD,
    SAVED_TOKENS,
    UNPRICED,
    buckets_of,
)
from ..control.statistics.amounts import CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, REASONING_TOKENS

_EDGES = (0.0, *BOUNDS)
_NONE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long calls took.

    Attributes:
        counts: How many calls took no longer than each bound and longer than the one before; the last is of those
            that took longer than all of them. The bounds are those of the metrics, from 0.01 to 81.92 seconds.
        seconds: The seconds of all together.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many calls there are."""
        return sum(self.counts)

    def quantile(self, q: float) -> float | None:
        """Return the seconds within which a share *q* of the calls ended, from 0 to 1; `None` where there are none.

        Within a bucket it is interpolated; of calls beyond the last bound, it is that bound.
        """
        rank, below = q * self.count, 0
        if not self.count:
            return None
        for (low, high), count in zip(pairwise(_EDGES), self.counts, strict=False):
            if count and below + count >= rank:
                return low + (high - low) * max(0.0, rank - below) / count
            below += count
        return _EDGES[-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSums:
    """Sums of calls.

    Attributes:
        calls: Calls that have ended, a stream with its last event.
        ok: Those that were answered in whole.
        errors: Those that failed.
        cancelled: Those that were given up by whoever waited for them.
        errors_by_class: Those that failed, by the class of the error.
        attempts: Requests sent upstream, by result: `ok`, the status that rejected one, the class of another error, or
            `cancelled`.
        retries: Attempts that another one followed at the same target.
        cache: Answered calls by what the cache did: `hit`, `miss`, `stale` or `shared`.
        usd: USD of what was billed at a known price; `None` where something was billed and no price is known.
        nano_usd: The same in 10^-9 USD, which is exact.
        unpriced: Attempts that were or may have been billed at an unknown cost, which `usd` does not include.
        saved_nano_usd: What the answers that came from the cache would have cost, in 10^-9 USD, where that is known.
        saved_tokens: The tokens that these answers would have used, in and out.
        input_tokens: All tokens that went in.
        cached_tokens: Those of them that were read from the provider's cache.
        output_tokens: All tokens that came out.
        reasoning_tokens: Those of them that were spent on reasoning.
        duration: From the beginning of a call to its end, retries and a stream included.
        first_item: From the beginning of a call to the first event of its stream.
    """

    calls: int = 0
    ok: int = 0
    errors: int = 0
    cancelled: int = 0
    errors_by_class: Mapping[str, int] = field(default_factory=lambda: _NONE)
    attempts: Mapping[str, int] = field(default_factory=lambda: _NONE)
    retries: int = 0
    cache: Mapping[str, int] = field(default_factory=lambda: _NONE)
    usd: float | None = 0.0
    nano_usd: int | None = 0
    unpriced: int = 0
    saved_nano_usd: int = 0
    saved_tokens: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    duration: Histogram = field(default_factory=Histogram)
    first_item: Histogram = field(default_factory=Histogram)


def call_sums(amounts: Mapping[str, int], *, is_priced: bool) -> CallSums:
    """Return the sums of calls whose amounts were added up by name.

    Args:
        amounts: The amounts.
        is_priced: Whether a control `cost` knows what calls cost.
    """
    of = amounts.get
    unpriced = max(0, of(UNPRICED, 0) - of(REPRICED, 0))  # it may have begun before the report
    nano_usd = of(NANO_USD, 0 if is_priced and not unpriced else None)
    ok, errors, cancelled = (of(f"{CALL}{outcome}", 0) for outcome in ("ok", "error", "cancelled"))
    return CallSums(
        calls=ok + errors + cancelled,
        ok=ok,
        errors=errors,
        cancelled=cancelled,
        errors_by_class=_by(amounts, ERROR),
        attempts=_by(amounts, ATTEMPT),
        retries=of(RETRIES, 0),
        cache=_by(amounts, CACHE),
        usd=None if nano_usd is None else nano_usd / NANO,
        nano_usd=nano_usd,
        unpriced=unpriced,
        saved_nano_usd=of(SAVED_NANO_USD, 0),
        saved_tokens=of(SAVED_TOKENS, 0),
        input_tokens=of(INPUT_TOKENS, 0),
        cached_tokens=of(CACHED_TOKENS, 0),
        output_tokens=of(OUTPUT_TOKENS, 0),
        reasoning_tokens=of(REASONING_TOKENS, 0),
        duration=_histogram(amounts, DURATION),
        first_item=_histogram(amounts, FIRST_ITEM),
    )


def _by(amounts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return the amounts whose names begin with *prefix*, by the rest of these, in order."""
    return {
        name.removeprefix(prefix): amount
        for name, amount in sorted(amounts.items())
        if name.startswith(prefix)
    }


def _histogram(amounts: Mapping[str, int], name: str) -> Histogram:
    counts = tuple(amounts.get(bucket, 0) for bucket in buckets_of(name))
    return Histogram(counts, amounts.get(name, 0) / MICRO)
