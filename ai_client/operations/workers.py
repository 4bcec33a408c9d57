"""The processes that serve the clients of an application, as each of them shows itself in the store."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .._io.reading import aread, read
from ..control.observability.counting.living import ShownProcess, this_process
from ..control.observability.metrics import Metrics
from .configured import Aliases
from .counting import counting_in
from .figures import (
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
from .process import ProcessState

_SECONDS = 5.0
"""Seconds that reading may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerState:
    """The clients, connections and calls of one process at a moment.

    Connections are those of its clients together, as far as these show theirs.

    Attributes:
        host: The name of its machine.
        pid: The id of the process.
        seen: When it showed this, in UTC: a few seconds ago.
        alive: The clients that it has.
        built: The clients that it has built, one after the other.
        open: Connections that are open, in use or idle.
        idle: Connections that wait for a request.
        in_use: Requests under way, those that are still connecting included.
        waiting: Requests that wait for a connection.
        opened: Connections that were ever opened.
        in_flight: Calls that have begun and not ended.
    """

    host: str
    pid: int
    seen: datetime
    alive: int
    built: int
    open: int
    idle: int
    in_use: int
    waiting: int
    opened: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class ExtraClientLine:
    """Clients that a line of code built while requests were served, in all processes together.

    Attributes:
        line: The path of the file and the number of the line, as `file:number`.
        client: The class of the clients, such as `openai.OpenAI`.
        count: The clients that it has built.
    """

    line: str
    client: str
    count: int


class WorkerBook:
    """The processes that share the stores of some clients: with a store in memory, only this one.

    A process is one of them from its first call on until its clients are closed.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def states(self) -> list[WorkerState]:
        """Return each living process, by host and id; blocks while it reads, on an event loop too.

        Raises:
            ConfigError: Neither of the controls `statistics` and `metrics` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        return read(self._states, _SECONDS)

    async def astates(self) -> list[WorkerState]:
        """Return the processes like `states`, without blocking the event loop."""
        return await aread(self._states, _SECONDS)

    def extra_clients(self) -> list[ExtraClientLine]:
        """Return the lines that built clients while requests were served, as the detector found them, most first.

        Raises:
            ConfigError: Neither of the controls `statistics` and `metrics` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        return read(self._extra_clients, _SECONDS)

    async def aextra_clients(self) -> list[ExtraClientLine]:
        """Return the lines like `extra_clients`, without blocking the event loop."""
        return await aread(self._extra_clients, _SECONDS)

    async def _states(self, io: Any) -> list[WorkerState]:
        found: dict[tuple[str, int], list[ShownProcess]] = {}
        for alias, metrics in counting_in(self._aliases, with_statistics=False):
            shown = (
                [self._this(alias, metrics)] if metrics.shared is None else await metrics.shared.processes(io)
            )
            for one in shown:
                found.setdefault((one.host, one.pid), []).append(one)
        return [_state(found[key]) for key in sorted(found)]

    async def _extra_clients(self, io: Any) -> list[ExtraClientLine]:
        sums: dict[str, int] = {}
        for alias, metrics in counting_in(self._aliases, with_statistics=False):
            shared = metrics.shared
            counters = self._this(alias, metrics).counters if shared is None else await shared.counters(io)
            for name, count in counters.items():
                if name.startswith(EXTRA):
                    sums[name] = sums.get(name, 0) + count
        lines = [(name.removeprefix(EXTRA).partition(BETWEEN), count) for name, count in sums.items()]
        found = [ExtraClientLine(line, client, count) for (client, _, line), count in lines]
        return sorted(found, key=lambda one: (-one.count, one.line, one.client))

    def _this(self, alias: str, metrics: Metrics) -> ShownProcess:
        clients = [one for one in ProcessState.of(self._aliases, "open").clients if one.alias == alias]
        return this_process(*figures_of(metrics, clients), time.time())


def _state(shown: Sequence[ShownProcess]) -> WorkerState:
    """Return the state of a process, which shows the clients of each alias by themselves."""

    def total(prefix: str) -> int:
        return sum(
            amount
            for one in shown
            for name, amount in (*one.counters.items(), *one.gauges.items())
            if name.startswith(prefix)
        )

    return WorkerState(
        host=shown[0].host,
        pid=shown[0].pid,
        seen=datetime.fromtimestamp(max(one.at for one in shown), UTC),
        alive=total(ALIVE),
        built=total(BUILT),
        open=total(OPEN),
        idle=total(IDLE),
        in_use=total(IN_USE),
        waiting=total(WAITING),
        opened=total(OPENED),
        in_flight=total(IN_FLIGHT),
    )
