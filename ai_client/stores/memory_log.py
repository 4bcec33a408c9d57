"""Logs in the memory of one process."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from operator import attrgetter

from .._fork import PerProcess
from .log import ALIKE, LogEntry, LogQuery, LogState

_by_id = attrgetter("id")
_PERHAPS_KNOWN = 10_000
"""Entries among which one may be that is added again."""


class _LogsByName:
    """The logs of one process by name, each in the order of its ids, and the lock that guards them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, list[LogEntry]] = {}


class MemoryLogs:
    """Logs in memory, a part of `MemoryBackend`; a forked child starts empty."""

    def __init__(self) -> None:
        self._logs = PerProcess(_LogsByName)

    def append_log(
        self, name: str, entries: Sequence[LogEntry], keep: int, oldest: str, until: float
    ) -> None:
        """Add entries to a log, and drop the oldest."""
        del until  # it ends with the process
        logs = self._logs()
        with logs.lock:
            log = logs.entries.get(name, [])
            known = {one.id for one in log[-_PERHAPS_KNOWN:]}
            log = sorted([*log, *(one for one in entries if one.id not in known)], key=_by_id)
            logs.entries[name] = log[max(len(log) - keep, bisect_left(log, oldest, key=_by_id)) :]

    def _found(self, name: str, after: str) -> list[LogEntry]:
        log = self._logs().entries.get(name, [])  # which is replaced as a whole
        return log[bisect_right(log, after, key=_by_id) :]

    def read_log(self, name: str, query: LogQuery) -> list[bytes]:
        """Return the summaries of entries, the largest id first."""
        found: list[bytes] = []
        wanted = [(ALIKE.get(mark, (mark,)), value) for mark, value in query.marks.items()]
        for one in reversed(self._found(name, query.after)):
            if _has(one.marks, wanted) and _is_within(one, query):
                found.append(one.summary)
                if len(found) == query.limit:
                    break
        return found

    def log_content(self, name: str, id: str) -> bytes | None:  # noqa: A002 - the name of the attribute
        """Return the content of an entry."""
        return next((one.content for one in self._found(name, "") if one.id == id), None)

    def log_state(self, name: str, after: str) -> LogState:
        """Return how much a log holds."""
        log = self._found(name, after)
        left_out = [one.left_out for one in log if one.left_out]
        return LogState(len(log) - len(left_out), log[0].at if log else None, sum(left_out))


def _has(marks: Mapping[str, str], wanted: Sequence[tuple[Sequence[str], str]]) -> bool:
    """Return whether an entry has each of the marks that are wanted, under any of its names."""
    for names, value in wanted:
        if marks[names[0]] != value and (len(names) == 1 or all(marks[name] != value for name in names)):
            return False
    return True


def _is_within(entry: LogEntry, query: LogQuery) -> bool:
    """Return whether an entry is one, and within the bounds of a query."""
    return (
        not entry.left_out
        and (query.before is None or entry.id < query.before)
        and (query.id is None or entry.id == query.id)
        and (query.since is None or entry.at >= query.since)
        and (query.until is None or entry.at < query.until)
    )
