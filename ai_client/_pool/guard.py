"""The lock of a pool that threads share."""

import threading
from collections import deque
from collections.abc import Callable


class Guard:
    """The lock of a pool; finalizers, which may run while their own thread holds it, leave their work to its holder."""

    __slots__ = ("_left", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: deque[Callable[[], None]] = deque()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
        if self._left:
            self._settle()

    def later(self, action: Callable[[], None]) -> None:
        """Run *action* under the lock: now, or when its holder releases it."""
        self._left.append(action)
        self._settle()

    def _settle(self) -> None:
        while self._left and self._lock.acquire(blocking=False):
            try:
                while self._left:
                    self._left.popleft()()
            finally:
                self._lock.release()
