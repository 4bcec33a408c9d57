"""The lock of a pool that threads share."""

import threading
from collections import deque
from collections.abc import Callable


class Guard:
    """The lock of a pool; finalizers, which may run while their own thread holds it, leave their work to its holder.

    Attributes:
        lock: To be held in a `with` block of its own. No function of Python stands between the end of the block and
            the release, as Ctrl-C arrives where one begins and the lock would stay held.
        left: The work that finalizers left. A holder calls `settle` after the block where there is any.
    """

    __slots__ = ("left", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left: deque[Callable[[], None]] = deque()

    def later(self, action: Callable[[], None]) -> None:
        """Run *action* under the lock: now, or when its holder has released it."""
        self.left.append(action)
        self.settle()

    def settle(self) -> None:
        """Run what was left, unless the lock is held: its holder does so then."""
        while self.left and self.lock.acquire(blocking=False):
            try:
                while self.left:
                    self.left.popleft()()
            finally:
                self.lock.release()
