"""Answers that a test has prepared, and their assignment to requests."""

import threading
from dataclasses import dataclass

from ai_client.testing.recording import Recorded
from ai_client.testing.reply import Answer


@dataclass(slots=True, eq=False)
class Rule:
    """An answer for the requests that it matches; *path* matches the end of a request's path."""

    answer: Answer
    method: str | None
    path: str | None
    times: int = 1

    def matches(self, recorded: Recorded) -> bool:
        """Return whether the rule applies to a request."""
        if self.method is not None and self.method.upper() != recorded.method:
            return False
        return self.path is None or recorded.path.endswith(self.path)


class Script:
    """Queued answers, used up in order, and standing answers behind them, the newest match first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queued: list[Rule] = []
        self._standing: list[Rule] = []

    def queue(self, rule: Rule) -> None:
        """Queue an answer for the next `rule.times` matching requests."""
        with self._lock:
            self._queued.append(rule)

    def stand(self, rule: Rule) -> None:
        """Add an answer for every matching request that finds none in the queue."""
        with self._lock:
            self._standing.insert(0, rule)

    def take(self, recorded: Recorded) -> Answer | None:
        """Return the prepared answer for a request, or `None`; a queued one is used up."""
        if not self._queued and not self._standing:
            return None
        with self._lock:
            for rule in self._queued:
                if rule.matches(recorded):
                    rule.times -= 1
                    if not rule.times:
                        self._queued.remove(rule)
                    return rule.answer
            return next((rule.answer for rule in self._standing if rule.matches(recorded)), None)

    def clear(self) -> None:
        """Remove all prepared answers."""
        with self._lock:
            self._queued.clear()
            self._standing.clear()
