"""Retries as a share of traffic, so that retries do not multiply the load during an outage."""

import threading
import time
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from .._call.call import Call, Reply
from .._call.pipeline import Next
from .._fork import PerProcess
from .options.amounts import check_amounts
from .record import record_of

_SLOTS = 10
_ACCOUNTS_KEPT = 1_000


class _Counts:
    """Calls and retries in the sliding window, in ten slots."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.slots: deque[list[int]] = deque()
        self.calls = 0
        self.retries = 0

    def slot(self, width: float) -> list[int]:
        number = int(time.monotonic() / width)
        slots = self.slots
        if slots and slots[-1][0] == number:
            return slots[-1]
        while slots and slots[0][0] <= number - _SLOTS:
            _, calls, retries = slots.popleft()
            self.calls -= calls
            self.retries -= retries
        slots.append([number, 0, 0])
        return slots[-1]


@dataclass(frozen=True)
class RetryBudget:
    """Allows retries as a share of this process's recent calls, for each account by itself.

    Args:
        share: Retries allowed per call.
        minimum: Retries allowed in each window whatever the traffic.
        window: Length of the sliding window in seconds.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    share: float = 0.2
    minimum: int = 10
    window: float = 60.0
    _counts: PerProcess[dict[str | None, _Counts]] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(dict)
    )

    def __post_init__(self) -> None:
        check_amounts("retry_budget", above_zero=False, share=self.share, minimum=self.minimum)
        check_amounts("retry_budget", above_zero=True, window=self.window)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call whose retries are charged to the budget."""
        record = call.record or record_of(call)
        counts = self._of(record.account)
        record.may_retry = partial(self.take, record.account)
        with counts.lock:
            counts.slot(self.window / _SLOTS)[1] += 1
            counts.calls += 1
        return proceed(call)

    def _of(self, account: str | None) -> _Counts:
        known = self._counts()
        found = known.get(account)
        if found is None:
            if len(known) >= _ACCOUNTS_KEPT:
                known.clear()
            found = known.setdefault(account, _Counts())
        return found

    def take(self, account: str | None = None) -> bool:
        """Return whether a call with that account may be retried now, and count the retry."""
        counts = self._of(account)
        with counts.lock:
            slot = counts.slot(self.window / _SLOTS)
            if counts.retries >= self.minimum + self.share * counts.calls:
                return False
            slot[2] += 1
            counts.retries += 1
            return True
