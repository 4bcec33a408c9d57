"""Calls that ended, kept in memory until the heartbeat has written them to the journal, once a second.

A process that is killed loses those of its last second. They are written too before this process reads the journal,
when the store is closed and when the process ends. A child that is forked begins with nothing.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence

from ..._io.deadline import limited
from ..._io.sync_io import in_event_loop
from ...errors import StoreError
from ...stores.heartbeat import PATIENCE, Renewal, keep_beating
from ...stores.log import LogEntry
from ...stores.recording import is_ending, write_with_others
from .ended import Ended

_EVERY = 1.0
"""Seconds from one writing to the next."""
_IDLE = 10
"""Writings of nothing after which the heartbeat looks no more; what is recorded later wakes it."""
_AT_ONCE = 200
_MOST = 5_000
"""Calls that wait at most: while the store is down, the oldest are dropped after that."""

logger = logging.getLogger("ai_client")


class JournalRecording:
    """The calls of one process that are still to be written to one journal.

    Args:
        encode: Makes the entries of calls, and one of how many others were left out.
        append: Writes entries.
        place: Where the store keeps its state.
        rate: How many calls are kept of one second; as many errors again where these are not enough.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[Ended], int], list[LogEntry]],
        append: Callable[[Sequence[LogEntry]], None],
        place: Hashable,
        rate: int,
    ) -> None:
        self.place = place
        self._encode = encode
        self._append = append
        self._rate = rate
        self._second = 0
        self._count = 0
        self._waiting: deque[Ended | None] = deque()
        self._batch: deque[LogEntry] = deque()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._renewal: Renewal | None = None
        self._idle = 0
        write_with_others(self)

    def has_room(self, now: float, *, is_error: bool) -> bool:
        """Return whether a call that ends now is to be added; one that is not counts as left out."""
        second = int(now)
        if second != self._second:
            self._second, self._count = second, 0
        if self._count >= (2 * self._rate if is_error else self._rate):
            self._add(None)
            return False
        self._count += 1
        return True

    def add(self, ended: Ended) -> None:
        """Record a call; it is written within a second."""
        self._add(ended)

    def _add(self, ended: Ended | None) -> None:
        self._waiting.append(ended)  # in one step, which Ctrl-C does not cut in two
        if self._renewal is None or is_ending():
            self._wake()
        if len(self._waiting) >= _MOST and not self._writing.locked() and not in_event_loop():
            self.write()  # no thread runs, as under uWSGI without `enable-threads`

    def _wake(self) -> None:
        if is_ending():
            self.write()
            return
        with self._starting:
            if self._renewal is None:
                self._idle = 0
                self._renewal = keep_beating(self._beat, _EVERY)

    def write(self) -> None:
        """Write all that was recorded so far; return once that is done, whichever thread does it.

        While the store is down it is kept for the next time.
        """
        with self._writing:
            self._collect()
            try:
                while self._batch:
                    some = [self._batch[number] for number in range(min(_AT_ONCE, len(self._batch)))]
                    self._append(some)
                    for _ in some:
                        self._batch.popleft()
            except StoreError:
                logger.debug("The journal is not written, as its store is down; it is tried again.")
            except Exception:
                logger.exception("Writing the journal failed; it is tried again.")

    def _collect(self) -> None:
        """Make entries of the calls that wait."""
        calls: list[Ended] = []
        left_out = 0
        for _ in range(len(self._waiting)):
            call = self._waiting.popleft()
            if call is None:
                left_out += 1
            else:
                calls.append(call)
        for _ in range(len(self._batch) + len(calls) - _MOST):
            if self._batch:
                left_out += self._batch.popleft().left_out or 1
        self._batch.extend(self._encode(calls, left_out))

    def _beat(self) -> bool:
        """Write, for the heartbeat; return whether to go on."""
        self._idle = 0 if self._waiting or self._batch else self._idle + 1
        with limited(time.monotonic() + PATIENCE):
            self.write()
        if self._idle < _IDLE:
            return True
        self._renewal = None
        if self._waiting:  # added meanwhile, by who saw that this beats
            self._wake()
        return False
