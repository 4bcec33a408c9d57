"""Samples of the instruments, made of what the policies of a provider have counted."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from ..control.observability.counting.names import BOUNDS, buckets_of
from ..control.observability.metrics import Metrics, metrics_in
from .families import IN_FLIGHT, OF_CALLS, Family

Labels: TypeAlias = tuple[tuple[str, str], ...]
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
    """Yield the instruments of a provider that have values, each with its samples."""
    counted = [
        ((("client", alias), *zip(metrics.labels, key, strict=True)), amounts)
        for alias, metrics in policies_of(provider)
        for key, amounts in metrics.counts.totals().items()
    ]
    for family in OF_CALLS:
        found = [sample for labels, amounts in counted for sample in _samples(family, labels, amounts)]
        if found:
            yield family, found
    yield (
        IN_FLIGHT,
        [
            Sample("", (("client", alias),), len(metrics.counts.under_way))
            for alias, metrics in policies_of(provider)
        ],
    )


def policies_of(provider: Any) -> list[tuple[str, Metrics]]:
    """Return the policies that count calls of a provider's clients, each once, with the first alias that has it."""
    found: dict[int, tuple[str, Metrics]] = {}
    for alias in provider:
        for metrics in metrics_in(provider[alias]._assembly.layers()):
            found.setdefault(id(metrics), (alias, metrics))
    return list(found.values())


def _samples(family: Family, labels: Labels, amounts: Mapping[str, int]) -> Iterator[Sample]:
    name, divisor = family.counted, family.divisor
    if family.kind == "histogram":
        if name in amounts:
            yield from _histogram(name, labels, amounts, divisor)
    elif family.label:
        for counted, amount in sorted(amounts.items()):
            if counted.startswith(name):
                yield Sample("", (*labels, (family.label, counted.removeprefix(name))), amount)
    elif name in amounts:
        yield Sample("", labels, Fraction(amounts[name], divisor))


def _histogram(name: str, labels: Labels, amounts: Mapping[str, int], divisor: int) -> Iterator[Sample]:
    count = 0
    for bound, bucket in zip((*map(str, BOUNDS), "+Inf"), buckets_of(name), strict=True):
        count += amounts.get(bucket, 0)
        yield Sample("_bucket", (*labels, ("le", bound)), count)
    yield Sample("_count", labels, count)
    yield Sample("_sum", labels, Fraction(amounts[name], divisor))
