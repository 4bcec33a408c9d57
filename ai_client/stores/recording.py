"""Totals that a process adds up by itself and writes to a store once a second, so that no call waits for that.

What is recorded is kept in memory until the heartbeat's thread has written it, so that a process that is killed loses
what it recorded in its last second. It is written too before this process reads the totals, when the store is closed,
and when the process ends. A child that is forked begins with nothing: its parent writes what the parent recorded.
"""

import atexit
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, TypeAlias
from weakref import WeakSet, ref

from .._fork import PerProcess
from .._io.deadline import closing, limited
from .base import Tally
from .heartbeat import PATIENCE, Renewal, keep_beating
from .rows import Row, merged
from .tickets import new_ticket

EVERY = 1.0
"""Seconds from one writing to the next."""
_IDLE = 10
"""Writings of nothing after which the heartbeat looks no more; what is recorded later wakes it."""
_MOST = 10_000
"""Entries after which a call writes them itself: no thread runs, as under uWSGI without `enable-threads`."""

Entry: TypeAlias = tuple[str, Tally | Row]
"""A tally or a row, and the ticket of what it counts."""
Source: TypeAlias = Callable[[], Iterable[Tally]]

logger = logging.getLogger("ai_client")


class TotalsRecording:
    """The tallies of one process that are still to be written to one store.

    A ticket is recorded once, however often it is added within the time in which its call may repeat that.

    Args:
        write: Writes tallies under a ticket; where the store is down, it queues them.
        place: Where the store keeps its state.
        at_once: Whether it takes many tallies at once; else one that it cannot take would keep it from all.
    """

    def __init__(
        self, write: Callable[[str, Sequence[Tally]], object], place: Hashable, *, at_once: bool
    ) -> None:
        self.place = place
        self._write = write
        self._at_once = at_once
        self._entries: deque[Entry] = deque()
        self._sources: list[tuple[Source, ref[Any]]] = []
        self._batch: deque[tuple[str, Sequence[Tally]]] = deque()
        self._seen: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._renewal: Renewal | None = None
        self._idle = 0
        _recordings().add(self)

    def add(self, ticket: str, tally: Tally | Row) -> None:
        """Record a tally or a row; it is written within a second."""
        self._entries.append((ticket, tally))  # in one step, which Ctrl-C does not cut in two
        if self._renewal is None or _AtExit.has_begun:
            self.wake()
        if len(self._entries) >= _MOST and not self._writing.locked():
            self.write()

    def gather(self, source: Source, owner: object) -> None:
        """Have a function asked before each writing, once a second, for what it has to record.

        Args:
            source: The function; it keeps *owner* not alive.
            owner: Whatever adds to that: once it is dropped, the function is asked a last time.
        """
        self._sources.append((source, ref(owner)))

    def wake(self) -> None:
        """Have the heartbeat write what is recorded; where the process ends, write it now."""
        if _AtExit.has_begun:
            self.write()
            return
        with self._starting:
            if self._renewal is None:
                self._idle = 0
                self._renewal = keep_beating(self._beat, EVERY)
        _write_at_the_end()

    def write(self) -> None:
        """Write all that was recorded so far; return once that is done, whichever thread does it.

        What the store takes for an error of its caller's is logged, tried again the next time, and holds up nothing.
        """
        with self._writing:
            self._collect()
            self._write_batch()

    def _collect(self) -> None:
        """Move what was recorded to the batch."""
        sources = list(self._sources)
        ended = [one for one in sources if one[1]() is None]  # before they are asked
        for source, _ in sources:
            try:
                self._entries.extend([(new_ticket(), tally) for tally in source()])
            except Exception:  # what calls cost is written whatever becomes of metrics
                logger.exception("What was counted could not be taken down; it is tried again.")
        for one in ended:
            self._sources.remove(one)
        entries = list(islice(self._entries, len(self._entries)))
        if not entries:
            return
        tallies = dict(reversed(entries))  # of one that was recorded twice, the first
        tickets = frozenset(tallies)
        before, earlier = self._seen
        for ticket in (tickets & before) | (tickets & earlier):
            del tallies[ticket]
        ticketed = self._ticketed(merged(tallies.values()))
        # Each of these steps may be the last: what is in the batch is seen, and is not added to it again.
        self._seen, self._batch = (tickets, before), deque([*self._batch, *ticketed])
        for _ in entries:
            self._entries.popleft()

    def _ticketed(self, tallies: Sequence[Tally]) -> list[tuple[str, Sequence[Tally]]]:
        """Return what is written at once, each with a ticket of its own."""
        if self._at_once:
            return [(new_ticket(), tallies)] if tallies else []
        return [(new_ticket(), [tally]) for tally in tallies]

    def _write_batch(self) -> None:
        failure: Exception | None = None
        for _ in range(len(self._batch)):
            try:
                self._write(*self._batch[0])
            except Exception as error:  # noqa: BLE001 - of a backend of the application's own, say
                failure = failure or error
                self._batch.rotate(-1)
            else:
                self._batch.popleft()
        if failure is not None:
            logger.error("Writing what calls used failed; it is tried again.", exc_info=failure)
        for _ in range(len(self._batch) - _MOST):  # the oldest, as of what is queued while a store is down
            self._batch.popleft()

    def _beat(self) -> bool:
        """Write, for the heartbeat; return whether to go on."""
        self._idle = 0 if self._entries or self._batch else self._idle + 1
        with limited(time.monotonic() + PATIENCE):
            self.write()
        if self._idle < _IDLE or self._sources:
            return True
        self._renewal = None
        if self._entries:  # added meanwhile, by who saw that this beats
            self.wake()
        return False


