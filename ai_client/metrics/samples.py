"""Samples of the instruments, made of what the policies of a provider have counted."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from ..control.observability.counting.names import BOUNDS, buckets_of
from ..control.observability.metrics import clean
from ..errors import OpenAIError
from ..operations.figures import BETWEEN
from .families import (
    BREAKERS,
    BUDGETS,
    OF_CALLS,
    OF_MOMENTS,
    OF_PROCESSES,
    PROCESSES,
    STORE_UP,
    Family,
)
from .policies import policies_of, snapshot_of

Labels: TypeAlias = tuple[tuple[str, str], ...]
_MOST_BUDGETS = 1000
"""Scopes of budgets that are shown."""
Amount: TypeAlias = int | Fraction


class Sample(NamedTuple):
    """A value of an instrument.

    Attributes:
        suffix: What follows the instrument's name: of histograms `_bucket`, `_sum` and `_count`.
        labels: Names and values.
        value: The value, exact.
    """

    suffix: str
    labels: Labels
    value: Amount


def samples_of(provider: Any) -> Iterator[tuple[Family, list[Sample]]]:
    """Yield the instruments of a provider that have values, each with its samples; blocks while it reads stores."""
    found: dict[Family, list[Sample]] = {}
    complete = True
    for alias, metrics in policies_of(provider):
        snapshot = snapshot_of(provider, alias, metrics)
        client = ("client", alias)
        for key, amounts in snapshot.series.items():
            labels = (client, *zip(metrics.labels, key, strict=True))
            for family in OF_CALLS:
                found.setdefault(family, []).extend(_samples(family, labels, amounts))
        for families, figures in ((OF_PROCESSES, snapshot.counters), (OF_MOMENTS, snapshot.gauges)):
            for family in families:
                found.setdefault(family, []).extend(_samples(family, (client,), figures))
        if metrics.shared is not None:
            found.setdefault(STORE_UP, []).append(Sample("", (client,), int(snapshot.complete)))
        complete = complete and snapshot.complete
        if snapshot.complete:
            found.setdefault(PROCESSES, []).append(Sample("", (client,), snapshot.processes))
    # of a store that is down nothing more is asked, which would take longer than a scraper waits
    in_stores = chain(_of_breakers(provider), _of_budgets(provider)) if complete else ()
    for family, samples in chain(found.items(), in_stores):
        if samples:
            yield family, samples


def _of_breakers(provider: Any) -> Iterator[tuple[Family, list[Sample]]]:
    try:
        states = provider.breakers.states()
    except OpenAIError:  # there are none, or the store is down
        return
    yield (
        BREAKERS,
        [
            Sample(
                "",
                (
                    ("client", one.alias),
                    ("target", clean(one.target)),
                    ("account", one.account or ""),
                    ("state", one.state),
                ),
                1,
            )
            for one in states
        ],
    )


def _of_budgets(provider: Any) -> Iterator[tuple[Family, list[Sample]]]:
    try:
        states = provider.budgets.states()
    except OpenAIError:
        return
    for family in BUDGETS:
        yield (
            family,
            [
                Sample("", _budget_labels(one), Fraction(str(getattr(one, family.counted))))
                for one in states[:_MOST_BUDGETS]
            ],
        )


def _budget_labels(one: Any) -> Labels:
    return (
        ("client", one.alias),
        ("budget", clean(one.name)),
        ("unit", one.unit),
        ("per", one.per),
        ("scope", clean(one.scope)),
    )


def _samples(family: Family, labels: Labels, amounts: Mapping[str, int]) -> Iterator[Sample]:
    name, divisor = family.counted, family.divisor
    if family.kind == "histogram":
        if name in amounts:
            yield from _histogram(name, labels, amounts, divisor)
    elif family.label:
        for counted, amount in sorted(amounts.items()):
            if counted.startswith(name):
                value, _, line = counted.removeprefix(name).partition(BETWEEN)
                more = (("line", clean(line)),) if line else ()
                yield Sample("", (*labels, (family.label, value), *more), amount)
    elif name in amounts:
        yield Sample("", labels, Fraction(amounts[name], divisor))


def _histogram(name: str, labels: Labels, amounts: Mapping[str, int], divisor: int) -> Iterator[Sample]:
    count = 0
    for bound, bucket in zip((*map(str, BOUNDS), "+Inf"), buckets_of(name), strict=True):
        count += amounts.get(bucket, 0)
        yield Sample("_bucket", (*labels, ("le", bound)), count)
    yield Sample("_count", labels, count)
    yield Sample("_sum", labels, Fraction(amounts[name], divisor))
