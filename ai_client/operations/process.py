"""The clients and connections of this process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from .._fork import here, process_id
from .._pool.permits import PoolStats


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientState:
    """The clients of one alias, kind and class in this process, and their connections.

    Connections are `None` where they are those of an HTTP client that does not show them: one of the application's own
    that is none of `DefaultHttpxClient` and its kin.

    Attributes:
        alias: The alias.
        target: The name of a fallback's client that is built by its options; `None` for the alias's own.
        kind: `sync` or `async`.
        client: The class with its package, such as `ai_client.OpenAI`.
        built: How many clients this process has built, one after the other.
        alive: How many of them are there now: one, or none after the provider was closed.
        open: Connections that are open, in use or idle.
        idle: Connections that wait for a request.
        in_use: Requests under way, those that are still connecting included.
        waiting: Requests that wait for a connection.
        opened: Connections that were ever opened, by clients that are closed too.
    """

    alias: str
    target: str | None
    kind: Literal["sync", "async"]
    client: str
    built: int
    alive: int
    open: int | None
    idle: int | None
    in_use: int | None
    waiting: int | None
    opened: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessState:
    """The clients of a process at one moment.

    Attributes:
        pid: The id of the process.
        state: That of the provider: `open`, `draining` or `closed`.
        clients: The clients that were built so far.
    """

    pid: int
    state: Literal["open", "draining", "closed"]
    clients: tuple[ClientState, ...]

    @classmethod
    def of(cls, aliases: Mapping[str, Any], state: Literal["open", "draining", "closed"]) -> Self:
        """Return the state of the clients of a provider; nothing is built."""
        here()
        found = [one for alias, clients in aliases.items() for one in _of_alias(alias, clients)]
        return cls(pid=process_id(), state=state, clients=tuple(found))

    @property
    def built(self) -> int:
        """How many clients this process has built."""
        return sum(one.built for one in self.clients)

    @property
    def alive(self) -> int:
        """How many clients there are now."""
        return sum(one.alive for one in self.clients)


def _of_alias(alias: str, clients: Any) -> Iterator[ClientState]:
    for made in clients._built.made():
        yield ClientState(
            alias=alias,
            target=None,
            kind=made.kind,
            client=made.client,
            built=made.built,
            alive=int(made.managed is not None),
            **_figures(_NONE if made.managed is None else made.managed.stats(), made.opened),
        )
    for layer in clients._assembly.made_layers():
        for target, further in getattr(layer, "clients", {}).items():
            for sync, built in getattr(further, "made", {}).items():
                client = further.built(sync=sync)
                yield ClientState(
                    alias=alias,
                    target=target,
                    kind="sync" if sync else "async",
                    client=f"{_PACKAGE}.{type(client).__qualname__}",
                    built=built,
                    alive=int(not client.is_closed()),
                    **_figures(client._sender.stats()),
                )


_PACKAGE = __name__.partition(".")[0]
_NONE = PoolStats(0, 0, 0, 0, 0)


def _figures(stats: PoolStats | None, opened_before: int = 0) -> dict[str, int | None]:
    if stats is None:
        return dict.fromkeys(("open", "idle", "in_use", "waiting", "opened"))
    return {
        "open": stats.open,
        "idle": stats.idle,
        "in_use": stats.in_use,
        "waiting": stats.waiting,
        "opened": stats.opened_total + opened_before,
    }
