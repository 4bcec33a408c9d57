"""A store over a backend: blocking work runs in threads, and failures of the backend are handled by policy."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from .._fork import PerProcess
from .._io import IO
from .._io.deadline import at_most, is_out_of_time, is_over, settling
from ..errors import StoreError
from .admission import Admission
from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally

T = TypeVar("T")
THREADS = 8
PAUSE = 1.0
"""Seconds for which a backend that failed is not called again."""
LONG = 0.25
"""Seconds after which a failure says something about a backend, though its call had no more time."""
LONG_IN_A_ROW = 3
"""Such failures in a row after which a backend counts as failed."""
WARN_EVERY = 30.0
"""Seconds between two warnings about the same backend."""
MAX_PENDING = 10_000
"""Changes queued while the backend is down; beyond that the oldest is dropped."""

_UNFINISHED = (StoreError, KeyboardInterrupt, SystemExit, MemoryError)
"""Errors after which a change is repeated: it may or may not have been applied, and applies only once."""

logger = logging.getLogger("ai_client")


class SharedStore:
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
        self._here = PerProcess(
            lambda: _StoreInProcess(threads)
        )  # the parent itself counts what it has queued

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

    async def sums(self, io: IO, first: str, last: str, /) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says.
        """
        return await self._do(io, self.backend.sums, first, last)

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
        """Apply queued changes, then stop threads and close files and connections; later use opens them again."""
        here = self._here()
        here.stop()
        if here.pending:
            try:
                _catch_up(here)
            except StoreError as error:
                logger.warning("%d queued changes could not be counted. %s", len(here.pending), error)
        self.backend.close()

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
        except _UNFINISHED as error:
            self._remember(lambda: self.backend.settle(*settlement))
            if not isinstance(error, StoreError):
                raise
            self._warn(error)
            return []

    def _remember(self, change: Callable[[], Any]) -> None:
        """Queue a change until the backend is back."""
        pending = self._here().pending
        if len(pending) == MAX_PENDING:
            logger.error("The store has been down for so long that the oldest queued change is dropped.")
        pending.append(change)

    def _attempt(self, operation: Callable[..., T], args: tuple[Any, ...]) -> T:
        here, began = self._here(), time.monotonic()
        left = here.down_until - began
        if left > 0:
            raise StoreError("The store failed a moment ago and is not called again yet.", left)
        try:
            _catch_up(here)
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
        if is_out_of_time():
            return
        here, now = self._here(), time.monotonic()
        if now - here.warned >= WARN_EVERY:
            here.warned = now
            means = "calls fail" if self.on_failure == "closed" else "calls are sent without it"
            logger.warning("%s Until it is available again, %s.", error, means)


class _StoreInProcess(Executor):
    """The state of a store in one process: worker threads, and changes queued while the backend is down."""

    def __init__(self, threads: int) -> None:
        self.pending: deque[Callable[[], Any]] = deque(maxlen=MAX_PENDING)
        self.catching_up = threading.Lock()
        self.down_until = 0.0
        self.long_failures = 0
        self.warned = -WARN_EVERY
        self._threads = threads
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[..., T], /, *args: Any, **options: Any) -> Future[T]:
        """Run a function in a worker thread; start the threads on first use."""
        with self._lock:  # so that `stop` comes before or after it, and not between its two steps
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="ai-client-store")
            return self._executor.submit(function, *args, **options)

    def stop(self) -> None:
        """Wait for the threads to finish their work and stop them; later use starts new ones."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()


def _catch_up(here: _StoreInProcess) -> None:
    """Apply the queued changes in order; return once none is left, whichever thread applies them.

    Raises:
        StoreError: The backend is still down; the change that failed stays at the head of the queue.
    """
    if not here.pending and not here.catching_up.locked():
        return
    down_until = here.down_until
    if not here.catching_up.acquire(timeout=at_most(threading.TIMEOUT_MAX)):
        raise StoreError("The store is catching up on what was queued while it was down.")
    try:
        while here.pending:
            if here.down_until > down_until:  # it failed while this thread waited for another one
                raise StoreError("The store failed a moment ago and is not called again yet.")
            change, done = here.pending[0], True
            try:
                change()
            except _UNFINISHED:
                done = False
                raise
            finally:
                if (
                    done and here.pending and here.pending[0] is change
                ):  # else dropped meanwhile, for lack of room
                    here.pending.popleft()
    finally:
        here.catching_up.release()
