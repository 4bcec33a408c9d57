"""Counts of calls for Prometheus and OpenTelemetry: outcomes, attempts, tokens, cost and durations."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from ..._call.call import Call, Reply
from ..._call.labels import Labels, storable
from ..._call.pipeline import Next, Policy
from ..._call.record import Record
from ..._fork import PerProcess
from ...errors import ConfigError
from ...stores import Store
from ...stores.recording import is_ending, write_recorded
from ..accounting.accounting import Accounting
from ..options.amounts import check_amounts
from ..pricing.billed import is_of_text
from ..pricing.meter import usage_of
from ..pricing.prices import Prices
from ..record import record_of
from ..statistics.gathered import GatheredCounts, ShownCounts
from ..statistics.policy import Statistics
from .counting.counts import Amount, Counts, Key
from .counting.of_call import CallCount
from .counting.of_target import NOTHING, TargetCount
from .counting.protocols import Counter
from .counting.sharing import SharedCounts
from .counting.usual import is_usual, row_of
from .counting.with_cost import MetricsWithCost

Label: TypeAlias = Literal["endpoint", "model", "tenant"]
LABELS: tuple[Label, ...] = ("endpoint", "model", "tenant")
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
        statistics: The statistics that are fed from the same counts.
        is_shown: Whether pages and OpenTelemetry show the counts; else they feed statistics alone.
    """

    labels: Sequence[Label] = LABELS
    max_series: int = 500
    name: str = ""
    store: Store | None = field(default=None, repr=False)
    client: str = "default"
    statistics: Statistics | None = field(default=None, repr=False)
    is_shown: bool = True
    _labels: tuple[Label, ...] = field(init=False, repr=False, compare=False)
    _gathered: PerProcess[GatheredCounts | None] = field(init=False, repr=False, compare=False)
    _shown: PerProcess[Counts] = field(init=False, repr=False, compare=False)
    _counts: PerProcess[Counts] = field(init=False, repr=False, compare=False)
    _sharing: PerProcess[SharedCounts | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_amounts("metrics", above_zero=True, max_series=self.max_series)
        if isinstance(self.labels, str) or not set(self.labels) <= {*LABELS}:
            raise ConfigError(f"metrics: labels must be a list of {', '.join(LABELS)}.")
        if len({*self.labels}) < len(self.labels):
            raise ConfigError("metrics: labels must name each label once.")
        object.__setattr__(self, "_labels", tuple(self.labels) if self.statistics is None else LABELS)
        object.__setattr__(self, "_gathered", PerProcess(self._gather))
        object.__setattr__(self, "_counts", PerProcess(self._count))
        object.__setattr__(self, "_shown", PerProcess(self._show))
        object.__setattr__(self, "_sharing", PerProcess(self._share))

    @property
    def counts(self) -> Counts:
        """The counts to which the calls of this process are added."""
        return self._counts()

    @property
    def shown(self) -> Counts:
        """All that this process has counted, by the labels of `labels`; nothing where it is not shown."""
        return self._shown()

    @property
    def prices(self) -> Prices | None:
        """The prices by which the savings of a cache are counted; `None` where they are not."""
        return None if self.statistics is None else self.statistics.prices

    @property
    def shared(self) -> SharedCounts | None:
        """The part of this process in what all count that share the store; `None` where it is in memory."""
        return self._sharing()

    def _gather(self) -> GatheredCounts | None:
        if self.statistics is None:
            return None
        return GatheredCounts(self.statistics, max(self.statistics.max_series, self.max_series), self)

    def _count(self) -> Counts:
        gathered = self._gathered()
        if gathered is None:
            return Counts(self.max_series, len(self.labels))
        self._shown()  # which is fed with what is counted from then on
        return gathered.counts

    def _show(self) -> Counts:
        gathered = self._gathered()
        if not self.is_shown:
            return Counts(1, len(self.labels))
        if gathered is None:
            return self._counts()
        places = tuple(LABELS.index(label) for label in self.labels)
        return ShownCounts(self.max_series, places, gathered)

    def _share(self) -> SharedCounts | None:
        if getattr(self.store, "recording", None) is None:
            return None
        name = (
            f"{self.name}|{self.client}|{','.join(self.labels)}"  # by other labels series cannot be added up
        )
        return SharedCounts(
            self._shown(), self.store, name, max_series=self.max_series, width=len(self.labels), owner=self
        )

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, and count how it ended and what it used."""
        if call.record is None and call.is_whole:
            return self._counted_anew(call, proceed)
        return self.counted(call, proceed, (TargetCount, CallCount))

    async def _counted_anew(self, call: Call, proceed: Next) -> Reply:
        """Send a call of which nothing is noted yet, so that all that its record tells in the end is to be counted."""
        record, counts = record_of(call), self._counts.get()
        under_way = counts.under_way
        under_way.add(record)
        try:
            reply = await proceed(call)
        except BaseException as error:
            self.add_failed(call, record, error)
            raise
        finally:
            under_way.discard(record)
        self.add_answered(call, record, reply)
        return reply

    def add_failed(self, call: Call, record: Record, error: BaseException) -> None:
        """Count a call that *error* ended, and all that its record tells."""
        amounts: list[Amount] = []
        TargetCount(self, call, record, NOTHING).failed(error, amounts)
        CallCount(self, call, record).failed(error, amounts)
        self.add(self.key(record), amounts)

    def add_answered(self, call: Call, record: Record, reply: Reply) -> None:
        """Count a call that is answered as a whole, and all that its record tells."""
        if is_usual(record) and is_of_text(call):
            self._counts.get().add_row(self.key(record), *row_of(record, usage_of(call, reply, record)))
            return
        amounts: list[Amount] = []
        TargetCount(self, call, record, NOTHING).answered(reply, amounts)
        CallCount(self, call, record).answered(reply, amounts)
        self.add(self.key(record), amounts)

    def _with(self, inner: Policy) -> Policy | None:
        """Return the policy that counts for this and *inner*, the policy next inside, at once; `None` if none does."""
        if isinstance(inner, Accounting) and inner.noted_cost is not None:
            return MetricsWithCost(self, inner, inner.noted_cost)
        return None

    async def counted(self, call: Call, proceed: Next, counters: tuple[Counter, ...]) -> Reply:
        """Send a call, and count it by each of *counters*, all at once."""
        record = call.record or record_of(call)
        each = [count(self, call, record) for count in counters]
        amounts: list[Amount] = []
        try:
            reply = await proceed(call)
        except BaseException as error:
            for one in each:
                one.failed(error, amounts)
            self.add(self.key(record), amounts)
            raise
        for one in each:
            one.answered(reply, amounts)
        if amounts:
            self.add(self.key(record), amounts)
        return reply

    def key(self, record: Record) -> Key:
        """Return the values of the labels under which a call counts."""
        return _key(self._labels, record.labels, record.target_model or record.model)

    def add(self, key: Key, amounts: list[Amount]) -> None:
        """Count amounts under the values of the labels."""
        self._counts().add(key, amounts)
        if is_ending():  # as of a stream that was left open: nothing looks again
            write_recorded()


class CallMetrics:
    """The part of `Metrics` that stands outside of a cache and a fallback: how calls ended.

    Args:
        metrics: The policy.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and count how it ended."""
        return self.metrics.counted(call, proceed, (CallCount,))


class TargetMetrics:
    """The part of `Metrics` that stands inside of a cache and a fallback: what each target is asked.

    Args:
        metrics: The policy.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to one target and count what it used."""
        return self.metrics.counted(call, proceed, (TargetCount,))

    def _joined(self, outer: Sequence[Policy]) -> list[Policy]:
        """Return the policies that replace this one and the policy next outside: `Metrics` for both of its parts."""
        for layer in outer:
            if isinstance(layer, CallMetrics) and layer.metrics is self.metrics:
                return [self.metrics]
        return [*outer, self]


def metrics_in(layers: Iterable[object]) -> list[Metrics]:
    """Return the policies among others that count calls."""
    found = [one.metrics if isinstance(one, CallMetrics) else one for one in layers]
    return [one for one in found if isinstance(one, Metrics)]


@lru_cache(maxsize=1024)
def _key(names: tuple[Label, ...], labels: Labels, model: str | None) -> Key:
    return tuple(clean((model if name == "model" else getattr(labels, name)) or "") for name in names)


def clean(value: str) -> str:
    """Return the value of a label, bounded and of characters that can be encoded."""
    return storable(value)[:_LONGEST]
