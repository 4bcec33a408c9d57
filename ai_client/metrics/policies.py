"""The policies of a provider that count calls, and what is known of them in all processes."""

from typing import Any
from weakref import ref

from ..control.observability.counting.sharing import Snapshot
from ..control.observability.metrics import Metrics, metrics_in
from ..operations.figures import figures_of
from ..operations.process import ClientState


def policies_of(provider: Any, *, made: bool = False, hidden: bool = False) -> list[tuple[str, Metrics]]:
    """Return the policies that count calls of a provider's clients, each once, with the first alias that has it.

    Args:
        provider: The provider.
        made: Whether to look only at policies that this process has made already.
        hidden: Whether to return those too that only feed statistics.
    """
    found: dict[int, tuple[str, Metrics]] = {}
    for alias in provider:
        assembly = provider[alias]._assembly
        for metrics in metrics_in(assembly.made_layers() if made else assembly.layers()):
            if hidden or metrics.is_shown:
                found.setdefault(id(metrics), (alias, metrics))
    return list(found.values())


def snapshot_of(provider: Any, alias: str, metrics: Metrics) -> Snapshot:
    """Return what is known of the calls of an alias: in all processes where they share a store, else in this one."""
    shared = metrics.shared
    if shared is not None:
        follow_one(provider, alias, metrics)
        return shared.snapshot()
    counters, gauges = figures_of(metrics, clients_of(provider, alias))
    return Snapshot(metrics.shown.totals(), counters, gauges)


def follow_one(provider: Any, alias: str, metrics: Metrics) -> None:
    """Have this process show what the clients of an alias are at."""
    shared = metrics.shared
    if shared is None or shared.own is not None or provider.state == "closed":
        return
    followed, counting = ref(provider), ref(metrics)

    def own() -> tuple[Any, Any]:
        living, counts = followed(), counting()
        return ({}, {}) if living is None or counts is None else figures_of(counts, clients_of(living, alias))

    shared.own = own


def clients_of(provider: Any, alias: str) -> list[ClientState]:
    """Return the clients of an alias that this process has built."""
    return [client for client in provider.process.clients if client.alias == alias]
