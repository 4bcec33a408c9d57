"""One sync and one async client per process, whatever threads, forks and event loops the framework uses."""

import _thread
import asyncio
import atexit
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, Self, Unpack

from ._call import constructions
from ._exchange.loops import adopt_main_loop, stop_background_loop
from ._fork import in_child
from ._io import closing, in_event_loop
from ._process.aliased_clients import AliasedClients
from ._process.built import Kind
from ._process.clients import DEFAULT_ALIAS, Clients, clients_of
from ._process.detecting import detector_of
from ._process.gate import DrainGate
from ._process.gated_io import new_gate
from ._process.keep_open import KeepOpen
from ._process.managed import Managed, aclose_each, close_each
from ._process.owned_client import build
from ._process.signals import unwatch, watch
from .config import ClientConfig, ClientOptions
from .detector import Detector, Remedy
from .errors import ClientClosedError

__all__ = ["DEFAULT_ALIAS", "ClientProvider", "Clients", "State"]

State = Literal["open", "draining", "closed"]
_EXIT_SECONDS = 5.0
_NO_LOOP = object()


class ClientProvider(AliasedClients):
    """Owns a process's clients: builds each on first use, and closes them with the application.

    Args:
        config: The options of the default clients, validated at once.
        aliases: Options of further clients by name, for `provider[name]`; `"default"` may stand in for *config*.
        options: The options of the default clients as keywords, which take precedence over those in *config*.

    Raises:
        ConfigError: An option is unknown or ill-typed.
    """

    def __init__(
        self,
        config: ClientConfig | Mapping[str, Any] | None = None,
        *,
        aliases: Mapping[str, ClientConfig | Mapping[str, Any]] | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        super().__init__(clients_of(config, aliases or {}, self._build, options))
        self._lock = threading.RLock()
        self._gate = new_gate()
        self._keep_open = KeepOpen()
        self._users = 0
        self._closing_on: object = _NO_LOOP
        self._detect(detector_of(self._aliases))
        _providers.add(self)
        if constructions.hook is not None:
            constructions.hook(self)

    @property
    def state(self) -> State:
        """`open` while calls are accepted, `draining` while they are only finished, `closed` after that."""
        if not (gate := self._gate).closing:
            return "open"
        return "closed" if gate.closed.done() else "draining"

    def adopt_loop(self) -> None:
        """Make the running event loop the main loop of the process; it must live as long as the process serves.

        Its calls use connections directly; those of any other loop are bridged to a background loop of the process.
        At a termination signal for which a handler was installed before, the provider starts to drain.
        """
        adopt_main_loop()
        watch(self, any_handler=True)

    def start(self) -> Self:
        """Accept calls, also again after `close`; clients are still built on first use.

        Raises:
            ClientClosedError: The provider is still closing, and to wait for that would block the event loop.
        """
        if (gate := self._gate).closing:
            self._wait_closed(gate, "astart", blocks=in_event_loop())
            self._reopen(gate)
        self._watch()
        return self

    async def astart(self) -> Self:
        """Accept calls, like `start`; where the provider is still closing, await its end."""
        while (gate := self._gate).closing:
            gate.hurry()
            await asyncio.shield(asyncio.wrap_future(gate.closed))
            self._reopen(gate)
        self._watch()
        return self

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Accept calls inside the block, for the lifespan of an application on the running event loop.

        The loop becomes the main loop of the process. Applications that share a provider enter one block each; the
        last to leave closes the clients, as `aclose` does.
        """
        adopt_main_loop()
        while not self._enter():
            await self.astart()
        try:
            self._watch(any_handler=True)
            yield self
        finally:
            if (last := self._leave()) is not None:
                await self._aclose(*last)

    def drain(self) -> None:
        """Start to shut down, as on a termination signal; return at once.

        Calls are accepted only within requests that are being served, some of which the server may still hand
        over for a while. The clients are closed after `shutdown_timeout`, or when `close`, `aclose`, `start` or
        the end of the process finds no call in flight.
        """
        if (gate := self._gate).refuse(finish_requests=True):
            self._end_aside(gate)

    def close(self) -> None:
        """Reject new calls, wait up to `shutdown_timeout` for calls in flight, and close the clients.

        On an event loop, await `aclose` instead: calls on that loop cannot finish while it is blocked.

        Raises:
            ClientClosedError: The running event loop is closing the clients already, for which it would wait for ever.
        """
        if (gate := self._gate).refuse():
            self._end(gate)
        else:
            self._wait_closed(gate, "aclose", blocks=asyncio._get_running_loop() is self._closing_on)

    async def aclose(self) -> None:
        """Reject new calls, wait up to `shutdown_timeout` for calls in flight, and close the clients."""
        await self._aclose(gate := self._gate, first=gate.refuse())

    async def _aclose(self, gate: DrainGate, first: bool) -> None:
        if not first:
            gate.hurry()
        elif not gate.idle:
            self._end_aside(gate)
        else:
            gate.cut_off()
            self._closing_on = asyncio.get_running_loop()
            try:
                await aclose_each(self._forget())
                if any(clients.config.controls for clients in self._aliases.values()):
                    await asyncio.to_thread(self._close_stores)
            finally:
                self._closing_on = _NO_LOOP
                self._ended(gate)
        await asyncio.shield(asyncio.wrap_future(gate.closed))

    def detect_extra_clients(self, *, debug: bool, remedy: Remedy | None = None) -> None:
        """Detect from here on what `warn_on_extra_clients` is about, until the provider is closed; for adapters.

        Args:
            debug: Whether to detect where the option of the default client is not set.
            remedy: What warnings advise, in the terms of the framework.
        """
        self._detector.stop()
        self._detect(detector_of(self._aliases, debug=debug, remedy=remedy))

    def _detect(self, detector: Detector) -> None:
        self._detector = detector
        detector.start()
        weakref.finalize(self, detector.stop).atexit = False

    def _watch(self, *, any_handler: bool = False) -> None:
        watch(self, any_handler=any_handler)
        self._detector.start()

    def _wait_closed(self, gate: DrainGate, instead: str, *, blocks: bool) -> None:
        if blocks and not gate.closed.done():
            raise ClientClosedError(
                "The AI clients are still being closed, and waiting for that would block the event loop:"
                f" await provider.{instead}() instead."
            )
        gate.hurry()
        gate.closed.result()

    def _reopen(self, closed: DrainGate) -> None:
        with self._lock:
            if self._gate is closed:
                self._gate = new_gate()

    def _enter(self) -> bool:
        """Count a user, unless the provider is closing."""
        with self._lock:
            is_open = not self._gate.closing
            self._users += is_open
            return is_open

    def _leave(self) -> tuple[DrainGate, bool] | None:
        """Count a user less; after the last one reject new calls, and return what `_aclose` takes."""
        with self._lock:
            self._users = max(0, self._users - 1)
            return None if self._users else (self._gate, self._gate.refuse())

    def _end_aside(self, gate: DrainGate) -> None:
        _thread.start_new_thread(self._end, (gate,))  # safe in a signal handler, unlike threading.Thread

    def _end(self, gate: DrainGate, timeout: float | None = None) -> None:
        """Wait for calls in flight, and close the clients built since the last start."""
        try:
            gate.wait_until_done(self.config.shutdown_timeout if timeout is None else timeout)
            gate.cut_off()
            close_each(self._forget())
            self._close_stores()
        finally:
            self._ended(gate)

    @property
    def _has_metrics(self) -> bool:
        asked = [clients.config.controls or {} for clients in self._aliases.values()]
        return any(one.get(name) for one in asked for name in ("metrics", "statistics", "dashboard"))

    @closing()
    def _close_stores(self) -> None:
        if self._has_metrics:
            from .metrics import leave  # noqa: PLC0415 - only where they are configured

            leave(self)
        for clients in self._aliases.values():
            clients._assembly.close_store()

    def _ended(self, gate: DrainGate) -> None:
        unwatch(self)  # before anyone starts and watches again
        self._detector.stop()
        gate.closed.set_result(None)

    def _forget(self) -> list[Managed]:
        with self._lock:
            return [managed for clients in self._aliases.values() for managed in clients._forget()]

    def _build(self, clients: Clients, kind: Kind) -> Any:
        with self._lock:
            self._gate.admit()
            managed = clients._built.get(kind)
            if managed is None:
                keep_open = self._keep_open.until_cut(self._gate)
                with constructions.expected(repr(clients._alias)):
                    managed = build(clients._assembly, kind, self._gate, keep_open)
                clients._built.add(kind, managed)
                clients._show()
                self._watch()
                if self._has_metrics:
                    from .metrics import follow  # noqa: PLC0415 - only where they are configured

                    follow(self)
            return managed.client

    def _start_empty(self) -> None:
        """Drop the parent's clients in a forked child; whether calls are accepted is unchanged."""
        closing = self._gate.closing
        self._lock = threading.RLock()
        self._users = 0
        self._gate = new_gate()
        if closing:
            self._gate.refuse()
            self._gate.closed.set_result(None)
        for managed in [one for clients in self._aliases.values() for one in clients._abandon()]:
            managed.abandon()
            _parents.append(managed)


_providers: "weakref.WeakSet[ClientProvider]" = weakref.WeakSet()
_parents: list[Managed] = []  # kept alive: a collected client might close its parent's connections


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
