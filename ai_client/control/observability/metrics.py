"""Counts of calls for Prometheus and OpenTelemetry: outcomes, attempts, tokens, cost and durations."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Attempt, Record
from ..._call.usage import UNKNOWN, Usage
from ..._fork import PerProcess
from ...errors import APIStatusError, ConfigError
from ...stores import Store
from ..accounting.later import begins_work
from ..options.amounts import check_amounts
from ..pricing.billed import is_billed
from ..pricing.meter import metered, usage_of
from ..record import note_model, record_of
from .counting.counts import Counts, Key, UnderWay
from .counting.names import (
    ATTEMPT,
    CACHE,
    CACHED,
    CALL,
    DURATION,
    FIRST_ITEM,
    INPUT,
    NANO_USD,
    OUTPUT,
    REASONING,
    RETRIES,
    UNPRICED,
    USED,
    timed,
)
from .counting.sharing import SharedCounts

Label: TypeAlias = Literal["endpoint", "model", "tenant"]
LABELS: tuple[Label, ...] = ("endpoint", "model", "tenant")
_Amounts: TypeAlias = list[tuple[str, int]]
_LONGEST = 256


@dataclass(frozen=True)
class Metrics:
    """Counts calls for a page in Prometheus' format, and for OpenTelemetry beside what `telemetry` measures.

    Args:
        labels: What tells series apart: `endpoint`, `model`, `tenant`, or some of them. The model is that which a call
            is sent to, as an alias or a fallback resolves it.
        max_series: Series, one for each combination of their values, that are told apart; others count under `other`.
        name: Tells applications apart that share a store.
        store: Where processes add up what they count; those of a store in memory show what they counted themselves.
        client: The alias of the clients whose calls are counted.
    """

    labels: Sequence[Label] = LABELS
    max_series: int = 500
    name: str = ""
    store: Store | None = field(default=None, repr=False)
    client: str = "default"
    _counts: PerProcess[Counts] = field(init=False, repr=False, compare=False)
    _sharing: PerProcess[SharedCounts | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_amounts("metrics", above_zero=True, max_series=self.max_series)
        if isinstance(self.labels, str) or not set(self.labels) <= {*LABELS}:
            raise ConfigError(f"metrics: labels must be a list of {', '.join(LABELS)}.")
        if len({*self.labels}) < len(self.labels):
            raise ConfigError("metrics: labels must name each label once.")
        counts = PerProcess(lambda: Counts(self.max_series, len(self.labels)))
        object.__setattr__(self, "_counts", counts)
        object.__setattr__(self, "_sharing", PerProcess(self._share))

    @property
    def counts(self) -> Counts:
        """The amounts that this process has counted."""
        return self._counts()

    @property
    def shared(self) -> SharedCounts | None:
        """The part of this process in what all count that share the store; `None` where it is in memory."""
        return self._sharing()

    def _share(self) -> SharedCounts | None:
        if getattr(self.store, "recording", None) is None:
            return None
        name = (
            f"{self.name}|{self.client}|{','.join(self.labels)}"  # by other labels series cannot be added up
        )
        return SharedCounts(
            self._counts(), self.store, name, max_series=self.max_series, width=len(self.labels)
        )

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, and count how it ended and what it used."""
        return self.whole(call, partial(self.at_target, proceed=proceed))

    def _key(self, record: Record) -> Key:
        labels = record.labels
        found: list[str] = []
        for name in self.labels:
            value = (record.target_model or record.model) if name == "model" else getattr(labels, name)
            found.append(
                value if value and value.isascii() and len(value) <= _LONGEST else clean(value or "")
            )
        return tuple(found)

    async def whole(self, call: Call, proceed: Next) -> Reply:
        """Send a call, and count how it ended."""
        record, counts = call.record or record_of(call), self._counts()
        under_way = UnderWay(counts.under_way)
        try:
            reply = await proceed(call)
        except BaseException as error:
            under_way.end()
            self._ended(counts, record, error, complete=False)
            raise
        if call.is_whole:
            under_way.end()
            self._ended(counts, record, None, complete=True)
            return reply

        def see(data: bytes) -> None:
            del data
            if record.first_item is None:
                record.first_item = record.seconds

        async def at_end(end: StreamEnd) -> None:
            under_way.end()
            self._ended(counts, record, end.error, complete=end.complete)

        reply.on_event.append(see)
        reply.on_end.append(at_end)
        return reply

    def _ended(self, counts: Counts, record: Record, error: BaseException | None, *, complete: bool) -> None:
        """Count a call that has ended, a stream to its end."""
        amounts: _Amounts = [*timed(DURATION, record.seconds)]
        if isinstance(error, Exception):
            amounts += ((f"{CALL}error", 1), (counts.error(error), 1))
        elif complete:
            amounts.append((f"{CALL}ok", 1))
        else:  # by whoever waits for it, or reads the stream
            amounts.append((f"{CALL}cancelled", 1))
        if record.cache is not None and error is None:
            amounts.append((CACHE + record.cache, 1))
        if record.first_item is not None:
            amounts += timed(FIRST_ITEM, record.first_item)
        counts.add(self._key(record), amounts)

    async def at_target(self, call: Call, proceed: Next) -> Reply:
        """Send a call to one target, and count its attempts and what they used."""
        record, counts = call.record or record_of(call), self._counts()
        note_model(call, record)
        attempts, billable, before, seen = record.attempts, record.billable, record.usage, 0
        amounts: _Amounts = []

        async def attempted(attempt: Attempt) -> None:
            nonlocal seen
            seen += 1
            amounts.append((ATTEMPT + _result(attempt.error), 1))
            if attempt.pause is not None:
                amounts.append((RETRIES, 1))

        record.on_attempt.append(attempted)
        try:
            reply = await proceed(call)
        except BaseException as error:
            if unseen := record.attempts - attempts - seen:
                amounts.append((ATTEMPT + _result(error), unseen))
            if _uses_tokens(call):
                billed, usage = record.billable - billable, record.usage
                if billed and usage is not None and usage is not before and usage is not UNKNOWN:
                    # answered, and counted so further in; cancelled or rejected after that
                    billed -= 1
                    _add_used(amounts, record, usage)
                _add_lost(amounts, record, billed)
            counts.add(self._key(record), amounts)
            raise
        finally:
            record.on_attempt.remove(attempted)  # a policy further out may ask again
        billed = record.billable - billable
        if not _uses_tokens(call):
            if record.usage is not before and record.usage is not None:  # of work that went on
                _add_usage(amounts, record.usage)
                _add_price(amounts, record, record.nano_usd, 0)
        elif record.cache not in {None, "miss"} or (reply.is_made and not billed):
            _add_lost(amounts, record, billed)
        else:
            _add_lost(amounts, record, max(0, billed - 1))
            if call.is_whole:
                _add_used(amounts, record, usage_of(call, reply, record))
            else:
                self._follow(call, reply, record)
        counts.add(self._key(record), amounts)
        return reply

    def _follow(self, call: Call, reply: Reply, record: Record) -> None:
        """Count what a stream used when it ends."""
        meter, key = metered(call, call, reply), self._key(record)

        async def settle(end: StreamEnd) -> None:
            del end
            goes_on = record.usage is UNKNOWN and begins_work(call)
            amounts: _Amounts = []
            _add_used(amounts, record, UNKNOWN if goes_on else meter.usage())
            self._counts().add(key, amounts)

        reply.on_end.append(settle)


