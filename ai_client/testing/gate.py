"""An event that a test sets in any thread and the upstream's event loop awaits."""

import asyncio
import threading
from contextlib import suppress


class Gate(threading.Event):
    """A `threading.Event` that an event loop can await without blocking a thread.

    Pass it to `Upstream.reply(gate=...)` to hold an answer until `set()`, so that a test controls the order of
    events without sleeping.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._waiters: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Open the gate for current and future waiters."""
        super().set()
        with self._lock:
            waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            with suppress(RuntimeError):  # its event loop is closed: nobody waits any more
                waiter.get_loop().call_soon_threadsafe(_open, waiter)

    async def opened(self) -> None:
        """Wait on the running event loop until the gate is open."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.is_set():
                return
            self._waiters.add(waiter)
        try:
            await waiter
        finally:
            with self._lock:
                self._waiters.discard(waiter)


def _open(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
