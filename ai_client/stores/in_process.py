"""The state of a store in one process: its threads, and what waits for the backend to be back."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .._io.deadline import at_most
from ..errors import StoreError
from .base import Tally
from .heartbeat import Renewal
from .recording import TotalsRecording

T = TypeVar("T")
WARN_EVERY = 30.0
"""Seconds between two warnings about the same backend."""
MAX_PENDING = 10_000
"""Changes queued while the backend is down; beyond that the oldest is dropped."""
UNFINISHED = (StoreError, KeyboardInterrupt, SystemExit, MemoryError)
"""Errors after which a change is repeated: it may or may not have been applied, and applies only once."""

logger = logging.getLogger("ai_client")


class StoreInProcess(Executor):
    """The state of a store in one process: worker threads, changes queued while the backend is down, and a recording.

    Args:
        threads: How many threads may wait for the backend on behalf of event loops.
        write: Writes tallies under a ticket, or queues them.
        place: Where the backend keeps its state.
        at_once: Whether it takes many tallies at once.
    """

    def __init__(
        self, threads: int, write: Callable[[str, Sequence[Tally]], object], place: Hashable, *, at_once: bool
    ) -> None:
        self.recording = TotalsRecording(write, place, at_once=at_once)
        self.pending: deque[Callable[[], Any]] = deque(maxlen=MAX_PENDING)
        self.catching_up = threading.Lock()
        self.asking: Renewal | None = None  # whether the backend is back, while changes are queued
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


def catch_up(here: StoreInProcess) -> None:
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
            except UNFINISHED:
                done = False
                raise
            except Exception:  # which is not that of the call that happens to come first
                logger.exception("A change that was queued while the store was down cannot be counted.")
            finally:
                if (
                    done and here.pending and here.pending[0] is change
                ):  # else dropped meanwhile, for lack of room
                    here.pending.popleft()
    finally:
        here.catching_up.release()
