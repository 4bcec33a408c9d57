"""A count of opened connections over pools that come and go."""

import threading

from .._fork import PerProcess


class _OpenedHere:
    """The count of one process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value = 0


class Opened:
    """A number that only grows, from any thread; that of a forked child begins at 0."""

    def __init__(self) -> None:
        self._here = PerProcess(_OpenedHere)

    def add(self) -> None:
        """Count one more."""
        here = self._here()
        with here.lock:
            here.value += 1

    @property
    def value(self) -> int:
        """How many there were in this process."""
        return self._here().value
