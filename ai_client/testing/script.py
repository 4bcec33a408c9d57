"""The answers a test has prepared, and which request gets which."""

import threading
from dataclasses import dataclass

from ai_client.testing.recording import Recorded
from ai_client.testing.reply import Answer


@dataclass(slots=True, eq=False)
class Rule:
    """An answer for the requests it matches; a path matches by its end."""

    answer: Answer
    method: str | None
    path: str | None
    times: int = 1

    def matches(self, recorded: Recorded) -> bool:
        """Tell whether this rule is meant for the request."""
        if self.method is not None and self.method.upper() != recorded.method:
            return False
        return self.path is None or recorded.path.endswith(self.path)


class Script:
    """Queued answers, used up in order, and standing ones behind them, of which the newest match counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queued: list[Rule] = []
        self._standing: list[Rule] = []

    def queue(self, rule: Rule) -> None:
        """Add an answer for the next `rule.times` requests that match."""
        with self._lock:
            self._queued.append(rule)

    def stand(self, rule: Rule) -> None:
        """Add an answer for every request that matches and finds nothing queued."""
        with self._lock:
            self._standing.insert(0, rule)

    def take(self, recorded: Recorded) -> Answer | None:
        """Return the answer prepared for this request, if there is one."""
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
        """Forget every prepared answer."""
        with self._lock:
            self._queued.clear()
            self._standing.clear()
