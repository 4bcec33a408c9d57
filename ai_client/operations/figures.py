"""Figures of this process: its clients, their connections, and the clients that it built while serving requests."""

from collections.abc import Iterable
from typing import TypeAlias

from ..control.observability.metrics import Metrics
from ..detector import counts
from .process import ClientState

Figures: TypeAlias = dict[str, int]
ALIVE, OPEN, IDLE, IN_USE, WAITING = "alive.", "open.", "idle.", "in_use.", "waiting."
BUILT, OPENED, EXTRA = "built.", "opened.", "extra."
"""Prefixes of figures, by the kind of the client; of extra ones by class and line of code."""
IN_FLIGHT = "in_flight"
BETWEEN = "\t"
"""Stands between the class of an extra client and the line that built it."""


def figures_of(metrics: Metrics, clients: Iterable[ClientState]) -> tuple[Figures, Figures]:
    """Return what a process has counted of itself, and what it is at.

    Args:
        metrics: The policy that counts the calls of the clients.
        clients: The clients of its alias.
    """
    counted: Figures = {}
    gauges: Figures = {IN_FLIGHT: len(metrics.counts.under_way)}
    for client in clients:
        _add(counted, BUILT + client.kind, client.built)
        _add(counted, OPENED + client.kind, client.opened)
        _add(gauges, ALIVE + client.kind, client.alive)
        _add(gauges, OPEN + client.kind, client.open)
        _add(gauges, IDLE + client.kind, client.idle)
        _add(gauges, IN_USE + client.kind, client.in_use)
        _add(gauges, WAITING + client.kind, client.waiting)
    for extra in counts() if metrics.client == "default" else ():
        _add(counted, f"{EXTRA}{extra.client}{BETWEEN}{extra.file}:{extra.line}", extra.count)
    return counted, gauges


def _add(figures: Figures, name: str, amount: int | None) -> None:
    if amount is not None:
        figures[name] = figures.get(name, 0) + amount
