"""The time line of one call: what took how long, attempt by attempt."""

from typing import Literal, NamedTuple, TypeAlias

from ...operations.journal import JournalAttempt, JournalEntry

PhaseKind: TypeAlias = Literal[
    "controls",
    "queue",
    "connect",
    "send",
    "wait",
    "attempt",
    "pause",
    "answer",
    "first",
    "stream",
    "answered",
    "failed",
    "cancelled",
]
PHASE_NAMES: dict[PhaseKind, str] = {
    "controls": "Controls",
    "queue": "Wait for a connection",
    "connect": "Open a connection",
    "send": "Send the request",
    "wait": "Wait for the head of the answer",
    "attempt": "Rest of the attempt",
    "pause": "Pause before the next attempt",
    "answer": "Read the answer",
    "first": "Wait for the first token",
    "stream": "Read the stream",
    "answered": "Call that was answered",
    "failed": "Call that failed",
    "cancelled": "Call that was cancelled",
}
"""The name of each kind of phase, in the order of a call."""
_SHORTEST = 0.0005
"""Seconds between two measurements that are shown as a phase of their own."""
_LONGEST = 1e9
"""Seconds that a measurement can have; what is longer is none."""


class Phase(NamedTuple):
    """A stretch of a call's time.

    Attributes:
        kind: What happened.
        begin, end: Seconds from the beginning of the call.
    """

    kind: PhaseKind
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


class Lane(NamedTuple):
    """Phases that are shown in one row.

    Attributes:
        name: The name of the row.
        note: What became of it; empty where there is nothing to say.
        failed: Whether it is an attempt that failed.
        phases: The phases, in order.
    """

    name: str
    note: str
    failed: bool
    phases: tuple[Phase, ...]


class TimeLine(NamedTuple):
    """The time of a call, from its beginning.

    Attributes:
        lanes: The rows, in order.
        first_item: Seconds to the first token of a stream, `None` where that is unknown.
        end: Seconds to the end of the call.
        seconds: The length of the axis: the latest moment of all; 0 where nothing was measured.
    """

    lanes: tuple[Lane, ...]
    first_item: float | None
    end: float
    seconds: float


def time_line_of(entry: JournalEntry) -> TimeLine:
    """Return the time line of a call; a measurement that is missing or impossible counts as no time."""
    end = length_of(entry.seconds)
    lanes: list[Lane] = []
    began = min((length_of(one.began) for one in entry.attempts), default=end)
    if began > _SHORTEST or not entry.attempts:
        lanes.append(
            Lane("Before it was sent" if entry.attempts else "Not sent", "", False, _controls(began))
        )
    lanes += [_lane_of(one) for one in entry.attempts]
    first = None if entry.first_item is None else length_of(entry.first_item)
    if entry.attempts:
        last = entry.attempts[-1]
        after = _after(entry, length_of(last.began) + length_of(last.seconds), first, end)
        if after:
            name = "Answer" if last.error is None else "After the last attempt"
            lanes.append(Lane(name, "", False, after))
    ends = [phase.end for lane in lanes for phase in lane.phases]
    return TimeLine(tuple(lanes), first, end, max([end, first or 0.0, *ends]))


def _controls(end: float) -> tuple[Phase, ...]:
    return (Phase("controls", 0.0, end),) if end > 0 else ()


def _lane_of(attempt: JournalAttempt) -> Lane:
    """Return the row of an attempt, with the pause behind it."""
    at = began = length_of(attempt.began)
    end = began + length_of(attempt.seconds)
    phases: list[Phase] = []
    parts: tuple[tuple[PhaseKind, float | None], ...] = (
        ("queue", attempt.queue),
        ("connect", attempt.connect),
        ("send", attempt.send),
        ("wait", attempt.first_byte),
    )
    for kind, seconds in parts:
        if (length := length_of(seconds)) > 0:
            phases.append(Phase(kind, at, at + length))
            at += length
    if end - at > _SHORTEST or (not phases and end > at):
        phases.append(Phase("attempt", at, end))
    end = max(at, end)
    if (pause := length_of(attempt.pause)) > 0:
        phases.append(Phase("pause", end, end + pause))
    name = f"Attempt {attempt.number}" + (f", {attempt.target}" if attempt.target else "")
    return Lane(name, _outcome(attempt), attempt.error is not None, tuple(phases))


def _outcome(attempt: JournalAttempt) -> str:
    """Return the status and the class of the error of an attempt, as far as there are any."""
    return " ".join(str(one) for one in (attempt.status, attempt.error) if one is not None)


def _after(entry: JournalEntry, begin: float, first: float | None, end: float) -> tuple[Phase, ...]:
    """Return what came after the head of the last answer."""
    if end - begin <= _SHORTEST:
        return ()
    if entry.attempts[-1].error is not None:
        return (Phase("controls", begin, end),)
    if first is None:
        return (Phase("stream" if entry.stream else "answer", begin, end),)
    if first <= begin:
        return (Phase("stream", begin, end),)
    if first >= end:
        return (Phase("first", begin, end),)
    return (Phase("first", begin, first), Phase("stream", first, end))


def length_of(seconds: float | None) -> float:
    """Return a duration that can be drawn; 0 where it is unknown, negative, beyond all bounds or no number."""
    return seconds if seconds is not None and 0.0 < seconds < _LONGEST else 0.0
