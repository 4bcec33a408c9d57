"""The processes that serve the clients of an application, as each of them shows itself in the store."""

from dataclasses import dataclass
from datetime import datetime

from .configured import Aliases


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


ExtraClients = ExtraClientLine


class WorkerBook:
    """The processes that share the stores of some clients: with a store in memory, only this one."""

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def states(self) -> list[WorkerState]:
        """Return what each living process is at, by host and id; blocks while it reads, on an event loop too.

        Raises:
            ConfigError: Neither of the controls `statistics` and `metrics` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def astates(self) -> list[WorkerState]:
        """Return the processes like `states`, without blocking the event loop."""
        raise NotImplementedError

    def extra_clients(self) -> list[ExtraClientLine]:
        """Return the lines that built clients while requests were served, as the detector found them.

        Raises:
            ConfigError: Neither of the controls `statistics` and `metrics` is configured.
            StoreError: A store is down, or did not answer in time.
        """
        raise NotImplementedError

    async def aextra_clients(self) -> list[ExtraClientLine]:
        """Return the lines like `extra_clients`, without blocking the event loop."""
        raise NotImplementedError
