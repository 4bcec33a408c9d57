"""The times of the calls of a web request, and the header `Server-Timing` that shows them, for development.

Nothing is taken until an adapter asks for it once in the process; then for those requests that it asks for.
"""

import time
from collections.abc import Coroutine, Iterator
from typing import Any

from ..errors import APIStatusError
from .call import Call, Reply, StreamEnd
from .labels import RequestId, current_scope

_MOST_CALLS = 20
"""Calls that the header names one by one; further ones are in the total only."""
_LONGEST = 80
"""Characters of a description."""
_THOUSAND = 1000.0


class _Wanted:
    """Whether any request of this process has asked for the times of its calls."""

    is_so = False


wanted = _Wanted()


class TimedCall:
    """One call of a request.

    Attributes:
        what: Its model and path.
        began: When it began, in seconds of `time.monotonic`.
        ended: When it ended, a stream with its last event; `None` while it is under way.
        marks: What there is to say of it: `cached`, `2 retries`, `stream`, the class of its error.
    """

    __slots__ = ("began", "ended", "marks", "what")

    def __init__(self, call: Call) -> None:
        model = call.members().get("model")
        path = call.shown_path.partition("?")[0]
        self.what = f"{model} {path}" if isinstance(model, str) else f"{call.method} {path}"
        self.began = time.monotonic()
        self.ended: float | None = None
        self.marks: list[str] = []

    def answered(self, call: Call, reply: Reply) -> None:
        """Note an answer: all of it, or the head of a stream."""
        record = call.record
        retries = reply.retries_taken if record is None else max(reply.retries_taken, record.attempts - 1)
        if record is not None and record.cache not in {None, "miss"}:
            self.marks.append("cached")
        elif retries > 0:
            self.marks.append("1 retry" if retries == 1 else f"{retries} retries")
        if call.is_whole:
            self.ended = time.monotonic()
            return
        self.marks.append("stream")

        async def at_end(end: StreamEnd) -> None:
            del end
            self.ended = time.monotonic()

        reply.on_end.append(at_end)

    def failed(self, call: Call, error: BaseException) -> None:
        """Note that it failed, or was cancelled."""
        retries = 0 if call.record is None else call.record.attempts - 1
        if retries > 0:
            self.marks.append("1 retry" if retries == 1 else f"{retries} retries")
        status = f" {error.status_code}" if isinstance(error, APIStatusError) else ""
        self.marks.append(f"{type(error).__name__}{status}")
        self.ended = time.monotonic()


class CallTimings:
    """The calls of one request so far, from any of its threads and tasks."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[TimedCall] = []

    def begin(self, call: Call) -> TimedCall:
        """Note that a call begins."""
        timed = TimedCall(call)
        self._calls.append(timed)
        return timed

    def header(self) -> str | None:
        """Return the value of the header `Server-Timing`; `None` where no call has begun.

        The first metric, `ai`, is the time in which at least one call was under way; one for each call follows, `ai1`
        and so on, with the time until its end, or until now. Times are in milliseconds.
        """
        calls = list(self._calls)
        if not calls:
            return None
        now = time.monotonic()
        count = "1 call" if len(calls) == 1 else f"{len(calls)} calls"
        shown = [_metric("ai", _under_way(calls, now), count)]
        for number, one in enumerate(calls[:_MOST_CALLS], 1):
            marks = one.marks if one.ended is not None else [*one.marks, "under way"]
            seconds = (now if one.ended is None else one.ended) - one.began
            shown.append(_metric(f"ai{number}", seconds, one.what, marks))
        return ", ".join(shown)


def _under_way(calls: list[TimedCall], now: float) -> float:
    """Return the seconds in which at least one of some calls was under way."""
    total, until = 0.0, 0.0
    for began, ended in sorted((one.began, now if one.ended is None else one.ended) for one in calls):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def _metric(name: str, seconds: float, what: str, marks: list[str] | None = None) -> str:
    """Return a metric of the header."""
    said = f" ({', '.join(marks)})" if marks else ""
    return f'{name};dur={seconds * _THOUSAND:.1f};desc="{"".join(_quoted(what[:_LONGEST] + said))}"'


def _quoted(text: str) -> Iterator[str]:
    """Yield the characters of a quoted string of HTTP; those that it cannot hold become question marks."""
    for letter in text:
        if not (letter.isascii() and letter.isprintable()):
            yield "?"
        else:
            yield f"\\{letter}" if letter in '"\\' else letter


def timings_of_request() -> CallTimings | None:
    """Take the times of the calls of the request being served from here on; `None` where none is served."""
    scope = current_scope()
    if scope is None or scope.request is None:
        return None
    wanted.is_so = True
    timings: CallTimings | None = scope.request.timings
    if timings is None:
        timings = scope.request.timings = CallTimings()
    return timings


def inherit_timings(request: RequestId) -> None:
    """Have a request that begins within another one, as middleware stands around an application, add to its times."""
    if wanted.is_so and (scope := current_scope()) is not None and scope.request is not None:
        request.timings = scope.request.timings


async def timed(call: Call, passing: Coroutine[Any, Any, Reply]) -> Reply:
    """Await a call, and take its time where it is made for a request that asked for that."""
    scope = current_scope()
    timings: CallTimings | None = None if scope is None or scope.request is None else scope.request.timings
    if timings is None:
        return await passing
    one = timings.begin(call)
    try:
        reply = await passing
    except BaseException as error:
        one.failed(call, error)
        raise
    one.answered(call, reply)
    return reply
