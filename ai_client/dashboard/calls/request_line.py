"""The time line of the calls of one web request: which ran after each other, and which at once."""

from collections.abc import Iterable

from ...operations.journal import JournalEntry
from .timeline import Lane, Phase, PhaseKind, TimeLine, length_of

_KINDS: dict[str, PhaseKind] = {"error": "failed", "cancelled": "cancelled"}


def request_line_of(entries: Iterable[JournalEntry]) -> TimeLine:
    """Return the time line of calls, from the beginning of the first one.

    Args:
        entries: The calls, at least one.
    """
    calls = sorted(entries, key=lambda entry: entry.at)
    lanes = tuple(_lane(entry, (entry.at - calls[0].at).total_seconds()) for entry in calls)
    end = max((phase.end for lane in lanes for phase in lane.phases), default=0.0)
    return TimeLine(lanes, None, end, end)


def _lane(entry: JournalEntry, began: float) -> Lane:
    begin = length_of(began)
    end = begin + length_of(entry.seconds)
    first = begin + length_of(entry.first_item)
    if entry.outcome == "ok" and begin < first < end:
        phases: tuple[Phase, ...] = (Phase("first", begin, first), Phase("stream", first, end))
    else:
        phases = (Phase(_KINDS.get(entry.outcome, "answered"), begin, end),) if end > begin else ()
    note = " ".join(part for part in (entry.model or "", entry.error or "") if part)
    return Lane(entry.path, note, entry.outcome == "error", phases)