class CallMetrics:
    """The part of `Metrics` that stands outside of a cache and a fallback: how calls ended.

    Args:
        metrics: The policy.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and count how it ended."""
        return self.metrics.whole(call, proceed)


class TargetMetrics:
    """The part of `Metrics` that stands inside of a cache and a fallback: what each target is asked.

    Args:
        metrics: The policy.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to one target and count what it used."""
        return self.metrics.at_target(call, proceed)


def metrics_in(layers: Iterable[object]) -> list[Metrics]:
    """Return the policies among others that count calls."""
    found = [one.metrics if isinstance(one, CallMetrics) else one for one in layers]
    return [one for one in found if isinstance(one, Metrics)]


def clean(value: str) -> str:
    """Return the value of a label, bounded and of characters that can be encoded."""
    return value[:_LONGEST].encode("utf-8", "replace").decode()


def _uses_tokens(call: Call) -> bool:
    return call.session or (call.method == "POST" and (is_billed(call) or begins_work(call)))


def _result(error: BaseException | None) -> str:
    """Return how an attempt ended: `ok`, the status that rejected it, the class of another error, or `cancelled`."""
    if error is None:
        return "ok"
    if isinstance(error, APIStatusError):
        return str(error.status_code)
    return type(error).__name__ if isinstance(error, Exception) else "cancelled"


def _add_lost(amounts: _Amounts, record: Record, lost: int) -> None:
    """Add attempts that may have been billed although no answer came of them."""
    if lost:
        amounts.append((f"{USED}unknown", lost))
        _add_price(amounts, record, None, lost)


def _add_used(amounts: _Amounts, record: Record, usage: Usage) -> None:
    amounts.append((USED + usage.source, 1))
    _add_usage(amounts, usage)
    _add_price(amounts, record, record.nano_usd, int(record.nano_usd is None))


def _add_usage(amounts: _Amounts, usage: Usage) -> None:
    source = usage.source
    if usage.input:
        amounts.append((INPUT + source, usage.input))
    if usage.output:
        amounts.append((OUTPUT + source, usage.output))
    if usage.cached:
        amounts.append((CACHED + source, usage.cached))
    if usage.reasoning:
        amounts.append((REASONING + source, usage.reasoning))


def _add_price(amounts: _Amounts, record: Record, nano_usd: int | None, unpriced: int) -> None:
    """Add the cost, where the control `cost` is there to know it."""
    if record.prices is None:
        return
    if nano_usd:
        amounts.append((NANO_USD, nano_usd))
    if unpriced:
        amounts.append((UNPRICED, unpriced))
