"""Whether a process lives, and whether it can serve calls now; found out without a call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .._io.reading import aread, read
from ..control.fallback.policy import Fallback
from ..errors import OpenAIError
from .breakers import share_open
from .pools import pools_of
from .store_probe import PATIENCE, probe_of

Check = Literal["provider", "drain", "controls", "breakers", "pool", "store"]
_DEFAULT = "default"
_STARVED = 5.0
"""Seconds that the first call in a pool's queue may have waited for a connection."""
_SECONDS = 30.0
_WAIT_OF: Mapping[str, str] = {
    "draining": "The application is shutting down.",
    "closed": "The AI clients are closed.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process is not ready, or only in part; it holds no secret and no address.

    Attributes:
        check: What was looked at.
        message: What is wrong.
        client: The alias of the clients concerned.
    """

    check: Check
    message: str
    client: str = _DEFAULT


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The health of a process.

    Attributes:
        status: `live`; `ready`, or `degraded` where calls of the default clients work but something else does not;
            `unready`.
        reasons: What is wrong.
    """

    status: Literal["live", "ready", "degraded", "unready"]
    reasons: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a probe is answered with 200, else with 503."""
        return self.status != "unready"


class HeldClients(Protocol):
    """The clients of an alias, as their owner holds them."""

    _assembly: Any
    _built: Mapping[Any, Any]


class Health:
    """The health of the clients of a process. Nothing is sent to the API, and no client is built.

    Args:
        aliases: The clients by alias.
        state: Returns the state of their provider.
    """

    def __init__(self, aliases: Mapping[str, Any], state: Callable[[], str]) -> None:
        self._aliases = aliases
        self._state = state

    def live(self) -> HealthReport:
        """Return that the process lives: whoever gets this answer knows it."""
        return HealthReport("live")

    def ready(self) -> HealthReport:
        """Return whether calls of the default clients would be sent now, and if not, why.

        It is not ready while the provider drains or is closed; while the circuits of all targets of all its models are
        open; while a connection pool has as many calls in its queue as connections, or its first has waited for five
        seconds; and while the store does not answer though `on_store_failure` is `closed`. A store that does not answer
        where it is `open`, models that can be asked nowhere while others can, and trouble of other aliases make it
        `degraded`.
        """
        return read(self._ready, _SECONDS)

    async def aready(self) -> HealthReport:
        """Return whether calls would be sent now, like `ready`; blocks no event loop."""
        return await aread(self._ready, _SECONDS)

    async def _ready(self, io: Any) -> HealthReport:
        state = self._state()
        if state != "open":
            return HealthReport("unready", (Reason("drain", _WAIT_OF[state]),))
        fatal: list[Reason] = []
        minor: list[Reason] = []
        for alias, clients in self._aliases.items():
            own = fatal if alias == _DEFAULT else minor
            own += _pool_faults(alias, clients)
            try:
                layers = clients._assembly.layers()
            except OpenAIError:
                own.append(Reason("controls", "The policies cannot be built; see the log of a call.", alias))
                continue
            for layer in layers:
                share = share_open(layer, io.now()) if isinstance(layer, Fallback) else "none"
                if share != "none":
                    message = f"The circuits of all targets of {share} models are open: they failed too often lately."
                    (own if share == "all" else minor).append(Reason("breakers", message, alias))
            for store in _stores_of(layers):
                backend = getattr(store, "backend", None)
                if backend is None or backend.instant or await probe_of(backend).answers(io):
                    continue
                message = f"The store did not answer within {PATIENCE:.0f} s."
                is_needed = getattr(store, "on_failure", "open") == "closed"
                (own if is_needed else minor).append(Reason("store", message, alias))
        status: Any = "unready" if fatal else "degraded" if minor else "ready"
        return HealthReport(status, (*fatal, *minor))


def _pool_faults(alias: str, clients: HeldClients) -> list[Reason]:
    for managed in list(clients._built.values()):
        for pool in pools_of(managed):
            waiting, seconds = pool.pressure()
            if waiting >= pool.bound or seconds >= _STARVED:
                return [Reason("pool", f"{waiting} calls wait for one of {pool.bound} connections.", alias)]
    return []


def _stores_of(layers: tuple[Any, ...]) -> list[Any]:
    """Return the stores of policies, each once."""
    found = [store for layer in layers if (store := getattr(layer, "store", None)) is not None]
    return list({id(store): store for store in found}.values())
