"""One call under the limits that the upstream announces."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...._call.record import Record
from .announced import Announced
from .line import Lines

if TYPE_CHECKING:
    from ...._exchange.answer import Answer


class UpstreamCall:
    """A call that is under way to the upstream, or waits for it.

    Args:
        announced: The limits that the upstream announced; `None` where these are not minded.
        lines: Where callers wait.
        record: The call's record.
        tokens: Estimates the call's tokens.

    Attributes:
        lines: Where callers wait.
    """

    __slots__ = ("_announced", "_model", "_number", "_reached_before", "_record", "_tokens", "lines")

    def __init__(
        self, announced: Announced | None, lines: Lines, record: Record, tokens: Callable[[], int]
    ) -> None:
        model = record.target or record.model
        self._model = model if record.account is None else f"{model} {record.account}"
        self._announced = announced
        self.lines = lines
        self._number = 0
        self._record = record
        self._reached_before = record.reached
        self._tokens = tokens

    @property
    def key(self) -> str:
        """The key of the line of those who wait for the same model, or target, and account."""
        return f"upstream|{id(self._announced)}|{self._model}"

    def begin(self, now: float) -> float:
        """Count the call as under way if the upstream has room for it, else return the seconds to wait."""
        announced = self._announced
        if announced is None:
            return 0.0
        tokens = self._tokens() if announced.knows_tokens(self._model) else 0
        self._number, wait = announced.enter(self._model, tokens, now)
        return wait

    def end(self, answer: "Answer | None", now: float) -> None:
        """Count the call as over, and learn what its answer announces; `None` where it has no answer."""
        number, self._number = self._number, 0
        if not number or self._announced is None:
            return
        if answer is None:
            used = self._record.reached > self._reached_before
            self._announced.leave(self._model, number, used=used)
        else:
            self._announced.learn(self._model, number, answer, now)
        if self.lines.has_callers:
            self.lines.freed([self.key])
