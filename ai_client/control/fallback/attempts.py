"""The attempts of a call, which its targets share."""

import logging
from collections.abc import Callable
from typing import Any

from ..._call.call import Call
from ..._call.record import Record
from ...errors import OpenAIError

logger = logging.getLogger("ai_client")


def retries_of(call: Call, client: Any = None) -> int:
    """Return the retries of a call: its own, or at most those of the client called and of the one that sends it."""
    if call.max_retries is not None:
        return call.max_retries
    given = [one.max_retries for one in (call.client, client) if one is not None]
    return min(given, default=0)


class Attempts:
    """The attempts that are left for the targets of a call.

    There are as many as the call may make, or one for each target where there are more targets. Each target leaves one
    for each of those after it. What is sent to a further target is charged to the retry budget, as a retry is.

    Args:
        call: The call.
        record: Its record, which counts the attempts.
        targets: The number of its targets.

    Attributes:
        position: The index of the target that is asked; -1 before the first.
    """

    __slots__ = ("_call", "_following", "_is_granted", "_left", "_record", "_start", "_took", "position")

    def __init__(self, call: Call, record: Record, targets: int) -> None:
        self._call = call
        self._record = record
        self._left = max(retries_of(call) + 1, targets)
        self._following = targets
        self._start = self._took = record.attempts
        self._is_granted = False
        self.position = -1

    def turn(self) -> None:
        """Turn to the next target."""
        made = self._record.attempts
        self._left -= made - self._took
        self._took = made
        self._following -= 1
        self.position += 1

    @property
    def is_last(self) -> bool:
        """Whether no other target follows."""
        return not self._following

    def retries_at(self, client: Any) -> int:
        """Return the retries that the target may make, which is at another *client* unless that is `None`."""
        return max(0, min(self._left - self._following - 1, retries_of(self._call, client)))

    def may_go_on(self, error: OpenAIError, leads_on: Callable[[OpenAIError], bool]) -> bool:
        """Return whether the next target may be asked after a failure, which *leads_on* lets pass."""
        record = self._record
        if self.is_last or not record.replayable or not leads_on(error):
            return False
        if (
            record.attempts == self._start or record.may_retry is None
        ):  # nothing was sent, or nothing is charged
            return True
        if record.attempts > self._took or not self._is_granted:  # else what was granted before was not used
            self._is_granted = record.may_retry()
        if not self._is_granted:
            call = self._call
            logger.info(
                "%s %s: no further target is asked, the retry budget is used up", call.method, call.shown_path
            )
        return self._is_granted
