"""Calls in flight that equal calls of the same process wait for."""

import os
import threading

from ..._io import Waiter
from ...errors import APIError, QueueFull
from .entry import Entry


class Flight:
    """A call in flight that equal calls wait for."""

    __slots__ = ("answered", "entry", "error", "waiters")

    def __init__(self) -> None:
        self.answered = False
        self.entry: Entry | None = None
        self.error: APIError | QueueFull | None = None
        self.waiters: list[Waiter] = []


class Flights(dict[str, Flight]):
    """The calls of a process that are in flight, by cache key, and the lock that guards them."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.process = os.getpid()
