"""The circuits of targets, as operators see and reset them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from .._io.reading import aread, read
from .._params.nearest import nearest
from ..control.breaker import Breaker, split_circuit
from ..control.circuits import Circuits
from ..control.fallback.policy import Fallback
from ..errors import ConfigError
from .configured import Aliases, policies_of

_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerState:
    """The circuit of one target.

    Attributes:
        alias: The alias whose clients ask the target; of several that share the circuit, the first.
        target: The target, as the chains of `models` name it.
        account: A digest of the credentials, where it is the circuit of a tenant's own account.
        state: `closed`, `open`, or `half-open` once the next call may find out whether the target works again.
        failures: Failures in a row of calls of this process.
        since: When it opened; `None` while it is closed.
        until: Until when no call is sent; `None` while it is closed.
        shared: Whether the processes that share the store share it.
    """

    alias: str
    target: str
    account: str | None
    state: Literal["closed", "open", "half-open"]
    failures: int
    since: datetime | None
    until: datetime | None
    shared: bool


class Breakers:
    """The circuits of the targets that clients ask.

    That of a provider covers the clients of all aliases.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def states(self) -> list[BreakerState]:
        """Return the state of each circuit: of the targets in `models`, and of what was asked or opened besides.

        Circuits that are shared are read from their store, which blocks for a moment.

        Raises:
            ConfigError: No circuit breaker is configured.
            StoreError: A store is down, or did not answer in time.
        """
        return read(self._states, _SECONDS)

    async def astates(self) -> list[BreakerState]:
        """Return the state of each circuit like `states`, without blocking the event loop."""
        return await aread(self._states, _SECONDS)

    def reset(self, target: str | None = None) -> int:
        """Close circuits and forget the failures that were counted; return how many circuits were closed.

        Processes that share them close them within a second. What calls under way find out no longer counts.

        Args:
            target: The target, whose circuits of tenants' own accounts are closed too; by default all.

        Raises:
            ConfigError: No circuit breaker is configured, or none knows this target.
            StoreError: A store is down, or did not answer in time.
        """
        return read(partial(self._reset, target), _SECONDS)

    async def areset(self, target: str | None = None) -> int:
        """Close circuits like `reset`, without blocking the event loop."""
        return await aread(partial(self._reset, target), _SECONDS)

    def _circuits(self) -> Iterator[tuple[str, Fallback, Breaker, Circuits]]:
        found = False
        for alias, fallback in policies_of(self._aliases, Fallback, "breaker"):
            if fallback.breaker is not None and fallback._health is not None:
                found = True
                yield alias, fallback, fallback.breaker, fallback._health.circuits
        if not found:
            raise ConfigError("The controls have no 'breaker': it is switched off.")

    async def _names(self, io: Any, fallback: Fallback, circuits: Circuits) -> list[str]:
        configured = [name for chain in fallback._chains.configured for name in chain]
        return list(dict.fromkeys([*configured, *await circuits.known(io)]))

    async def _states(self, io: Any) -> list[BreakerState]:
        states: list[BreakerState] = []
        for alias, fallback, breaker, circuits in self._circuits():
            names = await self._names(io, fallback, circuits)
            seen, now = breaker.seen(), io.now()
            for name in names:
                until, opened, failures = seen.get(name, (None, 0.0, 0))
                target, account = split_circuit(name)
                states.append(
                    BreakerState(
                        alias=alias,
                        target=target,
                        account=account,
                        state="closed" if until is None else "open" if now < until else "half-open",
                        failures=failures,
                        since=None if until is None else datetime.fromtimestamp(opened, UTC),
                        until=None if until is None else datetime.fromtimestamp(until, UTC),
                        shared=breaker.shared,
                    )
                )
        return states

    async def _reset(self, target: str | None, io: Any) -> int:
        known: set[str] = set()
        closed = 0
        for _, fallback, breaker, circuits in self._circuits():
            for name in await self._names(io, fallback, circuits):
                its = split_circuit(name)[0]
                known.add(its)
                if target in {None, its}:
                    closed += breaker.open_until(name) is not None
                    await circuits.close(io, name)
        if target is not None and target not in known:
            near = nearest(target, known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ConfigError(f"No circuit of a target {target!r} is known.{hint}")
        return closed


def share_open(fallback: Fallback, now: float) -> Literal["none", "some", "all"]:
    """Return of how many models no target may be asked now, as far as this process knows.

    A circuit whose time is over counts as closed, as the next call tries it. The models are those of `models`; where
    none is configured, those that were asked. The circuits of tenants' own accounts say nothing of others.
    """
    breaker = fallback.breaker
    if breaker is None:
        return "none"
    asked = [(name,) for name in breaker.seen() if split_circuit(name)[1] is None]
    chains = fallback._chains.configured or asked
    stuck = [all(breaker.state(name, now) == "open" for name in chain) for chain in chains]
    return "all" if stuck and all(stuck) else "some" if any(stuck) else "none"
