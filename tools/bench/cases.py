"""Every case, in the order of the tables."""

from . import first_call, gateways, interop, loopback, memory, process, streams, threads, wire
from .measure import Case


def all_cases() -> list[Case]:
    """Return all cases; nothing is set up before a case's contender is opened."""
    return [
        *memory.cases(),
        *streams.cases(),
        *loopback.cases(),
        *threads.cases(),
        *interop.cases(),
        *gateways.cases(),
        *wire.cases(),
        *process.cases(),
        *first_call.cases(),
    ]
