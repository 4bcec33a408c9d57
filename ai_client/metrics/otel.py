"""Instruments that OpenTelemetry observes: what this process is at, and counts that no histogram of `telemetry` has."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from .._fork import PerProcess
from .._version import __version__
from ..control.observability.counting.names import ATTEMPT, CACHE, RETRIES
from ..control.observability.metrics import Metrics
from ..operations.figures import (
    ALIVE,
    BETWEEN,
    BUILT,
    EXTRA,
    IDLE,
    IN_FLIGHT,
    IN_USE,
    OPEN,
    OPENED,
    WAITING,
    figures_of,
)
from .families import Kind
from .policies import clients_of, policies_of


class Observed(NamedTuple):
    """An instrument that is observed.

    Attributes:
        name: Its name.
        kind: What it is.
        unit: Its unit.
        about: What it counts or shows.
        counted: The name of its figure, or the prefix of the names by the values of *attribute*.
        attribute: The attribute that it has beside `ai_client.client`; empty where it has none.
    """

    name: str
    kind: Kind
    unit: str
    about: str
    counted: str
    attribute: str = ""


OF_PROCESS: tuple[Observed, ...] = (
    Observed("ai_client.clients.built", "counter", "{client}", "Clients built", BUILT, "ai_client.kind"),
    Observed(
        "ai_client.clients.alive", "gauge", "{client}", "Clients that there are", ALIVE, "ai_client.kind"
    ),
    Observed(
        "ai_client.connections.opened",
        "counter",
        "{connection}",
        "Connections opened",
        OPENED,
        "ai_client.kind",
    ),
    Observed(
        "ai_client.connections.open", "gauge", "{connection}", "Connections open", OPEN, "ai_client.kind"
    ),
    Observed(
        "ai_client.connections.idle", "gauge", "{connection}", "Connections idle", IDLE, "ai_client.kind"
    ),
    Observed(
        "ai_client.connections.in_use",
        "gauge",
        "{connection}",
        "Connections in use",
        IN_USE,
        "ai_client.kind",
    ),
    Observed(
        "ai_client.connections.waiting", "gauge", "{request}", "Requests waiting", WAITING, "ai_client.kind"
    ),
    Observed("ai_client.calls.in_flight", "gauge", "{call}", "Calls under way", IN_FLIGHT),
    Observed(
        "ai_client.extra_clients",
        "counter",
        "{client}",
        "Clients built while requests were served",
        EXTRA,
        "ai_client.class",
    ),
)
OF_CALLS: tuple[Observed, ...] = (
    Observed(
        "ai_client.attempts", "counter", "{request}", "Requests sent upstream", ATTEMPT, "ai_client.result"
    ),
    Observed("ai_client.retries", "counter", "{request}", "Attempts that another one followed", RETRIES),
    Observed(
        "ai_client.cache.calls", "counter", "{call}", "Calls by what the cache did", CACHE, "ai_client.cache"
    ),
)
"""Counts by the labels of `Metrics`, as `ai_client.endpoint`, `gen_ai.request.model` and `ai_client.tenant`."""
_NAMES = {"endpoint": "ai_client.endpoint", "model": "gen_ai.request.model", "tenant": "ai_client.tenant"}


_observed: PerProcess["WeakKeyDictionary[Any, set[tuple[str, int]]]"] = PerProcess(WeakKeyDictionary)
"""The providers that are observed in this process: their aliases, and by which of `_meters`."""
_meters: dict[int, Any] = {}
"""The meter providers that have the instruments, which a child has from its parent; 0 is the global one."""


def observe(provider: Any, alias: str, meter_provider: Any) -> None:
    """Have a meter provider of OpenTelemetry observe the clients of an alias, in this process and until they are left.

    Each instrument exists once for a meter provider, however many providers there are.
    """
    key = 0 if meter_provider is None else id(meter_provider)
    _observed().setdefault(provider, set()).add((alias, key))
    if key in _meters:
        return
    _meters[key] = meter_provider  # kept, so that no other one has its id
    metrics: Any = import_module("opentelemetry.metrics")
    meter = metrics.get_meter("ai_client", __version__, meter_provider)
    for one in (*OF_PROCESS, *OF_CALLS):
        create = meter.create_observable_counter if one.kind == "counter" else meter.create_observable_gauge
        create(one.name, [_callback(one, key, metrics.Observation)], unit=one.unit, description=one.about)


def leave(provider: Any) -> None:
    """Have a provider observed no more."""
    _observed().pop(provider, None)


def _callback(one: Observed, meter: int, observation: Callable[..., Any]) -> Callable[[Any], Iterable[Any]]:
    def observed(options: object) -> Iterator[Any]:
        del options
        sums: dict[tuple[tuple[str, str], ...], int] = {}
        for provider, aliases in list(_observed().items()):
            for alias, metrics in policies_of(provider, made=True):
                if (alias, meter) not in aliases:
                    continue
                for attributes, amount in _values(one, provider, alias, metrics):
                    sums[attributes] = sums.get(attributes, 0) + amount
        return (observation(amount, dict(attributes)) for attributes, amount in sums.items())

    return observed


def _values(
    one: Observed, provider: Any, alias: str, metrics: Metrics
) -> Iterator[tuple[tuple[tuple[str, str], ...], int]]:
    client = ("ai_client.client", alias)
    if one in OF_CALLS:
        for key, amounts in metrics.shown.totals().items():
            named = zip(metrics.labels, key, strict=True)
            labels = tuple((_NAMES[label], value) for label, value in named if value)
            yield from _named(one, (client, *labels), amounts)
        return
    for figures in figures_of(metrics, clients_of(provider, alias)):
        yield from _named(one, (client,), figures)


def _named(
    one: Observed, labels: tuple[tuple[str, str], ...], figures: Any
) -> Iterator[tuple[tuple[tuple[str, str], ...], int]]:
    for name, amount in figures.items():
        if one.attribute and name.startswith(one.counted):
            value, _, line = name.removeprefix(one.counted).partition(BETWEEN)
            more = (("code.location", line),) if line else ()
            yield (*labels, (one.attribute, value), *more), amount
        elif name == one.counted and not one.attribute:
            yield labels, amount
