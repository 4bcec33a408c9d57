"""The attempts of a call, one by one, taken down where a policy wants to know."""

import time
from dataclasses import dataclass

from .._pool.phases import Phases


@dataclass(slots=True)
class TracedAttempt:
    """One attempt of a call.

    Attributes:
        target: What was asked, where a fallback names its targets.
        number: 1 for the first of the call.
        seconds: How long it took, to its answer or its failure.
        error: The class of its error.
        status: The status of its answer.
        pause: Seconds until the next attempt.
        phases: Its steps, and when it began.
    """

    target: str | None
    number: int
    seconds: float
    error: str | None
    status: int | None
    pause: float | None
    phases: Phases


class Trace:
    """The attempts of one call so far, over all of its targets.

    Attributes:
        attempts: Those that are over.
        phases: The steps of the one under way, `None` where none is.
        sent: What was sent, as the policy that asked for the trace keeps it.
    """

    __slots__ = ("attempts", "phases", "sent")

    def __init__(self) -> None:
        self.attempts: list[TracedAttempt] = []
        self.sent: object = None
        self.phases: Phases | None = None

    def begin(self, now: float) -> None:
        """Note that an attempt begins *now*, in seconds of `time.monotonic`."""
        self.phases = Phases(now)

    def end(
        self,
        target: str | None,
        error: BaseException | None,
        seconds: float | None = None,
        pause: float | None = None,
    ) -> None:
        """Note that the attempt under way is over; does nothing where none is.

        Args:
            target: What was asked.
            error: Why it failed.
            seconds: How long it took, where that is not until now.
            pause: Seconds until the next one, where there is one.
        """
        phases, self.phases = self.phases, None
        if phases is not None:
            name = None if error is None else type(error).__name__
            taken = time.monotonic() - phases.began if seconds is None else seconds
            status: int | None = getattr(error, "status_code", None)
            number = len(self.attempts) + 1
            self.attempts.append(TracedAttempt(target, number, taken, name, status, pause, phases))

    def answered(self, status: int) -> None:
        """Note the status of the answer to the last attempt."""
        if self.attempts and self.attempts[-1].error is None:
            self.attempts[-1].status = status
