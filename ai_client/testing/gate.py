"""An event that test threads set and the upstream's event loop awaits."""

import asyncio
import threading
from contextlib import suppress


class Gate(threading.Event):
    """A `threading.Event` that an event loop can await without a thread of its own.

    Give it to `Upstream.reply(gate=...)` to hold an answer until `set()`, so that a test says when
    things happen instead of sleeping.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._waiters: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Open the gate for everyone who waits and everyone who comes later."""
        super().set()
        with self._lock:
            waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            with suppress(RuntimeError):  # its loop has ended: nobody waits any more
                waiter.get_loop().call_soon_threadsafe(_open, waiter)

    async def opened(self) -> None:
        """Wait in the running event loop until the gate is open."""
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
