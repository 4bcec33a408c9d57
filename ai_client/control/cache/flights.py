"""Calls in flight that equal calls of the same process wait for."""

import os
import threading
from typing import TYPE_CHECKING

from ...errors import APIError
from .entry import Entry

if TYPE_CHECKING:
    from ..._io import Waiter


class Flight:
    """A call in flight that equal calls wait for."""

    __slots__ = ("answered", "entry", "error", "waiters")

    def __init__(self) -> None:
        self.answered = False
        self.entry: Entry | None = None
        self.error: APIError | None = None
        self.waiters: list[Waiter] = []


class Flights(dict[str, Flight]):
    """The calls of a process that are in flight, by cache key, and the lock that guards them."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.process = os.getpid()
