"""Whether a store answers, asked for probes: briefly, once a second at most, and never twice at once."""

import threading
import time
import weakref
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from .._fork import PerProcess
from .._io import IO
from .._io.deadline import limited

PATIENCE = 1.0
"""Seconds that a store has to answer."""
KEPT = 1.0
"""Seconds for which an answer serves further probes."""
_IDLE = 60.0
"""Seconds without a probe after which the thread ends."""
_KEY = "ai_client|health"


class Reachable(Protocol):
    """A backend that can be asked for a value."""

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value."""
        ...


class StoreProbe:
    """Asks a backend in a thread of its own: one that hangs holds no other thread and no event loop.

    Args:
        backend: The backend.
    """

    def __init__(self, backend: Reachable) -> None:
        self._backend = weakref.ref(backend)
        self._lock = threading.Lock()
        self._under_way: Future[bool] | None = None
        self._questions: SimpleQueue[Future[bool]] = SimpleQueue()
        self._has_thread = False
        self._began = 0.0
        self._ended = 0.0

    async def answers(self, io: IO) -> bool:
        """Return whether the backend answers in time."""
        asked = self._ask()
        if not asked.done():
            waiter = io.waiter()
            asked.add_done_callback(lambda _: waiter.open())
            await io.wait(waiter, self._began + PATIENCE - time.monotonic())
        return asked.done() and asked.result()

    def _ask(self) -> "Future[bool]":
        """Return the question under way, or the last one while its answer is fresh; else begin one."""
        with self._lock:
            asked, now = self._under_way, time.monotonic()
            if asked is None or (asked.done() and now - self._ended >= KEPT):
                asked = self._under_way = Future()
                self._began = now
                self._questions.put(asked)
                if not self._has_thread:
                    self._start()
            return asked

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="ai-client-health", daemon=True).start()
            self._has_thread = True
        except RuntimeError:  # the process can start no more threads
            self._ended = self._began
            self._questions.get().set_result(False)

    def _run(self) -> None:
        """Answer questions, with what backends keep for a thread, until there are none for a while."""
        while True:
            try:
                asked = self._questions.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._questions.empty():
                        self._has_thread = False
                        return
                continue
            answers = self._answers()
            self._ended = time.monotonic()
            asked.set_result(answers)

    def _answers(self) -> bool:
        backend = self._backend()
        if backend is None:
            return False
        try:
            with limited(time.monotonic() + PATIENCE):
                backend.get(_KEY, time.time())
        except Exception:  # noqa: BLE001 - a backend of the application's own may raise anything
            return False
        return True


class _Probes:
    """The probes of a process by backend."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Any, StoreProbe] = weakref.WeakKeyDictionary()

    def of(self, backend: Any) -> StoreProbe:
        found = self._known.get(backend)
        return self._known.setdefault(backend, StoreProbe(backend)) if found is None else found


_probes = PerProcess(_Probes)


def probe_of(backend: Any) -> StoreProbe:
    """Return this process's probe of a backend."""
    return _probes().of(backend)
