"""The attempts of a call as a table."""

from collections.abc import Sequence

from ...operations.journal import JournalAttempt
from ..markup import Child, Html
from ..shown import NONE
from ..tables import table
from .facts import shown_span

_HEADS = (
    "Attempt",
    "Target",
    "Result",
    "Began after",
    "Duration",
    "Connection",
    "Connect",
    "Send",
    "Answer",
    "Pause after it",
)


def attempts_table(attempts: Sequence[JournalAttempt]) -> Html:
    """Return a table of the attempts of a call, with the time that each phase took."""
    return table(
        "Each time that the call was sent", _HEADS, map(_row, attempts), numbers=len(_HEADS) - 3, wide=True
    )


def _row(attempt: JournalAttempt) -> Sequence[Child]:
    result = " ".join(str(part) for part in (attempt.status, attempt.error) if part is not None)
    return (
        attempt.number,
        attempt.target or NONE,
        result or "ok",
        *map(
            shown_span,
            (
                attempt.began,
                attempt.seconds,
                attempt.queue,
                attempt.connect,
                attempt.send,
                attempt.first_byte,
                attempt.pause,
            ),
        ),
    )
