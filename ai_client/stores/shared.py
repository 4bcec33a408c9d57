"""A store over a backend: blocking work runs in threads, and failures of the backend are handled by policy."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeVar

from .._fork import PerProcess
from .._io import IO
from .._io.deadline import is_out_of_time, is_over, limited, settling
from ..errors import StoreError
from .administered import administered
from .admission import Admission
from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Take, Tally
from .heartbeat import PATIENCE, keep_beating_for
from .in_process import UNFINISHED, WARN_EVERY, StoreInProcess, catch_up
from .place import place_of
from .recording import is_ending, write_recorded
from .shared_totals import SharedTotals
from .totals import records_at_once

T = TypeVar("T")
THREADS = 8
PAUSE = 1.0
"""Seconds for which a backend that failed is not called again."""
LONG = 0.25
"""Seconds after which a failure says something about a backend, though its call had no more time."""
LONG_IN_A_ROW = 3
"""Such failures in a row after which a backend counts as failed."""

logger = logging.getLogger("ai_client")


class SharedStore(SharedTotals):
    """A store over any backend.

    While the backend fails, `on_failure` decides about reservations and limits: `"open"` lets calls through
    with a warning, `"closed"` raises `StoreError`. Either way the backend is tried again after `PAUSE` seconds,
    usage in the meantime is queued and counted on recovery, and cached values count as missing.

    Args:
        backend: Keeps the state.
        on_failure: `"open"` or `"closed"`.
        threads: How many threads may wait for the backend on behalf of event loops.
    """

    def __init__(
        self, backend: Backend, *, on_failure: Literal["open", "closed"] = "open", threads: int = THREADS
    ) -> None:
        self.backend = backend
        self.instant = backend if backend.instant else None
        self.on_failure = on_failure
        self._here = PerProcess(  # the parent itself counts what it has queued and recorded
            lambda: StoreInProcess(threads, self._write, place_of(self), at_once=records_at_once(backend))
        )

    async def admit(
        self,
        io: IO,
        ticket: str,
        holds: Sequence[Hold],
        takes: Sequence[Take],
        /,
        *,
        now: float,
        expires: float,
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing; nothing where the caller is cancelled."""
        if self.backend.instant:
            return self.backend.admit(ticket, holds, takes, now, expires)
        request = Admission(ticket, holds, takes, now, expires)
        try:
            return await io.work(self._here(), self._admit, request)
        except StoreError as error:
            if is_over(io.deadline):
                raise TimeoutError("The deadline passed while waiting for the store.") from error
            self._fail(error)
            if takes:  # the call's settlement corrects it later
                self._remember(lambda: self.backend.admit(*request.let_through()))
            return None
        except BaseException:
            request.unwanted = True
            if request.made or request.waits or io.sync:  # else the worker thread releases it
                await io.work(self._here(), self._settle, *request.nothing(made=request.made))
            raise

    def renew(self, ticket: str, holds: Sequence[Hold], /, *, now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether it is still held, `True` while the backend is down."""
        renew = getattr(self.backend, "renew", None)
        if renew is None:  # an application's own backend, written before there was such a method
            return False
        try:
            return bool(self._attempt(renew, (ticket, holds, now, expires)))
        except StoreError as error:
            self._warn(error)
            return True

    async def settle(
        self,
        io: IO,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        /,
        *,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once; queue that while the backend is down."""
        if self.backend.instant:
            return self.backend.settle(ticket, spends, now, changes, tally)
        return await io.work(self._here(), self._settle, ticket, spends, now, changes, tally)

    async def ledger(self, io: IO, key: str, now: float, /) -> Ledger:
        """Return the balance of a ledger.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says.
        """
        return await self._do(io, self.backend.ledger, key, now)

    async def ledgers(self, io: IO, prefix: str, now: float, /) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*, by key.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says.
            ConfigError: The backend cannot list them.
        """
        return await self._do(io, administered(self.backend, "list ledgers").ledgers, prefix, now)

    async def adjust(
        self,
        io: IO,
        ticket: str,
        key: str,
        until: float,
        now: float,
        /,
        *,
        grant: int = 0,
        reset: bool = False,
    ) -> Ledger:
        """Reset a ledger or raise its limit, once, and return its balance.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says. It may have done it and lost the answer.
            ConfigError: The backend cannot do so.
        """
        adjust = administered(self.backend, "reset or raise ledgers").adjust
        return await self._do(io, partial(adjust, grant=grant, reset=reset), ticket, key, until, now)

    async def get(self, io: IO, key: str, now: float, /) -> bytes | None:
        """Return a value; `None` while the backend is down."""
        try:
            return await self._do(io, self.backend.get, key, now)
        except StoreError as error:
            self._warn(error)
            return None

    async def set(self, io: IO, key: str, value: bytes, expires: float, now: float, /) -> None:
        """Keep a value; does nothing while the backend is down."""
        try:
            await self._do(io, self.backend.set, key, value, expires, now)
        except StoreError as error:
            self._warn(error)

    def close(self) -> None:
        """Write what is recorded or queued, stop threads, close files and connections; later use opens them again."""
        here = self._here()
        write_recorded(place_of(self))
        here.stop()
        if here.pending:
            try:
                catch_up(here)
            except StoreError as error:
                self._lost(error)
        self.backend.close()

    def _lost(self, error: StoreError) -> None:
        """Warn of what is queued as the process or its use of the store ends."""
        if count := len(self._here().pending):
            logger.warning("%d queued changes could not be counted. %s", count, error)

    async def _do(self, io: IO, operation: Callable[..., T], *args: Any) -> T:
        if self.backend.instant:
            return operation(*args)
        return await io.work(self._here(), self._attempt, operation, args)

    def _admit(self, request: Admission) -> Refusal | None:
        asked = self._here().down_until <= time.monotonic()
        try:
            refusal = self._attempt(self.backend.admit, request.wanted())
        except StoreError:
            if asked and (self.on_failure == "closed" or is_out_of_time()):
                self._remember(lambda: self._undo(request))
            raise
        request.answered(refusal)
        if request.unwanted and (request.made or request.waits):
            self._settle(*request.nothing(made=request.made))
        return refusal

    def _undo(self, request: Admission) -> None:
        """Undo an admission that the backend may have made although no reply arrived."""
        self.backend.admit(*request.let_through())
        self.backend.settle(*request.nothing(made=True))

    def _settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        settlement = (ticket, spends, now, changes, tally)
        try:
            with settling():
                return self._attempt(self.backend.settle, settlement)
        except UNFINISHED as error:
            self._remember(lambda: self.backend.settle(*settlement))
            if not isinstance(error, StoreError):
                raise
            self._warn(error)
            return []

    def _remember(self, change: Callable[[], Any]) -> None:
        """Queue a change until the backend is back."""
        here = self._here()
        if len(here.pending) == here.pending.maxlen:
            logger.error("The store has been down for so long that the oldest queued change is dropped.")
        here.pending.append(change)
        if here.asking is None:
            here.asking = keep_beating_for(self._catch_up, PAUSE)

    def _catch_up(self) -> bool:
        """Count what is queued, for the heartbeat, as perhaps no call follows; return whether to try again."""
        here = self._here()
        with suppress(*UNFINISHED), limited(time.monotonic() + PATIENCE):
            self._attempt(bool, ())
        here.asking = here.asking if here.pending else None
        return bool(here.pending)  # whoever queued one meanwhile saw that this asks

    def _attempt(self, operation: Callable[..., T], args: tuple[Any, ...]) -> T:
        here, began = self._here(), time.monotonic()
        left = here.down_until - began
        if left > 0:
            raise StoreError("The store failed a moment ago and is not called again yet.", left)
        try:
            catch_up(here)
            result = operation(*args)
        except StoreError as error:
            # that a call has no time left says little about the store, unless one after another waits for long
            here.long_failures += time.monotonic() - began >= LONG
            if not is_out_of_time() or here.long_failures >= LONG_IN_A_ROW:
                here.down_until = time.monotonic() + PAUSE
                error.retry_after = PAUSE
            raise
        here.long_failures = 0
        if here.down_until:
            here.down_until = 0.0
            logger.warning("The store is available again.")
        return result

    def _fail(self, error: StoreError) -> None:
        if self.on_failure == "closed":
            raise error
        self._warn(error)

    def _warn(self, error: StoreError) -> None:
        here, now = self._here(), time.monotonic()
        if is_ending():
            self._lost(error)
        if is_out_of_time() or is_ending():
            return
        if now - here.warned >= WARN_EVERY:
            here.warned = now
            means = "calls fail" if self.on_failure == "closed" else "calls are sent without it"
            logger.warning("%s Until it is available again, %s.", error, means)