class Recording(Protocol):
    """The records of one process for one store that are still to be written."""

    place: Hashable

    def write(self) -> None:
        """Write all that was recorded so far; return once that is done, whichever thread does it."""
        ...


_recordings: PerProcess["WeakSet[Recording]"] = PerProcess(WeakSet)


def write_with_others(recording: Recording) -> None:
    """Have a recording of another kind written where `write_recorded` is called, and when this process ends."""
    _recordings().add(recording)
    _write_at_the_end()


def is_ending() -> bool:
    """Return whether this process ends, so that what is recorded is to be written at once."""
    return _AtExit.has_begun


def write_recorded(place: Hashable | None = None) -> None:
    """Write what this process has recorded, for the stores of one place or of all."""
    for recording in list(_recordings()):
        if place is None or recording.place == place:
            recording.write()


class _AtExit:
    """Whether this process ends, so that what is recorded is written at once."""

    has_begun = False


def _end() -> None:
    _AtExit.has_begun = True
    with closing():
        write_recorded()


atexit.register(_end)


def _end_of_worker(**_: object) -> None:
    _end()


def _finalize(finalize: Any) -> None:
    finalize(None, _end, exitpriority=0)


def _receive(signal: Any) -> None:
    signal.connect(_end_of_worker, weak=False)


_ENDS: Mapping[tuple[str, str], Callable[[Any], None]] = {
    ("multiprocessing.util", "Finalize"): _finalize,
    ("billiard.util", "Finalize"): _finalize,
    ("celery.signals", "worker_process_shutdown"): _receive,  # processes of its workers end by `os._exit`
}
"""Names in modules that end processes without what `atexit` runs, and how each is asked to run `_end`."""
_told: PerProcess[set[str]] = PerProcess(set)


def _write_at_the_end() -> None:
    """Have `_end` run where a process ends without `atexit`."""
    told = _told()
    for (module, name), ask in _ENDS.items():
        found = getattr(
            sys.modules.get(module), name, None
        )  # none in a module that a thread is still importing
        if found is not None and module not in told:
            told.add(module)
            ask(found)
