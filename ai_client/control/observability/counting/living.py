"""The processes that share a store, as each of them shows itself there while it lives."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter
from pydantic_core import to_json

from ...._models.adapters import adapter_of


@dataclass(frozen=True)
class ShownProcess:
    """The figures of one process.

    Attributes:
        host: The name of its machine.
        pid: The id of the process.
        at: When it showed them, in seconds since 1970.
        counters: Amounts that it has counted of itself.
        gauges: The amounts that it has at that moment.
    """

    host: str
    pid: int
    at: float
    counters: Mapping[str, int]
    gauges: Mapping[str, int]

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return to_json(self)


def this_process(counters: Mapping[str, int], gauges: Mapping[str, int], now: float) -> ShownProcess:
    """Return the figures of this process."""
    return ShownProcess(socket.gethostname(), os.getpid(), now, counters, gauges)


def shown_in(value: bytes | None) -> ShownProcess | None:
    """Return the process that a value in a store shows; `None` where it has ended, or another version wrote it."""
    if not value:
        return None
    adapter: TypeAdapter[ShownProcess] = adapter_of(ShownProcess)
    try:
        return adapter.validate_json(value)
    except ValueError:
        return None
