"""One client of each kind per process, whatever threads, forks and loops its framework uses."""

import _thread
import asyncio
import atexit
import logging
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Self

from ._exchange.loops import adopt_main_loop, stop_background_loop
from ._fork import in_child
from ._process.assembly import Assembly
from ._process.clients import Clients
from ._process.gate import DrainGate
from ._process.gated_io import new_gate
from ._process.owned_client import Kind, Managed, build
from ._process.signals import unwatch, watch
from .config import ClientConfig
from .errors import ConfigError

if TYPE_CHECKING:
    from .client import AsyncOpenAI, OpenAI

__all__ = ["DEFAULT_ALIAS", "ClientProvider", "Clients", "State"]

logger = logging.getLogger("ai_client")

DEFAULT_ALIAS = "default"
State = Literal["open", "draining", "closed"]
_EXIT_SECONDS = 5.0


class ClientProvider:
    """Owner of a process's clients: builds each on first use, closes them with the application.

    Args:
        config: The options of the default clients, checked at once.
        aliases: Options of further clients by name; `provider[name]` gives them. `"default"` may stand here
            instead of *config*.

    Raises:
        ConfigError: An option is unknown or ill-typed.
    """

    def __init__(
        self,
        config: ClientConfig | Mapping[str, Any] | None = None,
        *,
        aliases: Mapping[str, ClientConfig | Mapping[str, Any]] | None = None,
    ) -> None:
        given = dict(aliases or {})
        if config is not None and DEFAULT_ALIAS in given:
            raise ConfigError("The default client is configured twice: as config and in aliases.")
        default = given.pop(DEFAULT_ALIAS, config)
        configs = {DEFAULT_ALIAS: ClientConfig.make(default)}
        for alias, options in given.items():
            configs[alias] = ClientConfig.make(options, source=f"{alias}.", further=True)
        assemblies = {id(config): Assembly(config) for config in configs.values()}
        self._aliases = {
            alias: Clients(assemblies[id(config)], self._build) for alias, config in configs.items()
        }
        self._default = self._aliases[DEFAULT_ALIAS]
        self._lock = threading.RLock()
        self._gate = new_gate()
        _providers.add(self)

    @property
    def config(self) -> ClientConfig:
        """The options of the default clients."""
        return self._default.config

    @property
    def client(self) -> "OpenAI":
        """The default sync client of this process.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.client

    @property
    def async_client(self) -> "AsyncOpenAI":
        """The default async client of this process, for any event loop.

        Raises:
            ClientClosedError: The provider is closed.
        """
        return self._default.async_client

    def __getitem__(self, alias: str) -> Clients:
        found = self._aliases.get(alias)
        if found is None:
            near = get_close_matches(alias, self._aliases, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self._aliases)}."
            raise ConfigError(f"No AI client is configured under the alias {alias!r}. {hint}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._aliases)

    def __len__(self) -> int:
        return len(self._aliases)

    def __contains__(self, alias: object) -> bool:
        return alias in self._aliases

    @property
    def state(self) -> State:
        """Whether calls are taken (`open`), only finished (`draining`), or over (`closed`)."""
        gate = self._gate
        if not gate.closing:
            return "open"
        return "closed" if gate.closed.done() else "draining"

    def override(self, fake_client: Any = None, fake_async_client: Any = None) -> Any:
        """Give other default clients inside a `with` block, in every thread and task; for tests.

        A kind that is not given stays as it is. The fakes are the caller's to close.
        """
        return self._default.override(fake_client, fake_async_client)

    def adopt_loop(self) -> None:
        """Take the running event loop for the main loop of the process: a server's, which lives as long.

        Calls from it use its connections directly; calls from any other loop cross over to a loop that the process
        keeps for them. When the process is told to end, by a handler installed before, calls begin to drain.
        """
        adopt_main_loop()
        watch(self, any_handler=True)

    def start(self) -> Self:
        """Take calls, also again after `close`; clients are still built on first use."""
        gate = self._gate
        if gate.closing:
            gate.hurry()
            gate.closed.result()
            with self._lock:
                if self._gate is gate:
                    self._gate = new_gate()
        watch(self)
        return self

    def drain(self) -> None:
        """Begin to end, as at a signal; returns at once.

        Calls are taken only from requests that are being served, of which a server may hand in some for a while yet.
        The clients are closed after `shutdown_timeout`, or when `close`, `aclose`, `start` or the end of the process
        finds that nothing is under way any more.
        """
        gate = self._gate
        if gate.refuse(finish_requests=True):
            self._end_aside(gate)

    def close(self) -> None:
        """Take no more calls, wait for those under way up to `shutdown_timeout`, and close the clients.

        In an event loop, await `aclose` instead: what runs in that loop cannot end while this blocks it.
        """
        gate = self._gate
        if gate.refuse():
            self._end(gate)
        else:
            gate.hurry()
            gate.closed.result()

    async def aclose(self) -> None:
        """Take no more calls, wait for those under way up to `shutdown_timeout`, and close the clients."""
        gate = self._gate
        if not gate.refuse():
            gate.hurry()
        elif not gate.idle:
            self._end_aside(gate)
        else:
            gate.cut_off()
            try:
                for managed in self._forget():
                    try:
                        await managed.aclose()
                    except Exception:  # the others are closed all the same
                        logger.exception("An AI client could not be closed.")
                if any(clients.config.controls for clients in self._aliases.values()):
                    await asyncio.to_thread(self._close_stores)
            finally:
                self._ended(gate)
        await asyncio.shield(asyncio.wrap_future(gate.closed))

    def _end_aside(self, gate: DrainGate) -> None:
        _thread.start_new_thread(self._end, (gate,))  # a signal handler may do this, not start a Thread

    def _end(self, gate: DrainGate, timeout: float | None = None) -> None:
        """Wait, and close what was built since the last start."""
        try:
            gate.wait_until_done(self.config.shutdown_timeout if timeout is None else timeout)
            gate.cut_off()
            for managed in self._forget():
                try:
                    managed.close()
                except Exception:  # the others are closed all the same
                    logger.exception("An AI client could not be closed.")
            self._close_stores()
        finally:
            self._ended(gate)

    def _close_stores(self) -> None:
        for clients in self._aliases.values():
            clients._assembly.close_store()

    def _ended(self, gate: DrainGate) -> None:
        gate.closed.set_result(None)
        unwatch(self)

    def _forget(self) -> list[Managed]:
        with self._lock:
            return [managed for clients in self._aliases.values() for managed in clients._forget()]

    def _build(self, clients: Clients, kind: Kind) -> Any:
        with self._lock:
            self._gate.admit()
            managed = clients._built.get(kind)
            if managed is None:
                managed = clients._built[kind] = build(clients._assembly, kind, self._gate)
                clients._show()
                watch(self)
            return managed.client

    def _start_empty(self) -> None:
        """Build anew in a forked process; whether calls are taken stays as it was."""
        closing = self._gate.closing
        self._lock = threading.RLock()
        self._gate = new_gate()
        if closing:
            self._gate.refuse()
            self._gate.closed.set_result(None)
        for managed in self._forget():
            managed.abandon()
            _parents.append(managed)


_providers: "weakref.WeakSet[ClientProvider]" = weakref.WeakSet()
_parents: list[Managed] = []  # kept, since a client that goes may close what is its parent's


def _start_empty() -> None:
    for provider in list(_providers):
        provider._start_empty()


def _close_all() -> None:
    for provider in list(_providers):
        gate = provider._gate
        if gate.refuse():
            provider._end(gate, timeout=0)
        else:
            gate.hurry(now=True)
            with suppress(TimeoutError):
                gate.closed.result(_EXIT_SECONDS)
    stop_background_loop()


in_child(_start_empty)
atexit.register(_close_all)
